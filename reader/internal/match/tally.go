package match

import (
	"context"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/reader/internal/chunkstats"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/index"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/where"
)

// tally is the statistics of some columns of a dataset, by chunk along the rows.
type tally struct {
	table   *chunkstats.Table
	columns []int // numbers among the source's
	classes []chunkstats.Class
	band    int64 // rows of a chunk
	rows    int64
}

// newTally is that of a program's columns, whose numbers are given.
func newTally(s *fill.Scan, stats ChunkStatistics, program *convert.Program, columns []int) *tally {
	t := &tally{columns: columns, band: s.ChunkRows(), rows: s.Geometry.Shape[s.Geometry.Rows]}
	for _, f := range program.Schema(arrow.Metadata{}).Fields() {
		t.classes = append(t.classes, chunkstats.ClassOf(f.Type))
	}
	if t.rows > 0 {
		t.table = stats.Table(t.chunks(), t.band)
	}
	return t
}

func (q *Search) newTally(program *convert.Program) *tally {
	return newTally(q.Scan, q.Stats, program, q.Where.numbers)
}

func (t *tally) chunks() int64 { return (t.rows + t.band - 1) / t.band }

// extent is the rows of a chunk.
func (t *tally) extent(chunk int64) int64 { return min(t.band, t.rows-chunk*t.band) }

// get is what is known of the i-th column in a chunk.
func (t *tally) get(i int, chunk int64) (chunkstats.Stat, bool) {
	if t.table == nil || t.classes[i] == chunkstats.None {
		return chunkstats.Stat{}, false
	}
	return t.table.Get(t.columns[i], t.classes[i], chunk)
}

// complete tells whether all is known of a chunk that can be.
func (t *tally) complete(chunk int64) bool {
	for i, c := range t.classes {
		if c == chunkstats.None {
			continue
		}
		if _, ok := t.get(i, chunk); !ok {
			return false
		}
	}
	return true
}

// empty tells whether nothing is known.
func (t *tally) empty() bool {
	for _, c := range t.columns {
		if t.table != nil && t.table.Known(c) > 0 {
			return false
		}
	}
	return true
}

// put notes what all values of a chunk are.
func (t *tally) put(chunk int64, meters []chunkstats.Meter) {
	for i, c := range t.classes {
		if t.table != nil && c != chunkstats.None {
			t.table.Put(t.columns[i], c, chunk, meters[i].Stat())
		}
	}
}

// bounds are a column's in a chunk, as conditions compare it.
func (t *tally) bounds(i int, chunk int64) (b where.Bounds, ok bool) {
	s, ok := t.get(i, chunk)
	if !ok || s.Null > 0 || s.Long {
		return b, false
	}
	b.NaN = s.NaN > 0
	switch c := t.classes[i]; {
	case !s.Has:
		b.Lo, b.Hi = math.Inf(1), math.Inf(-1)
	case c == chunkstats.Int:
		b.Lo, b.Hi = below(chunkstats.IntOf(s.Lo)), above(chunkstats.IntOf(s.Hi))
	case c == chunkstats.Uint:
		b.Lo, b.Hi = belowUnsigned(s.Lo), aboveUnsigned(s.Hi)
	case c == chunkstats.Float:
		b.Lo, b.Hi = chunkstats.FloatOf(s.Lo), chunkstats.FloatOf(s.Hi)
	default:
		b.Min, b.Max = s.Min, s.Max
	}
	return b, true
}

const exact = 1 << 53 // integers up to here are float64

// below is a float64 that is not above an integer.
func below(v int64) float64 {
	if f := float64(v); v > -exact && v < exact {
		return f
	}
	return math.Nextafter(float64(v), math.Inf(-1))
}

// above is a float64 that is not below an integer.
func above(v int64) float64 {
	if f := float64(v); v > -exact && v < exact {
		return f
	}
	return math.Nextafter(float64(v), math.Inf(1))
}

// belowUnsigned is a float64 that is not above an integer.
func belowUnsigned(v uint64) float64 {
	if f := float64(v); v < exact {
		return f
	}
	return math.Nextafter(float64(v), math.Inf(-1))
}

// aboveUnsigned is a float64 that is not below an integer.
func aboveUnsigned(v uint64) float64 {
	if f := float64(v); v < exact {
		return f
	}
	return math.Nextafter(float64(v), math.Inf(1))
}

// Knows tells whether there are statistics of the condition's columns.
func (q *Search) Knows() bool {
	program, err := convert.Compile(q.Source, q.Where.Columns, index.AsValues)
	return err == nil && len(q.Where.Columns) > 0 && !q.newTally(program).empty()
}

// Likely leaves out of a slice the chunks of which statistics tell that no row matches, and says how many those are.
func (q *Search) Likely(ctx context.Context, all rows.Span) (s rows.Sequence, skipped int64, err error) {
	if q.Use == IndexOff || len(q.Where.Columns) == 0 {
		return all, 0, nil
	}
	program, err := convert.Compile(q.Source, q.Where.Columns, index.AsValues)
	if err != nil {
		return nil, 0, err
	}
	t := q.newTally(program)
	if t.empty() {
		return all, 0, nil
	}
	var out rows.Pieces
	rows.EachChunk(rows.Run{Src: all.Start, Step: all.Step, N: all.N}, t.band, func(chunk int64, part rows.Run) {
		if ctx.Err() != nil {
			return
		}
		if !q.Where.program.May(func(c int) (where.Bounds, bool) { return t.bounds(q.Where.place(c), chunk) }) {
			skipped++
			return
		}
		part.Src += chunk * t.band
		out = out.Add(part)
	})
	if skipped == 0 || ctx.Err() != nil {
		return all, 0, ctx.Err()
	}
	if !q.Scan.Dataset.Unchanged() {
		return nil, 0, fill.ErrChanged
	}
	return out, skipped, nil
}
