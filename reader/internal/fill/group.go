package fill

import (
	"context"
	"iter"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/colcache"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/store"
)

// Batch is a batch of a run, from its planning until it is released.
type Batch struct {
	rows.Batch
	runs    []rows.Run
	Lease   *bufpool.Lease
	Place   Memory           // of the caller's, nil: the engine's
	pages   *blockio.Mapping // of its bytes in the file, nil: they are read; the batch's once there is one
	columns *convert.Batch
	kept    colcache.Found // what the cache of columns has of it, all or nothing

	looked    bool // for that
	worth     bool // it is to be kept there
	fromCache bool // Record is of those
	Record    arrow.Record
	Right     func() bool // of a mapped one: tells, once its bytes were taken, whether the file is what it was; nil: it was read

	mu      sync.Mutex
	Matches []Match // of a Visitor
}

// target is what one chunk gives to one batch: the runs along the axis of the rows.
type target struct {
	Batch int
	Runs  []rows.Run
}

// Visit is what a visitor sees of a chunk.
type Visit struct {
	Chunk    int64 // its number along the rows
	Targets  []target
	Batches  []*Batch // by number
	Resolver convert.Resolver

	group *group
	job   job
}

// Whole tells whether all of the chunk is wanted.
func (v Visit) Whole() bool { return !v.group.partial(v.job) }

// job is a chunk with where its elements go.
type job struct {
	at      []int64
	targets []target
	parts   [][]rows.Run // of the other axes
}

// group is batches that are filled together, so that a chunk they share is decoded once.
type group struct {
	scan         *Scan
	batches      []*Batch
	jobs         []job
	lease        *bufpool.Lease // of the workers' scratch
	left         atomic.Int64   // tasks
	ended        chan<- *group
	done         bool // seen by the consumer
	worthCaching bool // what it decodes in part is for the cache: another request may want the rest

	harvest harvest

	turn sync.Once // ends that of the pinned chunks

	mu  sync.Mutex
	err error
}

// begin takes part in a turn of the request's pinned chunks, if it has such: store.Pins.Begin.
func (g *group) begin(ctx context.Context, wait bool) (bool, error) {
	if h := g.scan.pins(); h != nil {
		return h.Begin(ctx, wait)
	}
	return true, nil
}

// end ends that, once.
func (g *group) end() {
	if h := g.scan.pins(); h != nil {
		g.turn.Do(h.End)
	}
}

// addJobs plans the chunks of a group, in the order of the grid.
func (g *group) addJobs() {
	geo := g.scan.Geometry
	bands := map[int64][]target{}
	for i, f := range g.batches {
		if f.pages != nil || f.kept != nil {
			continue
		}
		for _, r := range f.runs {
			rows.EachChunk(r, geo.Chunk[geo.Rows], func(chunk int64, part rows.Run) {
				t := bands[chunk]
				if n := len(t); n > 0 && t[n-1].Batch == i {
					t[n-1].Runs = append(t[n-1].Runs, part)
				} else {
					bands[chunk] = append(t, target{Batch: i, Runs: []rows.Run{part}})
				}
			})
		}
	}
	order := make([]int64, 0, len(bands))
	for band := range bands {
		order = append(order, band)
	}
	slices.Sort(order)
	at, parts := geo.Across()
	for _, band := range order {
		geo.EachAcross(band, at, parts, func() {
			g.jobs = append(g.jobs, job{at: slices.Clone(at), targets: bands[band], parts: slices.Clone(parts)})
		})
	}
}

// The least that a task should decode, so that handing it out, or a request over a network, costs little beside it.
const (
	nearBytes    = 256 << 10
	distantBytes = 2 << 20
)

func (s *Scan) taskBytes() int64 {
	if s.Dataset.Distant {
		return max(nearBytes, min(distantBytes, s.Budget().Limit()/256))
	}
	return nearBytes
}

// perTask is the number of chunks a task takes.
func (s *Scan) perTask() int {
	return int(max(1, s.taskBytes()/max(1, s.ChunkBytes())))
}

// parts are the jobs of each task.
func (g *group) parts() iter.Seq[[]job] {
	store, ok := g.scan.Store.(store.Located)
	if !ok || !store.AllVerbatim() {
		return slices.Chunk(g.jobs, g.scan.perTask())
	}
	return func(yield func([]job) bool) {
		first, bytes := 0, int64(0)
		for i, j := range g.jobs {
			cost := g.cost(j)
			if i > first && bytes+cost > g.scan.taskBytes() {
				if !yield(g.jobs[first:i]) {
					return
				}
				first, bytes = i, 0
			}
			bytes += cost
		}
		if first < len(g.jobs) {
			yield(g.jobs[first:])
		}
	}
}

