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

// probeBytes is how much is read before the next look at how much was found.
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

// Result is the scan of the rows of a slice that match, a page of them: over their elements where there is room to keep those
// while the condition's columns are read.
func (q *Search) Result(ctx context.Context, all rows.Span, g rows.Page) (*fill.Scan, error) {
	found, along, err := q.matches(ctx, all, g, true)
	if err != nil {
		return nil, err
	}
	if along != nil {
		return q.Scan.Over(along, along), nil
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
	rowAt := rows.RowAt(seq)
	along := spill.NewAppended(q.Scan.Memory(), int64(q.Scan.Program.ElemSize()), g.Offset)
	before := g.Offset // matches to pass over
	err = scan.Each(ctx, func(f *fill.Batch) bool {
		for _, h := range f.Matches {
			for _, place := range h.Places {
				if before > 0 {
					before--
				} else if out.N != g.Limit {
					out.Add(rowAt(place))
				}
			}
		}
		if keep && !probe.keep(along, f) {
			probe.full.Store(true)
			along.Close()
			keep = false
		}
		return out.Err == nil && out.N != g.Limit
	})
	if err = cmp.Or(err, out.Err); !keep || err != nil {
		along.Close()
		out, err = spill.Finish(out, err)
		return out, nil, err
	}
	along.N = out.N
	out.Close()
	return nil, along, nil
}

// probing is the scan that looks for the rows that match.
func (q *Search) probing(rows rows.Sequence, limit int64, keep bool) (*fill.Scan, *probe, error) {
	program, err := convert.Compile(q.Source, q.Where.Columns, index.AsValues)
	if err != nil {
		return nil, nil, err
	}
	s := q.Scan.Values(program, rows)
	s.Size = max(1, min(s.Size, s.ChunkRows()*max(1, probeBytes/q.Scan.ChunkBytes())))
	if s.Reserved != nil { // whose rows may be taken along
		s.Size = max(1, min(s.Size, s.Budget().Limit()/16/max(s.RowBytes(), int64(program.ElemSize()))))
	}
	p, err := q.newProbe(program, rows, limit, keep)
	s.Visitor = p
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
