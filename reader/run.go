package reader

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/sched"
)

// Run is an array.RecordReader over the batches of a plan. One goroutine uses it; it starts none: the engine's workers
// decode ahead while the caller is busy with a batch.
type Run struct {
	plan   *Plan
	ctx    context.Context
	cancel context.CancelFunc
	queue  *sched.Queue
	blocks *blocks
	seq    sequence
	begun  bool
	claim  *claim    // that it has to close; nil: none
	at     Placement // nil: the engine's memory
	mapped bool      // batches may be mapped from the file
	lent   loans     // those that are
	parted int64     // bytes of the chunks begun
	follow *follow   // nil: the run ends with the rows there are
	frame  *frameRun // nil: it is over no frame, or not begun

	peeked *fill   // planned, but belongs to the next group
	put    []*fill // planned, but the budget had no room
	flight []*group
	ended  chan *group
	ready  []*fill
	now    *fill
	err    error
	refs   atomic.Int64
	closed bool
}

// maxGroups bounds the groups of a run in the air, so that a worker never waits to say that one has ended.
const maxGroups = 256

// Run reads. Cancel ctx or Release the run to stop it early.
func (p *Plan) Run(ctx context.Context) *Run {
	ctx, cancel := context.WithCancel(ctx)
	r := &Run{plan: p, ctx: ctx, cancel: cancel, queue: p.ds.file.eng.workers.NewQueue(p.workers()),
		ended: make(chan *group, maxGroups)}
	r.refs.Store(1)
	return r
}

// Schema is the plan's.
func (r *Run) Schema() *arrow.Schema { return r.plan.schema }

// Retain adds a reference.
func (r *Run) Retain() { r.refs.Add(1) }

// Release drops a reference; the last stops the workers on this run and waits for them.
func (r *Run) Release() {
	if r.refs.Add(-1) == 0 {
		r.stop()
	}
}

// Record is the current batch, valid until Next or Release.
func (r *Run) Record() arrow.Record {
	if r.now == nil {
		return nil
	}
	return r.now.record
}

// Block says where the current batch stands.
func (r *Run) Block() Block { return r.now.Block }

// Err is what ended the run early, nil at the end of the data.
func (r *Run) Err() error { return r.err }

// Next waits for the next batch; false at the end and on errors.
func (r *Run) Next() bool {
	r.drop()
	if r.err != nil || r.closed {
		return false
	}
	if err := r.advance(); err != nil {
		r.err = r.explain(err)
		r.stop()
		return false
	}
	return r.now != nil
}

func (r *Run) drop() {
	if r.now != nil {
		r.now.release()
		r.now = nil
	}
}

// advance makes the next batch the current one, none at the end.
func (r *Run) advance() error {
	if r.plan.follows() {
		return r.advanceFollowing()
	}
	if r.plan.frame != nil {
		return r.advanceFrame()
	}
	if err := r.begin(); err != nil {
		return err
	}
	for len(r.ready) == 0 {
		if err := r.ahead(); err != nil {
			return err
		}
		if len(r.flight) == 0 {
			return nil
		}
		if err := r.await(); err != nil {
			return err
		}
	}
	r.now, r.ready = r.ready[0], r.ready[1:]
	return r.ahead()
}

// begin finds the rows, which for a condition means reading.
func (r *Run) begin() error {
	if r.begun {
		return nil
	}
	r.begun = true
	if err := r.reserve(); err != nil {
		return err
	}
	seq, err := r.plan.rows(r.ctx)
	if err != nil {
		return err
	}
	r.seq = seq
	if s, ok := seq.(interface{ over(*Plan) *Plan }); ok {
		r.plan = s.over(r.plan)
	}
	r.blocks = r.plan.newBlocks(seq)
	return r.blocks.check()
}

// ahead starts groups while the window and the budget have room. The first group in the air waits for its bytes.
func (r *Run) ahead() error {
	for len(r.flight) < maxGroups && (len(r.flight) == 0 && len(r.ready) == 0 || r.waiting() < r.plan.window()) {
		g, err := r.start()
		if g == nil || err != nil {
			return err
		}
		r.flight = append(r.flight, g)
		r.queue.Add(g.tasks(r.ctx)...)
	}
	return nil
}

// waiting counts the blocks decoded ahead of the client.
func (r *Run) waiting() int {
	n := len(r.ready)
	for _, g := range r.flight {
		n += len(g.fills)
	}
	return n
}

