package reader

import (
	"context"
	"math"
	"slices"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/ptindex"
)

// ordering finds the rows of a dataset of one axis in the order of a column.
type ordering struct {
	scan    *scan // of the result, whose rows are to be found
	source  convert.Source
	by      string
	indexes *indexes
	use     string  // of indexes: IndexAuto ("" too), IndexOff or IndexOnly
	among   *search // finds the rows to be sorted; nil: all

	start, stop, step *int64 // of the sorted rows
	page              page   // of those
}

// checkColumn refuses a column that cannot be sorted by, or with csi one without a completely sorted index.
func checkColumn(ctx context.Context, of convert.Source, by string, csi bool, x *indexes) error {
	var names []string
	for _, c := range of.Columns() {
		names = append(names, c.Name)
	}
	if !slices.Contains(names, by) {
		return fault.New(fault.NotFound, "sort_by: no column %s%s", spell.Quote(by), near.Hint(by, names))
	}
	t, err := typeAsValue(of, by)
	if err != nil {
		return err
	}
	if _, ok := keyClass(t); !ok {
		return fault.New(fault.Invalid, "sort_by: column %s of %s has no order", spell.Quote(by), t)
	}
	if csi {
		return checkCSI(ctx, x, by)
	}
	return nil
}

func checkCSI(ctx context.Context, x *indexes, column string) error {
	ix, why, err := x.of(ctx, column)
	switch {
	case err != nil:
		return err
	case ix == nil:
	case ix.complete():
		orders, err := ix.orders(ctx)
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

// result is the scan of the rows in order: filtered, sorted, then sliced. Rows that lie scattered are read here, unless they
// only point at their data.
func (o *ordering) result(ctx context.Context) (*scan, error) {
	rows, err := o.sorted(ctx)
	if err != nil {
		return nil, err
	}
	return gathered(ctx, o.scan, rows)
}

// gathered is the scan of rows that were found, over their elements where those lie scattered.
func gathered(ctx context.Context, s *scan, rows *sortedRows) (*scan, error) {
	if !scattered(s, rows) {
		q := *s
		q.rows = rows
		return &q, nil
	}
	c, err := readInPlace(ctx, s, rows)
	if err != nil {
		return nil, err
	}
	return s.over(c, c), nil
}

// scattered tells whether rows are better read all at once: see readInPlace.
func scattered(s *scan, rows *sortedRows) bool {
	return rows.scattered() && len(s.geo.shape) == 1 && !s.program.NeedsResolver()
}

// listed is the scan of rows that a request lists. Those of several batches are read as sorted ones are where they lie scattered.
func listed(ctx context.Context, s *scan, l rowList) (*scan, error) {
	if l.Len() <= s.size {
		return s, nil
	}
	rows, err := s.newSortedRows(l.Len(), false)
	if err != nil {
		return nil, err
	}
	for _, r := range l {
		rows.add(r)
	}
	if !scattered(s, rows) {
		rows.close()
		return s, nil
	}
	if rows, err = finished(rows, nil); err != nil {
		return nil, err
	}
	return gathered(ctx, s, rows)
}

func (o *ordering) sorted(ctx context.Context) (*sortedRows, error) {
	all := span{step: 1, n: o.scan.geo.shape[0]}
	if o.among != nil {
		rows, err := o.among.rows(ctx, all, everything)
		if err != nil {
			return nil, err
		}
		defer rows.close()
		return o.bySorting(ctx, rows.plain())
	}
	if o.use == IndexOff {
		return o.bySorting(ctx, all)
	}
	ix, _, err := o.indexes.of(ctx, o.by)
	if err != nil {
		return nil, err
	}
	if ix != nil {
		if orders, err := ix.orders(ctx); err != nil {
			return nil, err
		} else if orders {
			return o.byIndex(ctx, ix)
		}
	}
	if o.use == IndexOnly {
		return nil, checkCSI(ctx, o.indexes, o.by)
	}
	return o.bySorting(ctx, all)
}

// places is which places of n sorted rows the request takes, in ascending order; down: it wants them the other way.
func (o *ordering) places(n int64) (part span, down bool, err error) {
	part, err = slice(o.start, o.stop, o.step, n)
	if err != nil {
		return part, false, err
	}
	part = o.page.of(part).(span)
	if part.step < 0 && part.n > 0 {
		part = span{start: part.start + (part.n-1)*part.step, step: -part.step, n: part.n}
		down = true
	}
	return part, down, nil
}

// indexStep is how many places of an index are read at once.
const indexStep = 1 << 17

// byIndex takes the order that a completely sorted index keeps.
func (o *ordering) byIndex(ctx context.Context, ix *columnIndex) (*sortedRows, error) {
	part, down, err := o.places(o.scan.geo.shape[0])
	if err != nil {
		return nil, err
	}
	out, err := o.scan.newSortedRows(part.n, down)
	if err != nil {
		return nil, err
	}
	perRead := max(1, indexStep/part.step)
	for i := int64(0); i < part.n && err == nil; i += perRead {
		var rows []int64
		n := min(perRead, part.n-i)
		first := part.start + i*part.step
		if rows, err = ix.Order(ctx, first, first+(n-1)*part.step+1, part.step); err != nil {
			break
		}
		for _, r := range rows {
			out.add(r)
		}
	}
	return finished(out, err)
}

// bySorting reads the column of rows and sorts it: ascending, NaN last, equal keys as they come.
func (o *ordering) bySorting(ctx context.Context, rows sequence) (*sortedRows, error) {
	part, down, err := o.places(rows.Len())
	if err != nil {
		return nil, err
	}
	class, _, err := classOf(o.source, o.by)
	if err != nil {
		return nil, err
	}
	room, err := sortRoom(ctx, o.scan, rows.Len(), class)
	if err != nil {
		return nil, err
	}
	defer o.scan.budget().Return(room)
	s := newSorter(room, rows.Len(), class == ptindex.Bytes)
	defer s.close()
	if err := o.readKeys(ctx, rows, s); err != nil {
		return nil, err
	}
	out, err := o.scan.newSortedRows(part.n, down)
	if err != nil {
		return nil, err
	}
	place := int64(0)
	if part.n == 0 {
		return finished(out, nil)
	}
	return finished(out, s.each(ctx, func(at pair) (bool, error) {
		if place >= part.start && (place-part.start)%part.step == 0 {
			out.add(at.row)
		}
		place++
		return out.n < part.n, nil
	}))
}

const (
	sortShare     = 8 // what sorting takes of the budget: one in so many
	sortShareHeld = 3 // and of what a request has beside large chunks
)

// sortRoom reserves what sorting takes, at most its share of the budget; less where others use it.
func sortRoom(ctx context.Context, s *scan, rows int64, class ptindex.Class) (int64, error) {
	b := s.budget()
	most := b.Limit() / sortShare
	if s.claim != nil {
		most = b.Limit() / sortShareHeld
	}
	if class != ptindex.Bytes {
		most = min(most, rows*pairBytes+1)
	}
	least := min(most, max(b.Limit()/64, 1<<20))
	for n := most; n > least; n /= 2 {
		if roomy(b, n) && b.TryAcquire(n) {
			return n, nil
		}
	}
	return least, b.Acquire(ctx, least)
}

// readKeys gives the sorter the keys of rows.
func (o *ordering) readKeys(ctx context.Context, seq sequence, s *sorter) error {
	program, err := convert.Compile(o.source, []string{o.by}, asValues)
	if err != nil {
		return err
	}
	var failed error
	var k ptindex.Keys
	var sources []int64
	err = o.scan.reading(program, seq).each(ctx, func(f *fill) bool {
		k.Num, k.Str = k.Num[:0], k.Str[:0]
		if failed = appendKeys(&k, f.record.Column(0)); failed != nil {
			return false
		}
		sources = spreadOut(sources[:0], seq.Runs(nil, f.Row, f.Row+f.Rows, 0))
		failed = s.add(k, sources)
		return failed == nil
	})
	if err != nil {
		return err
	}
	return failed
}

// mergeBytes is what beside batches makes sure that there is room to merge all runs of keys: a part of it is for keys, and each
// run takes a buffer.
func mergeBytes(s *scan, of convert.Source, by string) int64 {
	each := int64(pairBytes)
	if class, _, err := classOf(of, by); err == nil && class == ptindex.Bytes {
		each = wordBytes + int64(s.program.ElemSize())
	}
	return (sortShareHeld + 1) * int64(math.Sqrt(float64(s.geo.shape[s.geo.rows]*each*leastBuffer)))
}

// indexWords says which index is used for the order, or why none is.
func (o *ordering) indexWords(ctx context.Context) string {
	if o.use == IndexOff {
		return "not used: options.index is off"
	}
	ix, why, err := o.indexes.of(ctx, o.by)
	switch {
	case err != nil:
		return "not used: " + err.Error()
	case ix == nil:
		return "not used: " + o.by + ": " + why
	}
	if orders, err := ix.orders(ctx); err != nil {
		return "not used: " + err.Error()
	} else if !orders {
		return "not used: that of " + o.by + " does not put all rows in order"
	}
	return "used: the order of column " + o.by
}
