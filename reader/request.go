package reader

import (
	"slices"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// Request says which rows and columns of one dataset are wanted, and how they are to come. It is what a ticket holds
// (docs/protocol.md section 2) in plain values; the zero value of every member but File and Dataset is its default.
type Request struct {
	File, Dataset string
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

	Options   convert.Options
	Endpoints int // options.endpoints; 0: default
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
	Follow      bool
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

// passes are how often, and in which order, blocks of the result's rows come.
func (r Request) passes() rows.Passes {
	s := r.Stream
	if s == nil {
		return rows.Once()
	}
	p := rows.Passes{Cycles: 1, Rest: s.Remainder, Seed: s.Shuffle, Mix: s.ShuffleRows, First: s.FromBlock}
	if s.Cyclic {
		p.Cycles = -1
		if s.Cycles != nil {
			p.Cycles = *s.Cycles
		}
	}
	return p
}

// page is the part of the result that is wanted.
func (r Request) page() rows.Page {
	g := rows.Page{Offset: r.Offset, Limit: -1}
	if r.Limit != nil {
		g.Limit = *r.Limit
	}
	return g
}

// part are the places lo up to hi of a slice of the rows.
func (r Request) part(rows rows.Span, lo, hi int64) Request {
	start, stop := rows.Start+lo*rows.Step, rows.Start+(hi-1)*rows.Step+1
	r.Start, r.Stop, r.Offset, r.Limit, r.Endpoints = &start, &stop, 0, nil, 0
	r.Fields = slices.Clone(r.Fields)
	return r
}

// follows tells whether rows to come are waited for.
func (r Request) follows() bool { return r.Stream != nil && r.Stream.Follow }