// start reserves the bytes of the next group; nil at the end, or if the budget has no room just now.
func (r *Run) start() (*group, error) {
	fills := r.collect()
	if len(fills) == 0 {
		return nil, nil
	}
	if ok, err := r.place(fills); !ok {
		r.putBack(fills)
		return nil, err
	}
	g := &group{plan: r.plan, fills: fills, ended: r.ended}
	if ok, err := g.begin(r.ctx, r.idle()); !ok {
		r.putBack(fills)
		return nil, err
	}
	r.mapFills(g)
	g.addJobs()
	r.parted += int64(len(g.jobs)) * r.plan.chunkBytes()
	g.again = r.plan.ds.file.eng.chunks.Holds(r.parted)
	total := r.plan.scratchBytes(len(g.jobs)) + r.plan.packedBytes(fills, len(g.jobs))
	for _, f := range fills {
		total += r.leased(f)
	}
	lease, err := r.lease(total)
	if lease == nil || err != nil {
		g.end()
		r.putBack(fills)
		return nil, err
	}
	for _, f := range fills {
		f.lease = lease.Split(r.leased(f))
		f.batch = r.newBatch(f)
	}
	g.lease = lease
	return g, nil
}

func (r *Run) lease(n int64) (*bufpool.Lease, error) {
	mem := r.plan.mem()
	if r.idle() {
		return mem.Lease(r.ctx, n)
	}
	return mem.TryLease(n), nil
}

// collect takes the blocks that the next group fills together: more than one only if they share chunks.
func (r *Run) collect() []*fill {
	if len(r.put) > 0 {
		fills := r.put
		r.put = nil
		return fills
	}
	var fills []*fill
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
		bytes += r.plan.fillBytes(f.Rows) + int64(len(f.runs))*runBytes
		fills = append(fills, f)
	}
	return fills
}

func (r *Run) take() *fill {
	if f := r.peeked; f != nil {
		r.peeked = nil
		return f
	}
	b, ok := r.blocks.Next()
	if !ok {
		return nil
	}
	return &fill{block: b, runs: r.blocks.runs(r.seq, b)}
}

// shares tells whether b begins in the chunks in which a ends.
func (r *Run) shares(a, b *fill) bool {
	last, first := a.runs[len(a.runs)-1], b.runs[0]
	extent := r.plan.geo.chunk[r.plan.geo.rows]
	return (last.src+(last.n-1)*last.step)/extent == first.src/extent
}

// together tells whether a block belongs into the group that has bytes and ends with another one.
func (r *Run) together(bytes int64, last, next *fill) bool {
	if s, ok := r.seq.(*sortedRows); ok && s.scattered() {
		return bytes < r.plan.sharedBytes()
	}
	return bytes < r.plan.groupBytes() && r.shares(last, next)
}

// await waits until a group that may be sent has ended, and makes its batches ready.
func (r *Run) await() error {
	for {
		for i, g := range r.flight {
			if g.done {
				r.flight = append(r.flight[:i:i], r.flight[i+1:]...)
				return r.deliver(g)
			}
			if !r.plan.unordered() {
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
	if !r.plan.ds.unchanged() {
		g.release()
		return errChanged
	}
	if s, ok := r.seq.(interface{ broken() error }); ok && s.broken() != nil {
		g.release()
		return s.broken()
	}
	r.ready = append(r.ready, g.fills...)
	return nil
}

// explain adds where it happened, and tells a damaged file from one that changes.
func (r *Run) explain(err error) error {
	kind := fault.Of(err)
	if kind == nil || r.follow != nil || r.plan.frame != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	f := r.plan.ds.file
	if kind == fault.DataLoss && !f.disk.Unchanged() {
		kind = fault.Changed
		err = fmt.Errorf("the file changed while it was read: %w", err)
	}
	return fault.New(kind, "%s %s: %w", f.loc.Name, r.plan.ds.info.Path, err)
}

// stop ends the workers' part and gives everything back.
func (r *Run) stop() {
	if r.closed {
		return
	}
	r.closed = true
	r.cancel()
	r.queue.Close()
	r.drop()
	r.stopFrame()
	if r.follow != nil {
		r.follow.close()
	}
	for _, g := range r.flight {
		g.release()
	}
	for _, f := range r.ready {
		f.release()
	}
	r.flight, r.ready = nil, nil
	if s, ok := r.seq.(interface{ close() }); ok {
		s.close()
	}
	if r.claim != nil {
		r.claim.close()
	}
}

// putBack keeps the blocks of a group for another try.
func (r *Run) putBack(fills []*fill) {
	for _, f := range fills {
		f.unmap()
	}
	r.put = fills
}
