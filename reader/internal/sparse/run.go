package sparse

import (
	"context"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// Run reads the batches of a plan. One goroutine uses it.
type Run struct {
	ctx      context.Context
	plan     *Plan
	failed   func(error) error // names the matrix in an error
	reserved *fill.Reservation // what the request has reserved for large chunks; nil: nothing
	budget   *bufpool.Budget   // of what runs of several datasets hold
	blocks   *rows.Blocks

	window  []stretch // whose pointers were read, and that are in no batch yet
	at      rows.Block
	peeked  *batch   // planned, but there was no room for it
	pending []*batch // being read, in their order
	now     *fill.Batch
}

// mostWindow is how many rows' pointers are read at a time, where batches do not say how many they have.
const mostWindow = 1 << 16

// Begin starts to read. Runs share a budget with those over frames, so that runs which wait for their other parts never fill
// all of the memory.
func (p *Plan) Begin(ctx context.Context, name string, budget *bufpool.Budget, failed func(error) error) (*Run, error) {
	r := &Run{ctx: ctx, plan: p, failed: failed, budget: budget}
	if w, large := p.demand(); large {
		var err error
		if r.reserved, err = p.Rows.Reserve(ctx, name, w); err != nil {
			return nil, failed(err)
		}
	}
	size := p.Rows.Size
	if !p.Cut.Exact { // a small part of the memory, whoever else reads
		size = min(mostWindow, max(256, p.Rows.Budget().Limit()>>15))
	}
	r.blocks = rows.NewBlocks(p.Rows.Rows.Len(), size, p.Rows.Passes)
	return r, nil
}

// Next gives the next batch, which is valid until the next call; nil at the end.
func (r *Run) Next() (*fill.Batch, error) {
	r.drop()
	if err := r.ahead(); err != nil || len(r.pending) == 0 {
		return nil, err
	}
	b := r.pending[0]
	r.pending = r.pending[1:]
	f, err := b.finish()
	if b.close(); err != nil {
		return nil, err
	}
	r.now = f
	return f, r.ahead()
}

func (r *Run) drop() {
	if r.now != nil {
		r.now.Release()
		r.now = nil
	}
}

// Settle has nothing to wait for: no batch is mapped.
func (r *Run) Settle() error { return nil }

// Close stops all that is under way and gives everything back.
func (r *Run) Close() {
	r.drop()
	for _, b := range r.pending {
		b.close()
	}
	r.pending = nil
	r.reserved.Close()
}

// most is how many batches are read ahead: where large chunks take turns, one.
func (r *Run) most() int {
	if r.reserved != nil {
		return 1
	}
	return r.plan.Rows.Window()
}

// ahead starts batches while the window and the budget have room. If nothing is on its way to the caller it waits for that.
func (r *Run) ahead() error {
	for len(r.pending) < r.most() {
		b, err := r.planned()
		if b == nil || err != nil {
			return err
		}
		started, err := b.start(len(r.pending) == 0 && r.now == nil)
		if err != nil {
			return err
		}
		if !started {
			r.peeked = b
			return nil
		}
		r.pending = append(r.pending, b)
	}
	return nil
}

// memory is where the run's memory comes from.
func (r *Run) memory() *bufpool.Memory {
	return r.plan.Rows.WithReservation(r.reserved, sides).Memory()
}

// planned is the next batch; nil at the end.
func (r *Run) planned() (*batch, error) {
	if b := r.peeked; b != nil {
		r.peeked = nil
		return b, nil
	}
	if len(r.window) == 0 {
		if err := r.read(); err != nil || len(r.window) == 0 {
			return nil, err
		}
	}
	n, err := r.plan.cut(r.window)
	if err != nil {
		return nil, r.failed(err)
	}
	b := newBatch(r, r.at, r.window[:n])
	r.window = r.window[n:]
	if r.at.Row += n; !r.plan.Cut.Exact {
		r.at.Block++
	}
	return b, nil
}

// read reads the pointers of the next block of rows.
func (r *Run) read() error {
	next, ok := r.blocks.Next()
	if !ok {
		return nil
	}
	budget, hold := r.memory().Budget, rows.Times(next.Rows, pointerBytes)
	if err := budget.Acquire(r.ctx, hold); err != nil {
		return err
	}
	defer budget.Return(hold)
	var err error
	r.window, err = r.stretches(r.blocks.Runs(r.plan.Rows.Rows, next))
	if r.plan.Cut.Exact {
		r.at = next.Block
	} else {
		r.at.Row = next.Row
	}
	return r.failed(err)
}

// maxBytes bounds a batch whose number of rows was asked for.
const maxBytes = 1 << 30

// cut is how many of some rows the next batch has: at least one.
func (p *Plan) cut(window []stretch) (n int64, err error) {
	bytes, most := int64(0), p.Cut.Bytes
	if p.Cut.Exact {
		most = maxBytes
	}
	for _, s := range window {
		row := offsetBytes + rows.Times(s.n, p.width)
		if n > 0 && (bytes+row > most || n == p.Cut.Rows) {
			break
		}
		if bytes += row; bytes > maxBytes {
			break
		}
		n++
	}
	if n == 0 || p.Cut.Exact && n < int64(len(window)) {
		return 0, fault.New(fault.Precondition, "a batch of %d rows takes over 1 GiB: ask for fewer by stream.block_rows, or for the raw nodes", n+1)
	}
	return n, nil
}
