package order

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/colcache"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/index"
	"github.com/mtflight/mtflight/reader/internal/match"
	"github.com/mtflight/mtflight/reader/internal/ptindex"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/spill"
)

// Ordering finds the rows of a dataset of one axis in the order of a column.
type Ordering struct {
	Scan    *fill.Scan // of the result, whose rows are to be found
	Source  convert.Source
	By      string
	Indexes *index.Columns
	Use     string        // of indexes: IndexAuto ("" too), IndexOff or IndexOnly
	Among   *match.Search // finds the rows to be sorted; nil: all

	Start, Stop, Step *int64    // of the sorted rows
	Page              rows.Page // of those
}

// Check refuses a column that cannot be sorted by, or with csi one without a completely sorted index.
func Check(ctx context.Context, of convert.Source, by string, csi bool, x *index.Columns) error {
	var names []string
	for _, c := range of.Columns() {
		names = append(names, c.Name)
	}
	if !slices.Contains(names, by) {
		return fault.New(fault.NotFound, "sort_by: no column %s%s", spell.Quote(by), near.Hint(by, names))
	}
	t, err := index.TypeAsValue(of, by)
	if err != nil {
		return err
	}
	if _, ok := index.ClassOfType(t); !ok {
		return fault.New(fault.Invalid, "sort_by: column %s of %s has no order", spell.Quote(by), t)
	}
	if csi {
		return checkCSI(ctx, x, by)
	}
	return nil
}

func checkCSI(ctx context.Context, x *index.Columns, column string) error {
	ix, why, err := x.Index(ctx, column)
	switch {
	case err != nil:
		return err
	case ix == nil:
	case ix.Complete():
		orders, err := ix.Orders(ctx)
		if orders || err != nil {
			return err
		}
		why = "PyTables orders texts by what lies before their first NUL, and some have one inside"
	case !ix.Sorted():
		why = "the index is not completely sorted"
	default:
		why = "the index does not cover all rows"
	}
	return fault.New(fault.Precondition, "sort_by: column %s has no completely sorted index that can be used (%s); leave out check_csi to sort it", spell.Quote(column), why)
}

// Result is the scan of the rows in order: filtered, sorted, then sliced. Rows that lie scattered are read here, unless they
// only point at their data.
func (o *Ordering) Result(ctx context.Context) (*fill.Scan, error) {
	rows, err := o.Rows(ctx, nil)
	if err != nil {
		return nil, err
	}
	return gathered(ctx, o.Scan, rows)
}

// gathered is the scan of rows that were found, over their elements where those lie scattered.
func gathered(ctx context.Context, s *fill.Scan, rows *spill.Rows) (*fill.Scan, error) {
	if !scattered(s, rows) {
		q := *s
		q.Rows = rows
		return &q, nil
	}
	places, sources, err := byPlace(ctx, s, rows)
	rows.Close()
	if err != nil {
		return nil, err
	}
	defer places.Close()
	defer sources.Close()
	c, err := readInPlace(ctx, s, places, sources)
	if err != nil {
		return nil, err
	}
	return s.Over(c, c), nil
}

// scattered tells whether rows are better read all at once: see readInPlace.
func scattered(s *fill.Scan, rows *spill.Rows) bool {
	q := *s
	q.Rows = rows
	return rows.Scattered() && len(s.Geometry.Shape) == 1 && !s.Program.NeedsResolver() && !q.AllKept()
}

// Listed is the scan of rows that a request lists. Those of several batches are read as sorted ones are where they lie scattered.
func Listed(ctx context.Context, s *fill.Scan, l rows.List) (*fill.Scan, error) {
	if l.Len() <= s.Size {
		return s, nil
	}
	rows, err := s.NewRows(l.Len(), false)
	if err != nil {
		return nil, err
	}
	for _, r := range l {
		rows.Add(r)
	}
	if !scattered(s, rows) {
		rows.Close()
		return s, nil
	}
	if rows, err = spill.Finish(rows, nil); err != nil {
		return nil, err
	}
	return gathered(ctx, s, rows)
}

// Apart finds rows in memory that it reserves for a scan's large chunks, for the dataset of a name. They lie outside of that.
func Apart(ctx context.Context, s *fill.Scan, name string, w fill.Demand, find func(s *fill.Scan) (*spill.Rows, error)) (*spill.Rows, error) {
	reserved, err := s.Reserve(ctx, name, w)
	if err != nil {
		return nil, err
	}
	defer reserved.Close()
	found, err := find(s.WithReservation(reserved, 0))
	if err != nil {
		return nil, err
	}
	return found.In(s.Mem.Budget)
}

