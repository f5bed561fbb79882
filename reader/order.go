package reader

import (
	"context"
	"slices"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/ptindex"
)

// sortable checks the column of sort_by.
func (d *Dataset) sortable(ctx context.Context, r Request) error {
	if len(d.shape) != 1 {
		return fault.New(fault.Invalid, "sort_by: only tables and arrays of one axis can be sorted, this has %d", len(d.shape))
	}
	var names []string
	for _, c := range d.source.Columns() {
		names = append(names, c.Name)
	}
	if !slices.Contains(names, r.SortBy) {
		return fault.New(fault.NotFound, "sort_by: no column %s%s", spell.Quote(r.SortBy), near.Hint(r.SortBy, names))
	}
	t, err := d.asValue(r.SortBy)
	if err != nil {
		return err
	}
	if _, ok := keyClass(t); !ok {
		return fault.New(fault.Invalid, "sort_by: column %s of %s has no order", spell.Quote(r.SortBy), t)
	}
	if r.CheckCSI {
		return d.checkCSI(ctx, r.SortBy)
	}
	return nil
}

func (d *Dataset) checkCSI(ctx context.Context, column string) error {
	ix, why, err := d.indexOf(ctx, column)
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

// ordered filters, sorts, then slices. Rows that lie scattered are read here, unless they only point at their data.
func (p *Plan) ordered(ctx context.Context) (sequence, error) {
	rows, err := p.sorted(ctx)
	if err != nil {
		return nil, err
	}
	if !p.scattered(rows) {
		return rows, nil
	}
	return p.carry(ctx, rows)
}

// scattered tells whether rows are better read all at once: see carried.
func (p *Plan) scattered(rows *sortedRows) bool {
	return rows.scattered() && len(p.ds.shape) == 1 && !p.program.NeedsResolver()
}

// listed is rows that the request lists. Those of several batches are read as sorted ones are where they lie scattered.
func (p *Plan) listed(ctx context.Context, l rowList) (sequence, error) {
	if l.Len() <= p.size {
		return l, nil
	}
	rows, err := p.newSortedRows(l.Len(), false)
	if err != nil {
		return nil, err
	}
	for _, r := range l {
		rows.add(r)
	}
	if !p.scattered(rows) {
		rows.close()
		return l, nil
	}
	if rows, err = finished(rows, nil); err != nil {
		return nil, err
	}
	return p.carry(ctx, rows)
}

func (p *Plan) sorted(ctx context.Context) (*sortedRows, error) {
	all := span{step: 1, n: p.ds.rows()}
	if p.where != nil {
		rows, err := p.filter(ctx, all, everything)
		if err != nil {
			return nil, err
		}
		defer rows.close()
		return p.bySorting(ctx, rows.plain())
	}
	if p.req.Index == IndexOff {
		return p.bySorting(ctx, all)
	}
	ix, _, err := p.ds.indexOf(ctx, p.req.SortBy)
	if err != nil {
		return nil, err
	}
	if ix != nil {
		if orders, err := ix.orders(ctx); err != nil {
			return nil, err
		} else if orders {
			return p.byIndex(ctx, ix)
		}
	}
	if p.req.Index == IndexOnly {
		return nil, p.ds.checkCSI(ctx, p.req.SortBy)
	}
	return p.bySorting(ctx, all)
}

// places is which places of n sorted rows the request takes, in ascending order; down: it wants them the other way.
func (p *Plan) places(n int64) (part span, down bool, err error) {
	part, err = slice(p.req.Start, p.req.Stop, p.req.Step, n)
	if err != nil {
		return part, false, err
	}
	part = p.req.page().of(part).(span)
	if part.step < 0 && part.n > 0 {
		part = span{start: part.start + (part.n-1)*part.step, step: -part.step, n: part.n}
		down = true
	}
	return part, down, nil
}

func (p *Plan) newSortedRows(n int64, down bool) (*sortedRows, error) {
	return newSortedRows(p.budget(), n, p.geo.chunk[p.geo.rows], down)
}

func (p *Plan) budget() *bufpool.Budget { return p.mem().Budget }

// indexStep is how many places of an index are read at once.
const indexStep = 1 << 17

// byIndex takes the order that a completely sorted index keeps.
func (p *Plan) byIndex(ctx context.Context, ix *columnIndex) (*sortedRows, error) {
	part, down, err := p.places(p.ds.rows())
	if err != nil {
		return nil, err
	}
	out, err := p.newSortedRows(part.n, down)
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

func finished(out *sortedRows, err error) (*sortedRows, error) {
	if err == nil {
		err = out.finish()
	}
	if err != nil {
		out.close()
		return nil, err
	}
	return out, nil
}

// bySorting reads the column of rows and sorts it: ascending, NaN last, equal keys as they come.
func (p *Plan) bySorting(ctx context.Context, rows sequence) (*sortedRows, error) {
	part, down, err := p.places(rows.Len())
	if err != nil {
		return nil, err
	}
	class, _, err := p.ds.order(p.req.SortBy)
	if err != nil {
		return nil, err
	}
	room, err := p.sortRoom(ctx, rows.Len(), class)
	if err != nil {
		return nil, err
	}
	defer p.budget().Return(room)
	s := newSorter(room, rows.Len(), class == ptindex.Bytes)
	defer s.close()
	if err := p.readKeys(ctx, rows, s); err != nil {
		return nil, err
	}
	out, err := p.newSortedRows(part.n, down)
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
func (p *Plan) sortRoom(ctx context.Context, rows int64, class ptindex.Class) (int64, error) {
	b := p.budget()
	most := b.Limit() / sortShare
	if p.claim != nil {
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
func (p *Plan) readKeys(ctx context.Context, rows sequence, s *sorter) error {
	program, err := convert.Compile(p.ds.source, []string{p.req.SortBy}, asValues)
	if err != nil {
		return err
	}
	var failed error
	var k ptindex.Keys
	var sources []int64
	err = p.reading(program, rows).each(ctx, func(r *Run) bool {
		k.Num, k.Str = k.Num[:0], k.Str[:0]
		if failed = appendKeys(&k, r.Record().Column(0)); failed != nil {
			return false
		}
		at := r.Block()
		sources = spreadOut(sources[:0], rows.Runs(nil, at.Row, at.Row+at.Rows, 0))
		failed = s.add(k, sources)
		return failed == nil
	})
	if err != nil {
		return err
	}
	return failed
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
