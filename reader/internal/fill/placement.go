package fill

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

// most is how many batches a group may have.
func (r *Run) most() int {
	if r.at == nil {
		return 256
	}
	return r.at.Most()
}

// place finds memory for the batches of a group, once; false if there is no room just now.
func (r *Run) place(fills []*Batch) (bool, error) {
	if r.at == nil || fills[0].Place != nil {
		return true, nil
	}
	bytes := make([]int64, len(fills))
	for i, f := range fills {
		bytes[i] = r.scan.BatchBytes(f.Rows)
	}
	all, err := r.at.Place(r.ctx, bytes, r.idle())
	if all == nil || err != nil {
		return false, err
	}
	for i, f := range fills {
		f.Place = all[i]
	}
	return true, nil
}

// leased is how many bytes a batch takes of the engine's memory.
func (r *Run) leased(f *Batch) int64 {
	if r.at != nil || f.whole() {
		return 0
	}
	return r.scan.fillBytes(f.Rows)
}

// allocator is where the buffers of a batch come from.
func (f *Batch) allocator() memory.Allocator {
	if f.Place != nil {
		return placed{f.Place, f.Lease}
	}
	return f.Lease
}
