package protocol

import (
	"encoding/json"
	"math/bits"
)

// Remainder says what becomes of rows past the last whole block.
type Remainder uint8

// The remainders.
const (
	KeepRemainder Remainder = iota
	DropRemainder
	OnlyRemainder
)

// Uses of PyTables' column indexes: Request.Index.
const (
	IndexAuto = "auto" // where an estimate says that it pays; the default
	IndexOff  = "off"
	IndexOnly = "only" // a condition that no index serves is a failed precondition
)

// Compressions of batches on their way: Request.Compression.
const (
	LZ4  = "lz4"
	Zstd = "zstd"
)

// Options are the choices of docs/protocol.md section 4. Empty members are their defaults.
type Options struct {
	Strings string // "utf8", "binary"
	Enum    string // "dictionary", "int"
	Time    string // "timestamp", "numeric"
	Tensors string // "tensor", "nested"
	Layout  string // "columns", "rows"
	Plain   bool   // only types that every engine reads
	NetCDF  bool   // missing values of an array are null, its attributes are the field's too

	// Over several files.
	FileColumn string // name of a column of the files' names; "": none
	Schema     string // "unify", "strict"
	OnError    string // "error", "skip": what becomes of files that cannot be read
	Partitions bool   // a column for each folder KEY=VALUE of their names
	// TextKeys are the partition columns that are texts, all others integers; nil: that is told by the values.
	TextKeys []string
}

// Block says where a batch stands: the app_metadata of docs/protocol.md section 3.
type Block struct {
	Block int64 `json:"block"`
	Row   int64 `json:"row"` // of the result's rows
	Rows  int64 `json:"rows"`
	Cycle int64 `json:"cycle"`

	Skipped []Skipped `json:"skipped,omitempty"` // of the last batch
}

// SkippedKey is the schema metadata that has the files which were left out, as JSON.
const SkippedKey = "files.skipped"

// ParseSkipped reads what schema metadata has at SkippedKey.
func ParseSkipped(text string) (all []Skipped) {
	_ = json.Unmarshal([]byte(text), &all) // without any it is empty
	return all
}

// Skipped is a file that was left out because it cannot be read.
type Skipped struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// Request says which rows and columns of one dataset, or of one in each of several files, are wanted, and how they are to come. It is
// what a ticket holds (docs/protocol.md section 2) in plain values; the zero value of every member but File and Dataset is its default.
type Request struct {
	File, Dataset string
	Files         []string // in place of File: the names of several, in this order; nil: File is meant
	Datasets      []string // in place of Dataset: the paths of several of one length, which are one table's columns; nil: Dataset is meant
	State         string   // the version of the file that is meant, as a server's ticket names it; "": any
	Fields        []string // nil: all

	Start, Stop, Step *int64 // a Python slice over the rows

	Select      *string // NumPy index of an array
	Coordinates []int64 // rows in this order; nil: not asked, empty: none
	Mask        []byte  // one bit a row, least significant first; nil: not asked
	MaskRows    int64   // that Mask is of; 0: as many as the dataset has

	Where    *string
	Vars     map[string]any // int64, uint64, float64, string, bool
	SortBy   string
	CheckCSI bool
	Index    string // use of PyTables' column indexes: IndexAuto ("" too), IndexOff or IndexOnly

	Offset     int64   // rows of the result (filtered, sorted) that are passed over
	Limit      *int64  // rows given then at most; nil: all
	Stream     *Stream // nil: one ordered pass
	BatchRows  int64   // 0: default
	BatchBytes int64   // 0: default

	Options     Options
	Endpoints   int    // options.endpoints; 0: default
	Compression string // options.compression: LZ4, Zstd; "": none
}

// Stream is docs/protocol.md section 3.
type Stream struct {
	Unordered   bool
	Cyclic      bool
	Cycles      *int64 // nil: endless
	BlockRows   int64  // 0: the default, announced as stream.block_rows
	Remainder   Remainder
	Shuffle     *int64
	ShuffleRows bool // with Shuffle: the rows of each block too; Block.Row is its lowest place then
	ReadAhead   *int64
	Workers     int
	FromBlock   int64
	ToBlock     *int64 // the block before which to end; nil: none
	Follow      bool
}

// Target is what the request is for, in one text: its Dataset, or the list of its Datasets as JSON.
func (r Request) Target() string {
	if r.Datasets == nil {
		return r.Dataset
	}
	text, _ := json.Marshal(r.Datasets) // strings always have a form
	return string(text)
}

// RowBytes is what the rows that the request names one by one take as numbers, here and in a plan.
func (r Request) RowBytes() int64 {
	set := 0
	for _, b := range r.Mask {
		set += bits.OnesCount8(b)
	}
	return 16*int64(len(r.Coordinates)) + 8*int64(set) + int64(len(r.Mask))
}

// SetMask asks for the rows that are set, of as many as the dataset has.
func (r *Request) SetMask(rows []bool) {
	r.Mask, r.MaskRows = make([]byte, (len(rows)+7)/8), int64(len(rows))
	for i, set := range rows {
		if set {
			r.Mask[i/8] |= 1 << (i % 8)
		}
	}
}