// Rows are the numbers of the rows in order, of those that are wanted: of those found, which stay the caller's, or else of Among or of all.
func (o *Ordering) Rows(ctx context.Context, found *spill.Rows) (*spill.Rows, error) {
	if found != nil { // whose order is no answer for the whole dataset
		some, scan := *o, *o.Scan
		scan.Kept, some.Scan = colcache.Dataset{}, &scan
		return some.bySorting(ctx, found.Borrow())
	}
	if known, _ := o.Scan.Kept.Answer(o.question()); known != nil {
		defer known.Release()
		return o.take(known.Int64Values())
	}
	all := rows.Span{Step: 1, N: o.Scan.Geometry.Shape[0]}
	if o.Among != nil {
		rows, err := o.Among.Rows(ctx, all, rows.Everything)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		return o.bySorting(ctx, rows.Borrow())
	}
	if o.Use == match.IndexOff {
		return o.bySorting(ctx, all)
	}
	ix, _, err := o.Indexes.Index(ctx, o.By)
	if err != nil {
		return nil, err
	}
	if ix != nil {
		if orders, err := ix.Orders(ctx); err != nil {
			return nil, err
		} else if orders {
			return o.byIndex(ctx, ix)
		}
	}
	if o.Use == match.IndexOnly {
		return nil, checkCSI(ctx, o.Indexes, o.By)
	}
	return o.bySorting(ctx, all)
}

// question tells the order, of the rows that a condition finds if there is one, from others.
func (o *Ordering) question() string {
	q := fmt.Sprintf("by %q, %s", o.By, o.Use)
	if o.Among != nil {
		q += " " + o.Among.Question()
	}
	return q
}

// Known is how many rows of the result are known from an earlier request, -1 where none are.
func (o *Ordering) Known() int64 {
	known, _ := o.Scan.Kept.Answer(o.question())
	if known == nil {
		return -1
	}
	defer known.Release()
	part, _, err := o.places(int64(known.Len()))
	if err != nil {
		return -1
	}
	return part.N
}

// take is what is wanted of all rows in order.
func (o *Ordering) take(all rows.List) (*spill.Rows, error) {
	part, down, err := o.places(all.Len())
	if err != nil {
		return nil, err
	}
	out, err := o.Scan.NewRows(part.N, down)
	for i := int64(0); err == nil && i < part.N; i++ {
		out.Add(all[part.Start+i*part.Step])
		err = out.Err
	}
	if out == nil {
		return nil, err
	}
	return spill.Finish(out, err)
}

// places is which places of n sorted rows the request takes, in ascending order; down: it wants them the other way.
func (o *Ordering) places(n int64) (part rows.Span, down bool, err error) {
	part, err = rows.Slice(o.Start, o.Stop, o.Step, n)
	if err != nil {
		return part, false, err
	}
	part = o.Page.Of(part).(rows.Span)
	if part.Step < 0 && part.N > 0 {
		part = rows.Span{Start: part.Start + (part.N-1)*part.Step, Step: -part.Step, N: part.N}
		down = true
	}
	return part, down, nil
}

// indexStep is how many places of an index are read at once.
const indexStep = 1 << 17

// byIndex takes the order that a completely sorted index keeps.
func (o *Ordering) byIndex(ctx context.Context, ix *index.Index) (*spill.Rows, error) {
	part, down, err := o.places(o.Scan.Geometry.Shape[0])
	if err != nil {
		return nil, err
	}
	out, err := o.Scan.NewRows(part.N, down)
	if err != nil {
		return nil, err
	}
	perRead := max(1, indexStep/part.Step)
	for i := int64(0); i < part.N && err == nil; i += perRead {
		var rows []int64
		n := min(perRead, part.N-i)
		first := part.Start + i*part.Step
		if rows, err = ix.Order(ctx, first, first+(n-1)*part.Step+1, part.Step); err != nil {
			break
		}
		for _, r := range rows {
			out.Add(r)
		}
	}
	return spill.Finish(out, err)
}

