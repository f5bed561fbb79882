package reader

import (
	"cmp"
	"context"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/reader/internal/chunkstats"
)

// Uses of PyTables' column indexes: Request.Index.
const (
	IndexAuto = "auto" // where an estimate says that it pays; the default
	IndexOff  = "off"
	IndexOnly = "only" // a condition that no index serves is ErrPrecondition
)

// probeBytes is how much is read before the next look at how much was found.
const probeBytes = 4 << 20

// search finds the rows of a dataset that match a condition.
type search struct {
	scan    *scan // of the result, whose rows are to be found
	source  convert.Source
	where   *condition
	indexes *indexes
	use     string // of indexes: IndexAuto ("" too), IndexOff or IndexOnly
	stats   statistics
}

// statistics are those that are kept of a dataset's chunks.
type statistics struct {
	table func(chunks, rows int64) *chunkstats.Table // of so many chunks of so many rows; nil: none are kept
	save  func()                                     // now and then
}

// rows finds those of a slice that match, a page of them.
func (q *search) rows(ctx context.Context, all span, g page) (*sortedRows, error) {
	out, _, err := q.matches(ctx, all, g, false)
	return out, err
}

// result is the scan of the rows of a slice that match, a page of them: over their elements where there is room to keep those
// while the condition's columns are read.
func (q *search) result(ctx context.Context, all span, g page) (*scan, error) {
	found, along, err := q.matches(ctx, all, g, true)
	if err != nil {
		return nil, err
	}
	if along != nil {
		return q.scan.over(along, along), nil
	}
	s := *q.scan
	s.rows = found
	return &s, nil
}

// matches finds rows or, where keep says so and there is room, keeps their elements.
func (q *search) matches(ctx context.Context, all span, g page, keep bool) (*sortedRows, *elements, error) {
	found, ok, err := q.candidates(ctx, all)
	switch {
	case err != nil:
		return nil, nil, err
	case ok:
		return q.matching(ctx, found, g, keep)
	case len(q.where.columns) == 0:
		found, err := q.every(all, g)
		return found, nil, err
	}
	likely, _, err := q.likely(ctx, all)
	if err != nil {
		return nil, nil, err
	}
	return q.matching(ctx, likely, g, keep)
}

// matching reads the condition's columns of some rows, and notes the statistics of whole chunks.
func (q *search) matching(ctx context.Context, seq sequence, g page, keep bool) (*sortedRows, *elements, error) {
	out, err := q.scan.newSortedRows(0, false)
	if g.limit == 0 || err != nil {
		return out, nil, err
	}
	scan, probe, err := q.probing(seq, g.end(), keep)
	if err != nil {
		out.close()
		return nil, nil, err
	}
	defer q.stats.save()
	rowAt := rowOf(seq)
	along := newAppended(q.scan.memory(), int64(q.scan.program.ElemSize()), g.offset)
	before := g.offset // matches to pass over
	err = scan.each(ctx, func(f *fill) bool {
		for _, h := range f.finds {
			for _, place := range h.hits {
				if before > 0 {
					before--
				} else if out.n != g.limit {
					out.add(rowAt(place))
				}
			}
		}
		if keep && !probe.keep(along, f) {
			probe.full.Store(true)
			along.close()
			keep = false
		}
		return out.err == nil && out.n != g.limit
	})
	if err = cmp.Or(err, out.err); !keep || err != nil {
		along.close()
		out, err = finished(out, err)
		return out, nil, err
	}
	along.n = out.n
	out.close()
	return nil, along, nil
}

// probing is the scan that looks for the rows that match.
func (q *search) probing(rows sequence, limit int64, keep bool) (*scan, *probe, error) {
	program, err := convert.Compile(q.source, q.where.columns, asValues)
	if err != nil {
		return nil, nil, err
	}
	s := q.scan.values(program, rows)
	s.size = max(1, min(s.size, s.chunkRows()*max(1, probeBytes/q.scan.chunkBytes())))
	if s.claim != nil { // whose rows may be taken along
		s.size = max(1, min(s.size, s.budget().Limit()/16/max(s.rowBytes(), int64(program.ElemSize()))))
	}
	p, err := q.newProbe(program, rows, limit, keep)
	s.visitor = p
	return s, p, err
}

// every is the rows of a slice for which a condition without columns holds: all or none.
func (q *search) every(all span, g page) (*sortedRows, error) {
	all = g.of(all).(span)
	if !q.where.constant() {
		all.n = 0
	}
	out, err := q.scan.newSortedRows(0, false)
	for i := int64(0); err == nil && i < all.n; i++ {
		out.add(all.start + i*all.step)
		err = out.err
	}
	return finished(out, err)
}
