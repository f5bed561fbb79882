package reader

import (
	"context"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/explain"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/stages"
	"github.com/mtflight/mtflight/reader/internal/version"
)

// Plan is a checked request. It is immutable and can be run many times.
type Plan struct {
	req    Request
	schema *arrow.Schema
	of     extent
	read   read
}

// extent is what a plan says of itself: single, or a Joint.
type extent interface {
	State() string
	BlockRows() int64 // rows of a batch
	Window() int      // batches decoded ahead
	Split(n int) []Request
}

// read is a kind of read: of one dataset, of a frame or a sparse matrix of several, of a dataset that grows.
type read interface {
	// begin finds the rows, which for a condition means reading, and starts to give their batches, in memory of at or the
	// engine's.
	begin(ctx context.Context, at fill.Placement) (batches, error)
	// rows is how many rows it gives, -1 if that is unknown or without end.
	rows() int64
	// rowBytes is about how many Arrow bytes a row takes, at least one.
	rowBytes() int64
	// bounded tells whether what a batch takes follows from its rows.
	bounded() bool
	explain(ctx context.Context) (*explain.Explanation, error)
}

// batches are those of a run. They are used by one goroutine.
type batches interface {
	// Next waits for the next batch, which is valid until the next call; nil at the end.
	Next() (*fill.Batch, error)
	// Settle waits until all mapped batches were released. Errors: ErrChanged.
	Settle() error
	// Close stops what is under way and gives everything back.
	Close()
}

// Plan checks a request (its File and Dataset members only name the result) without reading a row.
func (d *Dataset) Plan(ctx context.Context, r Request) (*Plan, error) {
	if err := r.CheckOne(); err != nil {
		return nil, err
	}
	ctx = version.Expect(ctx, r.State)
	if err := d.file.version.Check(r.State); err != nil {
		return nil, d.failed(err)
	}
	if d.unsupported != nil {
		return nil, d.unsupported
	}
	if d.frame != nil {
		return d.planFrame(ctx, r)
	}
	if d.matrix != nil {
		return d.planMatrix(ctx, r)
	}
	t, err := d.planTable(ctx, r, nil)
	if err != nil {
		return nil, err
	}
	p := &Plan{req: r, schema: t.schema, of: newSingle(ctx, d, r, t.scan), read: t}
	if follows(r) {
		p.read = growing{t}
	}
	return p, nil
}

// State names the version of the file that is read, for Request.State.
func (p *Plan) State() string { return p.of.State() }

// Alone tells whether all rows are of one file, and none of virtual datasets' sources or raw files.
func (p *Plan) Alone() bool {
	one, is := p.of.(single)
	return is && one.scan.Dataset.Others == nil
}

// Stages are the parts of reading the plan's dataset, of so many stored bytes at most, each to be done alone. Errors: ErrUnsupported.
func (p *Plan) Stages(most int64) (*stages.Stages, error) {
	if t, is := p.read.(*tableRead); is {
		return stages.Of(t.scan, most)
	}
	return nil, fault.New(fault.Unsupported, "the parts of reading it cannot be done apart: it is several datasets")
}

// planTable plans a request for one dataset, whose condition may use the names of a frame.
func (d *Dataset) planTable(ctx context.Context, r Request, names []frame.Column) (*tableRead, error) {
	s, err := d.scan(ctx, r)
	if err != nil {
		return nil, err
	}
	t := &tableRead{ds: d, req: r, scan: s}
	if err := t.find(ctx, names); err != nil {
		return nil, err
	}
	t.schema = s.Program.Schema(arrow.MetadataFrom(d.metadataOf(r, s.Size)))
	return t, s.Check()
}

// Schema has the schema metadata of docs/protocol.md section 4.
func (p *Plan) Schema() *arrow.Schema { return p.schema }

// Rows is the number of rows a run gives, -1 if that is unknown or without end.
func (p *Plan) Rows() int64 { return p.read.rows() }

// Bytes estimates the Arrow bytes a run gives, -1 if unknown.
func (p *Plan) Bytes() int64 {
	n := p.Rows()
	if n < 0 {
		return -1
	}
	return rows.Times(n, p.read.rowBytes())
}

// Bounded tells whether what a batch takes follows from its rows: there is no data of variable length. Dictionaries and
// frames, which are put together from other batches, are apart.
func (p *Plan) Bounded() bool { return p.read.bounded() }

// BlockBytes is about how many bytes a whole batch takes.
func (p *Plan) BlockBytes() int64 {
	row := p.read.rowBytes()
	return min(p.of.BlockRows(), fill.MaxBatch/row+1) * row
}

// ReadAhead is how many batches a run decodes ahead of its caller.
func (p *Plan) ReadAhead() int { return p.of.Window() }

// Endless tells whether a run goes on until it is stopped.
func (p *Plan) Endless() bool {
	s := p.req.Stream
	return s != nil && (s.Follow || s.Cyclic && s.Cycles == nil && s.ToBlock == nil)
}

// Explain tells how the plan will be carried out. Bounds of column indexes may be read for that, rows never are.
func (p *Plan) Explain(ctx context.Context) (*Explanation, error) { return p.read.explain(ctx) }

// Split cuts the request into at most n requests, each for the version of the data that was planned with, that give the same rows
// in this order.
func (p *Plan) Split(n int) []Request { return p.of.Split(n) }

// single is what a plan of one dataset says of itself.
type single struct {
	ds   *Dataset
	req  Request
	scan *fill.Scan // of the result: which rows, in which batches

	state func() string
}

func newSingle(ctx context.Context, d *Dataset, r Request, s *fill.Scan) single {
	return single{d, r, s, sync.OnceValue(func() string { return d.file.version.With(ctx, d.file.live, follows(r), s.Dataset.Others) })}
}

func (s single) State() string    { return s.state() }
func (s single) BlockRows() int64 { return s.scan.Size }
func (s single) Window() int      { return s.scan.Window() }

func (s single) Split(n int) []Request {
	r := s.req
	r.State = s.State()
	return rows.Split(r, s.scan.Rows, n, s.scan.ChunkRows())
}
