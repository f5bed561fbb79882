package fill

import (
	"context"
	"sync/atomic"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/sched"
)

// maxGroups bounds the groups of a run in the air, so that a worker never waits to say that one has ended.
const maxGroups = 256

// ErrChanged is of a file that is not what it was when it was opened.
var ErrChanged = fault.New(fault.Changed, "the file changed while it was read: ask again")

// Run carries out a scan. One goroutine uses it; it starts none: the workers decode ahead while the caller is busy with
// a batch.
type Run struct {
	scan        *Scan
	ctx         context.Context
	cancel      context.CancelFunc
	queue       *sched.Queue
	blocks      *rows.Blocks // nil: not begun
	at          Placement    // nil: the engine's memory
	mapped      bool         // batches may be mapped from the file
	names       []string     // of its columns where they are kept; nil: they are not
	eager       bool         // they are the first time
	crops       []crop       // what is kept of chunks
	roomy       bool         // there is room for those of all chunks
	outstanding outstanding  // those that are
	chunkBytes  int64        // bytes of the chunks begun

	peeked   *Batch   // planned, but belongs to the next group
	deferred []*Batch // planned, but the budget had no room
	inFlight []*group
	ended    chan *group
	ready    []*Batch
	now      *Batch // the caller's
	closed   bool
	changed  atomic.Bool // the file
}

// Run begins to carry out a scan whose rows are known, with its batches in memory of at, or the engine's. The caller closes it.
func (s *Scan) Run(ctx context.Context, at Placement) *Run {
	ctx, cancel := context.WithCancel(ctx)
	queue := s.Workers.NewQueue(bufpool.OwnerOf(ctx), s.mostWorkers())
	if n := s.Known(); n >= 0 && s.BatchBytes(n) <= smallBytes {
		queue.First()
	}
	r := &Run{scan: s, ctx: ctx, cancel: cancel, queue: queue, ended: make(chan *group, maxGroups), at: at, names: s.keptNames(), eager: s.eager(), crops: s.crops()}
	r.roomy = s.roomy(r.crops)
	return r
}

// Next waits for the next batch, which is valid until the next call; nil at the end.
func (r *Run) Next() (*Batch, error) {
	r.drop()
	if r.closed {
		return nil, nil
	}
	if err := r.begin(); err != nil {
		return nil, err
	}
	for len(r.ready) == 0 {
		if err := r.ahead(); err != nil {
			return nil, err
		}
		if len(r.inFlight) == 0 {
			return nil, r.checked()
		}
		if err := r.await(); err != nil {
			return nil, err
		}
	}
	r.now, r.ready = r.ready[0], r.ready[1:]
	return r.now, r.ahead()
}

// checked looks whether the file is what it was: what was found in it, maybe nothing, may have come of another one.
func (r *Run) checked() error {
	if !r.unchanged() {
		return ErrChanged
	}
	return nil
}

// unchanged tells that; once it is not it stays so. Safe for concurrent use.
func (r *Run) unchanged() bool {
	if !r.changed.Load() && !r.scan.Dataset.Unchanged() {
		r.changed.Store(true)
	}
	return !r.changed.Load()
}

func (r *Run) drop() {
	if r.now != nil {
		r.now.Release()
		r.now = nil
	}
}

// begin plans the batches.
func (r *Run) begin() error {
	if r.blocks != nil {
		return nil
	}
	r.blocks = r.scan.newBlocks()
	return r.blocks.Check()
}

// Prefetch starts what may be decoded ahead of the first batch.
func (r *Run) Prefetch() error {
	if err := r.begin(); err != nil {
		return err
	}
	return r.ahead()
}

// ahead starts groups while the window and the budget have room. The first group in the air waits for its bytes.
func (r *Run) ahead() error {
	for len(r.inFlight) < maxGroups && (len(r.inFlight) == 0 && len(r.ready) == 0 || r.waiting() < r.scan.Window()) {
		g, err := r.start()
		if g == nil || err != nil {
			return err
		}
		r.inFlight = append(r.inFlight, g)
		r.queue.Add(g.tasks(r.ctx)...)
	}
	return nil
}

// waiting counts the blocks decoded ahead of the client.
func (r *Run) waiting() int {
	n := len(r.ready)
	for _, g := range r.inFlight {
		n += len(g.batches)
	}
	return n
}

// idle tells whether nothing is on its way to the caller, so that waiting is all there is to do.
func (r *Run) idle() bool { return len(r.inFlight) == 0 && len(r.ready) == 0 && r.now == nil }

// start reserves the bytes of the next group, and plans its chunks; nil at the end, or if the budget has no room just now.
func (r *Run) start() (*group, error) {
	fills := r.collect()
	if len(fills) == 0 {
		return nil, nil
	}
	if ok, err := r.place(fills); !ok {
		r.putBack(fills)
		return nil, err
	}
	g := &group{scan: r.scan, batches: fills, ended: r.ended}
	if ok, err := g.begin(r.ctx, r.idle()); !ok {
		r.putBack(fills)
		return nil, err
	}
	r.mapBatches(g)
	for _, f := range fills {
		r.findKept(f)
	}
	g.addJobs()
	r.chunkBytes += int64(len(g.jobs)) * r.scan.ChunkBytes()
	g.worthCaching = r.scan.Chunks.Holds(r.chunkBytes)
	if ok, err := r.reserve(g); !ok {
		g.end()
		r.putBack(fills)
		return nil, err
	}
	r.plant(g)
	return g, nil
}

