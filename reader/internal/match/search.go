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

// matches finds rows or, where keep says so and there is room, keeps their elements. What is known from an earlier question is not looked
// for again.
func (q *Search) matches(ctx context.Context, all rows.Span, g rows.Page, keep bool) (*spill.Rows, *spill.Elements, error) {
	if len(q.Where.Columns) == 0 {
		if _, err := q.mayMatch(ctx, all); err != nil {
			return nil, nil, err
		}
		found, err := q.every(all, g)
		return found, nil, err
	}
	k := q.known(all)
	defer k.release()
	out, err := q.Scan.NewRows(0, false)
	if err != nil {
		return nil, nil, err
	}
	found, rest := k.page(g)
	for _, row := range found {
		out.Add(row)
	}
	if k.covers(all, g) || rest.Limit == 0 {
		out, err = spill.Finish(out, out.Err)
		return out, nil, err
	}
	h := &hunt{out: out, page: rest, record: NewRecord(q.Scan.Memory(), q.Scan.Kept), keep: keep && len(found) == 0}
	defer h.record.Drop()
	h.record.Extend(k.found)
	elements, err := q.matching(ctx, rows.Rest(all, k.seen).(rows.Span), h)
	if err == nil {
		h.record.Keep(q.Scan.Kept, q.question(all), h.seen(all))
	}
	if elements != nil {
		out.Close()
		return nil, elements, err
	}
	out, err = spill.Finish(out, err)
	return out, nil, err
}

// hunt is what a Search looks for.
type hunt struct {
	out    *spill.Rows // gets the rows of the page
	page   rows.Page
	record *Record // gets all up to the last of those
	keep   bool    // the elements of the page are kept where there is room
	last   int64   // row found
	ended  bool    // the page ended before the rows
}

// seen is how many rows were looked at.
func (h *hunt) seen(all rows.Span) int64 {
	if h.ended {
		return (h.last-all.Start)/all.Step + 1
	}
	return all.N
}

// matching reads the condition's columns of the rows that may match, and notes the statistics of whole chunks.
func (q *Search) matching(ctx context.Context, all rows.Span, h *hunt) (*spill.Elements, error) {
	seq, err := q.mayMatch(ctx, all)
	if err != nil {
		return nil, err
	}
	scan, probe, err := q.probing(seq, h.page.End(), h.keep)
	if err != nil {
		return nil, err
	}
	defer q.Stats.Save()
	rowAt, page, keep := rows.RowAt(seq), h.page.Cursor(), probe.Keeps()
	elements := spill.NewAppended(q.Scan.Memory(), int64(q.Scan.Program.ElemSize()), h.page.Offset)
	err = scan.Each(ctx, func(f *fill.Batch) bool {
		for _, m := range f.Matches {
			for i := 0; i < len(m.Places) && !page.Done(); i++ {
				h.found(rowAt(m.Places[i]), page.Take())
			}
		}
		if keep && !probe.keep(elements, f) {
			probe.full.Store(true)
			elements.Close()
			keep = false
		}
		h.ended = page.Done()
		return h.out.Err == nil && !h.ended
	})
	if err = cmp.Or(err, h.out.Err); !keep || err != nil {
		elements.Close()
		return nil, err
	}
	elements.N = h.out.N
	return elements, nil
}

// found notes a row, one of the page or not.
func (h *hunt) found(row int64, wanted bool) {
	h.last = row
	h.record.Add(row)
	if wanted {
		h.out.Add(row)
	}
}

// mayMatch is the rows of a slice that an index or statistics leave.
func (q *Search) mayMatch(ctx context.Context, all rows.Span) (rows.Sequence, error) {
	found, ok, err := q.candidates(ctx, all)
	if ok || err != nil {
		return found, err
	}
	likely, _, err := q.Likely(ctx, all)
	return likely, err
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