// bySorting reads the column of rows and sorts it: ascending, NaN last, equal keys as they come.
func (o *Ordering) bySorting(ctx context.Context, rows rows.Sequence) (*spill.Rows, error) {
	part, down, err := o.places(rows.Len())
	if err != nil {
		return nil, err
	}
	class, _, err := index.ClassOf(o.Source, o.By)
	if err != nil {
		return nil, err
	}
	room, err := sortRoom(ctx, o.Scan, rows.Len(), class)
	if err != nil {
		return nil, err
	}
	defer o.Scan.Budget().Return(room)
	s := newSorter(room, rows.Len(), class == ptindex.Bytes)
	defer s.Close()
	if err := o.readKeys(ctx, rows, s); err != nil {
		return nil, err
	}
	if part.N == 0 {
		return o.take(nil)
	}
	record := match.NewRecord(o.Scan.Memory(), o.Scan.Kept)
	defer record.Drop()
	if s.disk != nil { // reading it all again would take longer than what is wanted of it
		record.Drop()
	}
	out, err := o.Scan.NewRows(part.N, down)
	if err != nil {
		return nil, err
	}
	place := int64(0)
	out, err = spill.Finish(out, s.each(ctx, func(at pair) (bool, error) {
		record.Add(at.row)
		if place >= part.Start && (place-part.Start)%part.Step == 0 && out.N < part.N {
			out.Add(at.row)
		}
		place++
		return out.N < part.N || record.Wanted(), nil
	}))
	if err == nil {
		record.Keep(o.Scan.Kept, o.question(), max(1, place))
	}
	return out, err
}

const (
	sortShare     = 8 // what sorting takes of the budget: one in so many
	sortShareHeld = 3 // and of what a request has beside large chunks
)

// sortRoom reserves what sorting takes, at most its share of the budget; less where others use it.
func sortRoom(ctx context.Context, s *fill.Scan, rows int64, class ptindex.Class) (int64, error) {
	b := s.Budget()
	most := b.Limit() / sortShare
	if s.Reserved != nil {
		most = b.Limit() / sortShareHeld
	}
	if class != ptindex.Bytes {
		most = min(most, rows*pairBytes+1)
	}
	least := min(most, max(b.Limit()/64, 1<<20))
	for n := most; n > least; n /= 2 {
		if spill.Roomy(b, n) && b.TryAcquire(n) {
			return n, nil
		}
	}
	return least, b.Acquire(ctx, least)
}

// readKeys gives the sorter the keys of rows.
func (o *Ordering) readKeys(ctx context.Context, seq rows.Sequence, s *sorter) error {
	program, err := convert.Compile(o.Source, []string{o.By}, index.AsValues)
	if err != nil {
		return err
	}
	var failed error
	var k ptindex.Keys
	var sources []int64
	err = o.Scan.Reading(program, seq).Each(ctx, func(f *fill.Batch) bool {
		k.Num, k.Str = k.Num[:0], k.Str[:0]
		if failed = index.AppendKeys(&k, f.Record.Column(0)); failed != nil {
			return false
		}
		sources = rows.Expand(sources[:0], seq.Runs(nil, f.Row, f.Row+f.Rows, 0))
		failed = s.add(k, sources)
		return failed == nil
	})
	if err != nil {
		return err
	}
	return failed
}

// MergeBytes is what beside batches makes sure that there is room to merge all runs of keys: a part of it is for keys, and each
// run takes a buffer.
func MergeBytes(s *fill.Scan, of convert.Source, by string) int64 {
	each := int64(pairBytes)
	if class, _, err := index.ClassOf(of, by); err == nil && class == ptindex.Bytes {
		each = wordBytes + int64(s.Program.ElemSize())
	}
	return (sortShareHeld + 1) * int64(math.Sqrt(float64(s.Geometry.Shape[s.Geometry.Rows]*each*leastBuffer)))
}

// IndexWords says which index is used for the order, or why none is.
func (o *Ordering) IndexWords(ctx context.Context) string {
	if o.Use == match.IndexOff {
		return "not used: options.index is off"
	}
	ix, why, err := o.Indexes.Index(ctx, o.By)
	switch {
	case err != nil:
		return "not used: " + err.Error()
	case ix == nil:
		return "not used: " + o.By + ": " + why
	}
	if orders, err := ix.Orders(ctx); err != nil {
		return "not used: " + err.Error()
	} else if !orders {
		return "not used: that of " + o.By + " does not put all rows in order"
	}
	return "used: the order of column " + o.By
}
