package reader

// DRAFT of the public surface while the parts are being written; bodies are replaced by the files they belong to.

import (
	"context"
	"encoding/json"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"go.uber.org/zap"

	"github.com/mtflight/mtflight/internal/fault"
)

// Config says how an Engine works. The zero value of every field is its default.
type Config struct {
	Workers     int           // decoding goroutines; default: one per CPU
	Memory      int64         // bytes for all buffers and caches; default: a quarter of the machine's
	InProcess   bool          // call libhdf5 in this process instead of helper processes
	Helpers     int           // helper processes; default 2
	CallTimeout time.Duration // of one call to a helper; default 20 s
	Logger      *zap.Logger
}

// Location is a file on disk. Safe for use by value.
type Location struct {
	Path   string                   // on this machine's disk
	Name   string                   // what messages and schema metadata call it; default: Path
	Inside func(disk string) bool   // whether a path that a link leads to may be opened; nil: any
	NameOf func(disk string) string // what messages call such a path; nil: its base name
}

// Engine owns workers, budget, caches and helper processes.
type Engine struct{}

// NewEngine starts an engine; Close ends it.
func NewEngine(Config) (*Engine, error) { return nil, fault.New(fault.Unavailable, "draft") }

// Close waits for running reads to end and frees everything.
func (e *Engine) Close() error { return nil }

// Memory tells the budget and how many of its bytes are in use by running reads and by records not yet released.
func (e *Engine) Memory() (used, budget int64) { return 0, 0 }

// Open gives the file at a location; it is cheap when the file is known and unchanged.
func (e *Engine) Open(ctx context.Context, loc Location) (*File, error) { return nil, nil }

// Refresh drops what is cached about a file.
func (e *Engine) Refresh(path string) {}

// File is an HDF5 file of one identity. It needs no closing: the Engine drops what has not been used for long.
type File struct{}

// Tree lists the file: every object once, links that are not hard, attributes.
func (f *File) Tree(ctx context.Context) (*Tree, error) { return nil, nil }

// Dataset opens a dataset by its absolute path.
func (f *File) Dataset(ctx context.Context, path string) (*Dataset, error) { return nil, nil }

// Tree is what a file holds.
type Tree struct {
	Groups   []GroupInfo `json:"groups"`
	Datasets []Info      `json:"datasets"`
	Links    []LinkInfo  `json:"links"`
}

// GroupInfo is a group or a committed type.
type GroupInfo struct {
	Path       string          `json:"path"`
	Named      bool            `json:"named_type,omitempty"`
	Attributes json.RawMessage `json:"attributes"`
	Error      string          `json:"error,omitempty"`
}

// LinkInfo is a link that is not hard.
type LinkInfo struct {
	Path   string `json:"path"`
	Kind   string `json:"kind"` // soft, external, user
	File   string `json:"file,omitempty"`
	Target string `json:"target,omitempty"`
}

// Info describes a dataset without its chunk index.
type Info struct {
	Path       string          `json:"path"`
	Kind       string          `json:"kind"`             // table, array, vlarray, unsupported
	Reason     string          `json:"reason,omitempty"` // why unsupported
	Type       string          `json:"type"`             // canonical text of the HDF5 type
	Shape      []int64         `json:"shape"`            // null: null dataspace
	MaxShape   []int64         `json:"max_shape"`        // -1: unlimited
	Layout     string          `json:"layout"`
	Chunks     []int64         `json:"chunks"`
	Filters    []string        `json:"filters"` // deflate, shuffle, .. or the id
	Rows       int64           `json:"rows"`
	Bytes      int64           `json:"bytes"`  // of its elements
	Stored     int64           `json:"stored"` // in the file
	Attributes json.RawMessage `json:"attributes"`
	Schema     *arrow.Schema   `json:"-"` // of a request for the whole; nil if unsupported
}

// Dataset is one dataset of a file.
type Dataset struct{}

// Info describes it.
func (d *Dataset) Info() Info { return Info{} }

// Plan checks a request (its File and Dataset members are only names here) and says what it will give.
func (d *Dataset) Plan(ctx context.Context, r Request) (*Plan, error) { return nil, nil }

// Chunks counts the stored chunks, building the index if need be; 0 for other layouts.
func (d *Dataset) Chunks(ctx context.Context) (int, error) { return 0, nil }

// Plan is a checked request. It is immutable and can be run many times.
type Plan struct{}

// Schema has the schema metadata of section 4.
func (p *Plan) Schema() *arrow.Schema { return nil }

// Rows is the number of rows it will give, -1 if unknown before it is run.
func (p *Plan) Rows() int64 { return 0 }

// Bytes estimates the Arrow bytes it will give, -1 if unknown.
func (p *Plan) Bytes() int64 { return 0 }

// Split cuts the request into at most n requests (by start/stop) that give the same rows in this order; one if it
// can't be cut.
func (p *Plan) Split(n int) []Request { return nil }

// Run reads. Cancel ctx or Release the run to stop it early.
func (p *Plan) Run(ctx context.Context) *Run { return nil }

// Run is an array.RecordReader over the batches of a plan. Used by one goroutine.
type Run struct{}

// Retain and Release count references; the last Release stops the workers and waits for them.
func (r *Run) Retain() {}

// Release see Retain.
func (r *Run) Release() {}

// Schema is the plan's.
func (r *Run) Schema() *arrow.Schema { return nil }

// Next waits for the next batch.
func (r *Run) Next() bool { return false }

// Record is the current batch, valid until Next or Release.
func (r *Run) Record() arrow.Record { return nil }

// Block says where the current batch stands.
func (r *Run) Block() Block { return Block{} }

// Err is what ended the run early, nil at the end of the data.
func (r *Run) Err() error { return nil }
