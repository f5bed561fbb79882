package match

import (
	"cmp"
	"context"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader/internal/chunkstats"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/index"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/spill"
)

// Uses of PyTables' column indexes: Request.Index.
const (
	IndexAuto = protocol.IndexAuto
	IndexOff  = protocol.IndexOff
	IndexOnly = protocol.IndexOnly
)

// probeBytes is how much is read before what was found is counted again.
const probeBytes = 4 << 20

// Search finds the rows of a dataset that match a condition.
type Search struct {
	Scan    *fill.Scan // of the result, whose rows are to be found
	Source  convert.Source
	Where   *Condition
	Indexes *index.Columns
	Use     string // of indexes: IndexAuto ("" too), IndexOff or IndexOnly
	Stats   ChunkStatistics
}

// ChunkStatistics are those that are kept of a dataset's chunks.
type ChunkStatistics struct {
	Table func(chunks, rows int64) *chunkstats.Table // of so many chunks of so many rows; nil: none are kept
	Save  func()                                     // now and then
}

// Rows finds those of a slice that match, a page of them.
func (q *Search) Rows(ctx context.Context, all rows.Span, g rows.Page) (*spill.Rows, error) {
	out, _, err := q.matches(ctx, all, g, false)
	return out, err
}

// Each gives the rows that Rows finds to use, some at a time, until it fails.
func (q *Search) Each(ctx context.Context, all rows.Span, g rows.Page, use func(rows []int64) error) error {
	found, err := q.Rows(ctx, all, g)
	if err != nil {
		return err
	}
	defer found.Close()
	const some = 1 << 16
	for lo := int64(0); lo < found.Len() && err == nil && found.Err == nil; lo += some {
		err = use(found.Read(lo, min(lo+some, found.Len())))
	}
	return cmp.Or(err, found.Err)
}

// Result is the scan of the rows of a slice that match, a page of them: over their elements where there is room to keep those
// while the condition's columns are read.
func (q *Search) Result(ctx context.Context, all rows.Span, g rows.Page) (*fill.Scan, error) {
	found, elements, err := q.matches(ctx, all, g, true)
	if err != nil {
		return nil, err
	}
	if elements != nil {
		return q.Scan.Over(elements, elements), nil
	}
	s := *q.Scan
	s.Rows = found
	return &s, nil
}

// matches finds rows or, where keep says so and there is room, keeps their elements.
func (q *Search) matches(ctx context.Context, all rows.Span, g rows.Page, keep bool) (*spill.Rows, *spill.Elements, error) {
	found, ok, err := q.candidates(ctx, all)
	switch {
	case err != nil:
		return nil, nil, err
	case ok:
		return q.matching(ctx, found, g, keep)
	case len(q.Where.Columns) == 0:
		found, err := q.every(all, g)
		return found, nil, err
	}
	likely, _, err := q.Likely(ctx, all)
	if err != nil {
		return nil, nil, err
	}
	return q.matching(ctx, likely, g, keep)
}

// matching reads the condition's columns of some rows, and notes the statistics of whole chunks.
func (q *Search) matching(ctx context.Context, seq rows.Sequence, g rows.Page, keep bool) (*spill.Rows, *spill.Elements, error) {
	out, err := q.Scan.NewRows(0, false)
	if g.Limit == 0 || err != nil {
		return out, nil, err
	}
	scan, probe, err := q.probing(seq, g.End(), keep)
	if err != nil {
		out.Close()
		return nil, nil, err
	}
	defer q.Stats.Save()
	keep = probe.Keeps()
	rowAt := rows.RowAt(seq)
	elements := spill.NewAppended(q.Scan.Memory(), int64(q.Scan.Program.ElemSize()), g.Offset)
	page := g.Cursor()
	err = scan.Each(ctx, func(f *fill.Batch) bool {
		for _, h := range f.Matches {
			for _, place := range h.Places {
				if page.Take() {
					out.Add(rowAt(place))
				}
			}
		}
		if keep && !probe.keep(elements, f) {
			probe.full.Store(true)
			elements.Close()
			keep = false
		}
		return out.Err == nil && !page.Done()
	})
	if err = cmp.Or(err, out.Err); !keep || err != nil {
		elements.Close()
		out, err = spill.Finish(out, err)
		return out, nil, err
	}
	elements.N = out.N
	out.Close()
	return nil, elements, nil
}

// probing is the scan, with its Visitor, that finds the rows that match. Where the condition's columns are kept no element is read, and
// none can be kept.
func (q *Search) probing(rows rows.Sequence, limit int64, keep bool) (*fill.Scan, *probe, error) {
	program, err := convert.Compile(q.Source, q.Where.Columns, index.AsValues)
	if err != nil {
		return nil, nil, err
	}
	s := q.Scan.Values(program, rows)
	s.Size = max(1, min(s.Size, s.ChunkRows()*max(1, probeBytes/q.Scan.ChunkBytes())))
	if s.Reserved != nil { // whose elements may be kept
		s.Size = max(1, min(s.Size, s.Budget().Limit()/16/max(s.RowBytes(), int64(program.ElemSize()))))
	}
	p, err := q.newProbe(program, rows, limit, keep && !s.AllKept())
	s.Visitor, s.Crop = p, []*convert.Program{program}
	if keep {
		s.Crop = append(s.Crop, q.Scan.Program)
	}
	return s, p, err
}

// every is the rows of a slice for which a condition without columns holds: all or none.
func (q *Search) every(all rows.Span, g rows.Page) (*spill.Rows, error) {
	all = g.Of(all).(rows.Span)
	if !q.Where.Constant() {
		all.N = 0
	}
	out, err := q.Scan.NewRows(0, false)
	for i := int64(0); err == nil && i < all.N; i++ {
		out.Add(all.Start + i*all.Step)
		err = out.Err
	}
	return spill.Finish(out, err)
}
