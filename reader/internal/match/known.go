package match

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/reader/internal/colcache"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// questionOf tells conditions on one dataset apart.
func questionOf(text string, vars map[string]any, framed []frame.Column) string {
	var b strings.Builder
	fmt.Fprintf(&b, "where %q", text)
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		fmt.Fprintf(&b, " %q: %T %#v", name, vars[name], vars[name])
	}
	for _, c := range framed {
		fmt.Fprintf(&b, " %q in %q of %q, %d as %d of %d %q", c.Name, c.Member, c.Path, c.Item, c.As, c.Unit, c.Zone)
		if c.Null != nil {
			fmt.Fprintf(&b, " without %q", *c.Null)
		}
	}
	return b.String()
}

// question is the condition asked of a slice of the rows.
func (q *Search) question(all rows.Span) string {
	return fmt.Sprintf("%s of %d, %d, %d by %s", q.Where.question, all.Start, all.Step, all.N, q.Use)
}

// Question is the condition asked of all rows.
func (q *Search) Question() string {
	return q.question(rows.Span{Step: 1, N: q.Scan.Geometry.Shape[q.Scan.Geometry.Rows]})
}

// known is what is kept of an answer: the rows found among the first seen of those asked.
type known struct {
	kept  *array.Int64 // nil: nothing
	found rows.List
	seen  int64
}

func (q *Search) known(all rows.Span) (k known) {
	if k.kept, k.seen = q.Scan.Kept.Answer(q.question(all)); k.kept != nil {
		k.found = k.kept.Int64Values()
	}
	return k
}

func (k known) release() {
	if k.kept != nil {
		k.kept.Release()
	}
}

// covers tells whether it has all rows of a page.
func (k known) covers(all rows.Span, g rows.Page) bool {
	return k.kept != nil && (k.seen == all.N || g.Limit >= 0 && g.End() <= k.found.Len())
}

// page is the rows of a page that are known, and the page of those that are to be found behind them.
func (k known) page(g rows.Page) (found rows.List, rest rows.Page) {
	n := k.found.Len()
	first := min(g.Offset, n)
	found, rest = k.found[first:], rows.Page{Offset: g.Offset - first, Limit: -1}
	if g.Limit >= 0 {
		found = found[:min(g.Limit, found.Len())]
		rest.Limit = g.Limit - found.Len()
	}
	return found, rest
}

// Known is how many rows of a page are known from an earlier question, -1 where none are kept.
func (q *Search) Known(all rows.Span, g rows.Page) int64 {
	k := q.known(all)
	defer k.release()
	if k.kept == nil {
		return -1
	}
	found, _ := k.page(g)
	return found.Len()
}

// Record is row numbers in the order in which they are found, to be kept for who asks the same. One goroutine uses it.
type Record struct {
	mem  *bufpool.Memory
	most int64
	rows []int64
	buf  *memory.Buffer // of rows; nil: there are none yet
	full bool           // they are too many, or there is no memory for them
}

// NewRecord begins one.
func NewRecord(mem *bufpool.Memory, in colcache.Dataset) *Record {
	return &Record{mem: mem, most: in.MostAnswered(), full: in.Cache == nil}
}

// leastRecorded is how many rows a record has room for at first.
const leastRecorded = 1 << 10

// Add adds a row.
func (r *Record) Add(row int64) {
	if len(r.rows) == cap(r.rows) && !r.full {
		r.grow(2 * int64(len(r.rows)))
	}
	if !r.full {
		r.rows = append(r.rows, row)
	}
}

// Extend adds rows.
func (r *Record) Extend(more rows.List) {
	if n := int64(len(r.rows)) + more.Len(); n > int64(cap(r.rows)) && !r.full {
		r.grow(n)
	}
	if !r.full {
		r.rows = append(r.rows, more...)
	}
}

// Wanted tells whether rows are recorded still.
func (r *Record) Wanted() bool { return !r.full }

// grow makes room for n rows, or gives up.
func (r *Record) grow(n int64) {
	n = max(n, leastRecorded)
	if n/2 >= r.most {
		r.Drop()
		return
	}
	lease := r.mem.TryLease(8 * n)
	if lease == nil {
		r.Drop()
		return
	}
	buf := memory.NewResizableBuffer(lease)
	buf.Resize(int(8 * n))
	lease.Close() // the rest follows with the buffer
	rows := arrow.Int64Traits.CastFromBytes(buf.Bytes())[:len(r.rows)]
	copy(rows, r.rows)
	if r.buf != nil {
		r.buf.Release()
	}
	r.rows, r.buf = rows, buf
}

// Drop gives up.
func (r *Record) Drop() {
	r.full, r.rows = true, nil
	if r.buf != nil {
		r.buf.Release()
		r.buf = nil
	}
}

// Keep keeps what was recorded as what a question about the first seen rows has found, and ends the record.
func (r *Record) Keep(in colcache.Dataset, question string, seen int64) {
	if r.full {
		return
	}
	data := array.NewData(arrow.PrimitiveTypes.Int64, len(r.rows), []*memory.Buffer{nil, r.buf}, nil, 0, 0)
	defer data.Release()
	found := array.NewInt64Data(data)
	defer found.Release()
	in.KeepAnswer(question, found, seen)
	r.Drop()
}
