package reader

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/bufpool"
)

// Placement says where the buffers of a run's batches lie: in memory of the caller's. It is used by the goroutine that
// calls Run.Next.
type Placement interface {
	// Place gives memory for batches that take up to so many bytes each, for all or, where there is no room just now,
	// for none: nil. It waits for room if it must, which ends with ctx.
	Place(ctx context.Context, bytes []int64, wait bool) ([]Memory, error)
	// Most is how many batches may be placed at once; at least 1.
	Most() int
}

// Memory is the place of one batch. Its methods are called by one goroutine at a time.
type Memory interface {
	// Get gives n bytes at a multiple of 64, nil where they don't fit: they come from the engine's memory then.
	Get(n int) []byte
	// Holds tells whether bytes are of this memory.
	Holds(b []byte) bool
}

// RunIn is Run with the batches' buffers in the caller's memory, which has to outlive the run. Variable-length data and
// dictionaries may still lie elsewhere.
func (p *Plan) RunIn(ctx context.Context, at Placement) *Run {
	r := p.Run(ctx)
	r.at = at
	return r
}

// Memory is the place of the current batch, nil where it has none of the caller's.
func (r *Run) Memory() Memory {
	if r.now == nil {
		return nil
	}
	return r.now.place
}

// Bounded tells whether what a batch takes follows from its rows: there is no data of variable length. Dictionaries and
// frames, which are put together from other batches, are apart.
func (p *Plan) Bounded() bool { return p.frame == nil && !p.program.NeedsResolver() }

// BlockBytes is about how many bytes a whole batch takes.
func (p *Plan) BlockBytes() int64 { return min(p.size, maxBatch/p.rowBytes()+1) * p.rowBytes() }

// ReadAhead is how many batches a run decodes ahead of its caller.
func (p *Plan) ReadAhead() int { return p.window() }

// Endless tells whether a run goes on until it is stopped.
func (p *Plan) Endless() bool {
	s := p.req.Stream
	return s != nil && (s.Follow || s.Cyclic && s.Cycles == nil)
}

// Hold takes n bytes of the engine's budget for what the caller has in Go's heap, who has to Let them go. It waits until
// others have returned theirs. Errors: ErrExhausted, ctx's.
func (e *Engine) Hold(ctx context.Context, n int64) error { return e.mem.Budget.Acquire(ctx, n) }

// Let gives held bytes back.
func (e *Engine) Let(n int64) { e.mem.Budget.Return(n) }

// Reserve takes n bytes of the engine's budget for memory outside of it, which the caller has to Return. Where they are not
// free it waits, if it must, until others have returned theirs; else it says false. Errors: ErrExhausted, ctx's.
func (e *Engine) Reserve(ctx context.Context, n int64, wait bool) (bool, error) {
	if !wait {
		return e.mem.TryReserve(n), nil
	}
	err := e.mem.Reserve(ctx, n)
	return err == nil, err
}

// Return gives reserved bytes back.
func (e *Engine) Return(n int64) { e.mem.Return(n) }

// OnShortage has f called, by any goroutine, whenever bytes are wanted that are not free, until stop is: to Return what
// could be done without.
func (e *Engine) OnShortage(f func()) (stop func()) { return e.mem.Budget.OnShortage(f) }

// placed is the allocator of a batch with a place.
type placed struct {
	memory Memory
	lease  *bufpool.Lease
}

func (p placed) Allocate(n int) []byte {
	if n == 0 {
		return nil
	}
	if b := p.memory.Get(n); b != nil {
		return b
	}
	return p.lease.Allocate(n)
}

func (p placed) Reallocate(n int, b []byte) []byte {
	if n <= cap(b) && cap(b) > 0 {
		return b[:n]
	}
	out := p.Allocate(n)
	copy(out, b)
	p.Free(b)
	return out
}

func (p placed) Free(b []byte) {
	if cap(b) > 0 && !p.memory.Holds(b) {
		p.lease.Free(b)
	}
}

// idle tells whether nothing is on its way to the caller, so that waiting is all there is to do.
func (r *Run) idle() bool { return len(r.flight) == 0 && len(r.ready) == 0 && r.now == nil }

// most is how many batches a group may have.
func (r *Run) most() int {
	if r.at == nil {
		return 256
	}
	return r.at.Most()
}

// place finds memory for the batches of a group, once; false if there is no room just now.
func (r *Run) place(fills []*fill) (bool, error) {
	if r.at == nil || fills[0].place != nil {
		return true, nil
	}
	bytes := make([]int64, len(fills))
	for i, f := range fills {
		bytes[i] = r.plan.batchBytes(f.Rows)
	}
	all, err := r.at.Place(r.ctx, bytes, r.idle())
	if all == nil || err != nil {
		return false, err
	}
	for i, f := range fills {
		f.place = all[i]
	}
	return true, nil
}

// leased is how many bytes a batch takes of the engine's memory.
func (r *Run) leased(f *fill) int64 {
	if r.at != nil {
		return 0
	}
	return r.plan.fillBytes(f.Rows)
}

// allocator is where the buffers of a batch come from.
func (f *fill) allocator() memory.Allocator {
	if f.place != nil {
		return placed{f.place, f.lease}
	}
	return f.lease
}