// reserve gives a group and its batches their memory; false if there is no room just now. Who waits for room holds nothing of the cache of
// columns: others may wait for that.
func (r *Run) reserve(g *group) (bool, error) {
	total, _ := r.needs(g)
	lease := r.scan.Memory().TryLease(total)
	if lease == nil && r.idle() {
		g.forgo()
		total, kept := r.needs(g)
		again := r.unplan(g)
		var err error
		lease, err = r.wait(total, kept)
		again()
		if err != nil {
			return false, err
		}
	}
	if lease == nil {
		return false, nil
	}
	for _, f := range g.batches {
		f.Lease = lease.Split(r.leased(f))
		f.columns = r.newBatch(f)
	}
	g.lease = lease
	return true, nil
}

// needs is how many bytes a group takes, of which so many are kept until the batches have been sent.
func (r *Run) needs(g *group) (total, kept int64) {
	for _, f := range g.batches {
		kept += r.leased(f)
	}
	total = r.scan.ScratchBytes(len(g.jobs)) + r.scan.packedBytes(g.batches, len(g.jobs)) + kept
	return min(total+planBytes(g), max(total, r.scan.Memory().Budget.Limit())), kept
}

// planBytes is what the plan of a group takes whose rows come alone; what it takes for others is next to nothing.
func planBytes(g *group) (n int64) {
	for _, f := range g.batches {
		n += int64(len(f.runs)) * RunBytes
	}
	if n < smallBytes {
		return 0
	}
	return n
}

// unplan forgets the plan of a group that is to wait, where that is large, until again is called.
func (r *Run) unplan(g *group) (again func()) {
	if planBytes(g) == 0 {
		return func() {}
	}
	for _, f := range g.batches {
		f.runs = nil
	}
	g.jobs = nil
	return func() {
		for _, f := range g.batches {
			f.runs = r.blocks.Runs(r.scan.Rows, f.Batch)
		}
		g.addJobs()
	}
}

// smallBytes is up to how many bytes of batches a group gives back soon: so many a connection takes whatever its client does.
const smallBytes = 64 << 10

// wait reserves n bytes, of which so many are kept until the batches have been sent.
func (r *Run) wait(n, kept int64) (*bufpool.Lease, error) {
	if kept <= smallBytes && r.at == nil {
		return r.scan.Memory().LeaseSmall(r.ctx, n)
	}
	return r.scan.Memory().Lease(r.ctx, n)
}

// collect takes the blocks that the next group fills together: more than one only if they share chunks.
func (r *Run) collect() []*Batch {
	if len(r.deferred) > 0 {
		fills := r.deferred
		r.deferred = nil
		return fills
	}
	var fills []*Batch
	bytes := int64(0)
	for len(fills) < r.most() {
		f := r.take()
		if f == nil {
			break
		}
		if len(fills) > 0 && !r.together(bytes, fills[len(fills)-1], f) {
			r.peeked = f
			break
		}
		bytes += r.scan.fillBytes(f.Rows) + int64(len(f.runs))*RunBytes
		fills = append(fills, f)
	}
	return fills
}

func (r *Run) take() *Batch {
	if f := r.peeked; f != nil {
		r.peeked = nil
		return f
	}
	b, ok := r.blocks.Next()
	if !ok {
		return nil
	}
	f := &Batch{Batch: b, runs: r.blocks.Runs(r.scan.Rows, b)}
	r.findKept(f)
	return f
}

// shares tells whether b begins in the chunks in which a ends.
func (r *Run) shares(a, b *Batch) bool {
	last, first := a.runs[len(a.runs)-1], b.runs[0]
	extent := r.scan.ChunkRows()
	return (last.Src+(last.N-1)*last.Step)/extent == first.Src/extent
}

// together tells whether a block belongs into the group that has bytes and ends with another one.
func (r *Run) together(bytes int64, last, next *Batch) bool {
	if last.kept != nil || next.kept != nil { // which need no chunk
		return false
	}
	if s, ok := r.scan.Rows.(interface{ Scattered() bool }); ok && s.Scattered() {
		return bytes < r.scan.sharedBytes()
	}
	return bytes < r.scan.GroupBytes() && r.shares(last, next)
}

// await waits until a group that may be sent has ended, and makes its batches ready.
func (r *Run) await() error {
	for {
		for i, g := range r.inFlight {
			if g.done {
				r.inFlight = append(r.inFlight[:i:i], r.inFlight[i+1:]...)
				return r.deliver(g)
			}
			if !r.scan.Unordered {
				break
			}
		}
		select {
		case g := <-r.ended:
			g.done = true
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		}
	}
}

func (r *Run) deliver(g *group) error {
	if err := g.failed(); err != nil {
		g.release()
		return err
	}
	if err := r.checked(); err != nil {
		g.release()
		return err
	}
	if s, ok := r.scan.Rows.(interface{ Broken() error }); ok && s.Broken() != nil {
		g.release()
		return s.Broken()
	}
	r.keep(g)
	r.ready = append(r.ready, g.batches...)
	return nil
}

// Close ends the workers' part and gives everything back, the rows too.
func (r *Run) Close() {
	if r.closed {
		return
	}
	r.closed = true
	r.cancel()
	r.queue.Close()
	r.drop()
	for _, g := range r.inFlight {
		g.release()
	}
	for _, f := range r.ready {
		f.Release()
	}
	if r.peeked != nil {
		r.peeked.dropKept()
	}
	r.inFlight, r.ready = nil, nil
	if s, ok := r.scan.Rows.(interface{ Close() }); ok {
		s.Close()
	}
}

// putBack keeps the blocks of a group for another try.
func (r *Run) putBack(fills []*Batch) {
	for _, f := range fills {
		f.unmap()
		f.looked = f.kept == nil
		f.dropKept()
	}
	r.deferred = fills
}