// cost is about how many bytes a job reads, or could in the time that its calls take, of a chunk that lies in the file
// verbatim.
func (g *group) cost(j job) int64 {
	n, whole := int64(0), g.scan.ChunkBytes()
	row := whole / max(1, g.scan.Geometry.Chunk[g.scan.Geometry.Rows])
	for _, t := range j.targets {
		for _, r := range t.Runs {
			if n += r.N*row + sparseGap; n >= whole {
				return whole
			}
		}
	}
	return n
}

// tasks cuts the jobs into tasks. There is always one, which ends the group.
func (g *group) tasks(ctx context.Context) []func() {
	var out []func()
	for part := range g.parts() {
		out = append(out, func() { g.work(func() error { return g.read(ctx, part) }) })
	}
	for _, f := range g.batches {
		if f.pages != nil {
			out = append(out, func() { g.work(func() error { return f.pages.Load(ctx) }) })
		}
	}
	if len(out) == 0 {
		out = append(out, func() { g.work(func() error { return nil }) })
	}
	g.left.Store(int64(len(out)))
	return out
}

// work does one task, whatever happens in it, and ends the group after the last.
func (g *group) work(do func() error) {
	if g.failed() == nil {
		if err := g.guard(do); err != nil {
			g.fail(err)
		}
	}
	if g.left.Add(-1) > 0 {
		return
	}
	if g.failed() == nil {
		if err := g.guard(g.finish); err != nil {
			g.fail(err)
		}
	}
	g.lease.Close()
	g.end()
	g.ended <- g
}

// guard turns a panic of a decoder into an error of this read.
func (g *group) guard(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			g.scan.Log.Sugar().Errorf("panic reading %s: %v\n%s", g.scan.Dataset.Name, v, debug.Stack())
			err = fault.New(fault.DataLoss, "an unexpected failure while decoding; the server's log has the details")
		}
	}()
	return do()
}

func (g *group) read(ctx context.Context, jobs []job) error {
	jobs, err := g.piecewise(ctx, g.wanted(jobs))
	if len(jobs) == 0 || err != nil {
		return err
	}
	s := store.NewScratch(ctx, g.lease, g.scan.pins())
	defer s.Release()
	for part := range slices.Chunk(jobs, g.scan.perTask()) {
		if err := g.load(ctx, s, part); err != nil {
			return err
		}
	}
	return nil
}

// load reads whole chunks.
func (g *group) load(ctx context.Context, s *store.Scratch, jobs []job) error {
	s.Partial = func(i int) bool { return g.worthCaching && g.partial(jobs[i]) }
	if g.scan.Visitor == nil && g.scan.Program.Direct() { // for a Visitor there is nothing to fill
		s.Place = func(i int) []byte {
			if g.harvest.fields[jobs[i].at[g.scan.Geometry.Rows]] != nil {
				return nil
			}
			return g.place(jobs[i])
		}
	}
	if v := g.scan.Visitor; v == nil || !v.Keeps() {
		s.Front = func(i int) (elems, bytes int) { return g.front(jobs[i]) }
	}
	chunks := make([][]int64, len(jobs))
	for i, j := range jobs {
		chunks[i] = j.at
	}
	return g.scan.Store.Load(ctx, s, chunks, func(i int, e convert.Elems, fill bool) error {
		g.reap(jobs[i], e, fill)
		return g.use(ctx, jobs[i], e, fill)
	})
}

// use takes from a chunk's elements what a job wants of them.
func (g *group) use(ctx context.Context, j job, e convert.Elems, fill bool) error {
	if v := g.scan.Visitor; v != nil {
		return v.Visit(Visit{Chunk: j.at[g.scan.Geometry.Rows], Targets: j.targets, Batches: g.batches,
			Resolver: g.scan.resolver(ctx), group: g, job: j}, e, fill)
	}
	return g.scatter(j, e, fill)
}

func (g *group) finish() error {
	for _, f := range g.batches {
		if f.kept != nil {
			if err := g.join(f); err != nil {
				return err
			}
			f.sortMatches()
			f.Lease.Close()
			continue
		}
		if f.columns == nil {
			f.sortMatches()
			f.Lease.Close()
			continue
		}
		rec, err := f.columns.Record()
		if err != nil {
			return err
		}
		f.Record = rec
		f.Lease.Close()
	}
	return nil
}

func (g *group) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		g.err = err
	}
}

func (g *group) failed() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

// release gives back what a group holds that will not be delivered; its tasks have ended or will never begin.
func (g *group) release() {
	for _, f := range g.batches {
		f.Release()
	}
	g.harvest.bring(func(*field) {})
	g.lease.Close()
	g.end()
}

func (f *Batch) Release() {
	if f.Record != nil {
		f.Record.Release()
		f.Record = nil
	}
	if f.columns != nil {
		f.columns.Release()
	}
	f.dropKept()
	f.dropMatches()
	f.Lease.Close()
}
