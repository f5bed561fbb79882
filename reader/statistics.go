package reader

import (
	"context"
	"math"
	"path/filepath"
	"sync"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/reader/internal/chunkstats"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/where"
)

// statsShare is the part of the memory for statistics of chunks: one in so many, half of it for files on their way.
const statsShare = 64

// saveEvery is the least time between two saves of a file's statistics while it is read.
const saveEvery = 10 * time.Second

// fileStats are the statistics of a file's chunks, in memory from their first use on.
type fileStats struct {
	mu    sync.Mutex
	set   *chunkstats.Set
	saved time.Time
}

func (e *Engine) openStats(bytes int64) (err error) {
	e.stats = bufpool.NewBudget(bytes/2, 0)
	if e.cfg.StatsDir != "" {
		e.saved, err = chunkstats.OpenDir(e.cfg.StatsDir, bufpool.NewBudget(bytes/2, 0))
	}
	return err
}

// statistics are those of the file, what is kept on disk among them.
func (f *File) statistics() *chunkstats.Set {
	f.stats.mu.Lock()
	defer f.stats.mu.Unlock()
	switch {
	case f.stats.set != nil:
	case f.eng.saved != nil:
		f.stats.set = f.eng.saved.Load(absolute(f.loc.Path), f.disk.Identity(), f.eng.stats)
	default:
		f.stats.set = chunkstats.NewSet(f.eng.stats)
	}
	return f.stats.set
}

// saveStats writes what is new to disk; now: however short it is since the last time. A file that changed is left out.
func (f *File) saveStats(now bool) {
	f.stats.mu.Lock()
	defer f.stats.mu.Unlock()
	if f.eng.saved == nil || f.stats.set == nil || !now && time.Since(f.stats.saved) < saveEvery || !f.disk.Unchanged() {
		return
	}
	f.stats.saved = time.Now()
	if err := f.eng.saved.Save(absolute(f.loc.Path), f.disk.Identity(), f.stats.set); err != nil {
		f.eng.log.Sugar().Warnf("statistics of %s are not kept: %v", f.loc.Name, err)
	}
}

// absolute is a path that means the same to every program.
func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// dropStats ends them.
func (f *File) dropStats() {
	f.stats.mu.Lock()
	defer f.stats.mu.Unlock()
	if f.stats.set == nil {
		f.stats.set = chunkstats.NewSet(f.eng.stats)
	}
	f.stats.set.Close()
}

// tally is the statistics of some columns of a dataset, by chunk along the rows.
type tally struct {
	table   *chunkstats.Table
	columns []int // numbers among the source's
	classes []chunkstats.Class
	band    int64 // rows of a chunk
	rows    int64
}

// newTally is that of a program's columns, whose numbers are given. Without a table where nothing can be kept: what
// other files hold changes without this one.
func (p *Plan) newTally(program *convert.Program, columns []int) *tally {
	t := &tally{columns: columns, band: p.geo.chunk[p.geo.rows], rows: p.geo.shape[p.geo.rows]}
	for _, f := range program.Schema(arrow.Metadata{}).Fields() {
		t.classes = append(t.classes, chunkstats.ClassOf(f.Type))
	}
	d := p.ds
	if d.file.noted && !d.file.live && d.meta.Layout != meta.Virtual && len(d.meta.External) == 0 && t.rows > 0 {
		t.table = d.file.statistics().Table(d.meta.Addr, t.chunks(), t.band)
	}
	return t
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

// likely leaves out of a slice the chunks of which statistics tell that no row matches, and says how many those are.
func (p *Plan) likely(ctx context.Context, rows span) (s sequence, skipped int64, err error) {
	if p.req.Index == IndexOff || len(p.where.columns) == 0 {
		return rows, 0, nil
	}
	program, err := convert.Compile(p.ds.source, p.where.columns, asValues)
	if err != nil {
		return nil, 0, err
	}
	t := p.newTally(program, p.where.numbers)
	if t.empty() {
		return rows, 0, nil
	}
	var out pieces
	cut(run{src: rows.start, step: rows.step, n: rows.n}, t.band, func(chunk int64, part run) {
		if ctx.Err() != nil {
			return
		}
		if !p.where.program.May(func(c int) (where.Bounds, bool) { return t.bounds(p.where.place(c), chunk) }) {
			skipped++
			return
		}
		part.src += chunk * t.band
		out = out.add(part)
	})
	if skipped == 0 || ctx.Err() != nil {
		return rows, 0, ctx.Err()
	}
	if !p.ds.file.unchanged() {
		return nil, 0, errChanged
	}
	return out, skipped, nil
}
