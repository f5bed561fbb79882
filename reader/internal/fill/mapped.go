package fill

import (
	"context"
	"math"
	"sync/atomic"

	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/store"
)

// mapBytes is the least a batch takes to be mapped: less is read in the time that mapping takes.
const mapBytes = 256 << 10

// mapping gives a batch its bytes in the file, nil where they have to be read.
func (r *Run) mapping(f *Batch) *blockio.Mapping {
	store, ok := r.scan.Store.(store.Mappable)
	if !ok || !r.mapped || len(f.runs) != 1 || f.runs[0].Step != 1 || !r.scan.Geometry.WholeRows() {
		return nil
	}
	perRow := int64(r.scan.Program.ElemsPerRow())
	n := f.runs[0].N * perRow
	size := int64(r.scan.Program.ElemSize())
	if n*size < mapBytes || f.runs[0].N != f.Rows || f.Rows > math.MaxInt32 { // Arrow counts so many
		return nil
	}
	file, addr, ok := store.Stretch(f.runs[0].Src*perRow, n)
	if !ok {
		return nil
	}
	m, err := file.Map(addr, uint64(n*size))
	if err != nil {
		return nil // reading says why
	}
	return m
}

// mapBatches maps what can be of a group.
func (r *Run) mapBatches(g *group) {
	for _, f := range g.batches {
		if f.pages == nil && f.kept == nil {
			f.pages = r.mapping(f)
		}
	}
}

// unmap undoes mapBatches.
func (f *Batch) unmap() {
	if f.pages != nil {
		_ = f.pages.Close()
		f.pages = nil
	}
}

// newBatch is a batch's columns, over its mapping or with memory to read into; none for a Visitor.
func (r *Run) newBatch(f *Batch) *convert.Batch {
	if r.scan.Visitor != nil || f.kept != nil {
		return nil
	}
	if f.pages != nil {
		f.Right = r.unchanged
		return r.scan.Program.BatchOver(r.mappedBuffer(f), int(f.Rows), f.Row)
	}
	return r.scan.Program.NewBatch(f.allocator(), int(f.Rows), r.scan.resolver(r.ctx), f.Row)
}

// outstanding counts the mapped buffers that have not come back.
type outstanding struct {
	n    atomic.Int64
	back chan struct{}
}

// mappedAllocator is where one of them goes back to. Its bytes count as the lease's.
type mappedAllocator struct {
	memory.Allocator
	lease *bufpool.Lease
	pages *blockio.Mapping
	of    *outstanding
}

// mappedBuffer makes a batch's buffer of its mapping.
func (r *Run) mappedBuffer(f *Batch) *memory.Buffer {
	b := f.pages.Bytes()
	f.Lease.Borrow(len(b))
	r.outstanding.n.Add(1)
	return memory.NewBufferWithAllocator(b, mappedAllocator{lease: f.Lease, pages: f.pages, of: &r.outstanding})
}

// Free is part of memory.Allocator.
func (l mappedAllocator) Free(b []byte) {
	_ = l.pages.Close()
	l.lease.Return(len(b))
	l.of.n.Add(-1)
	select {
	case l.of.back <- struct{}{}:
	default:
	}
}

// MayMap lets batches be mapped from the file where its bytes are what Arrow wants.
func (r *Run) MayMap() {
	r.outstanding.back = make(chan struct{}, 1)
	r.mapped = r.scan.Program.Untouched() && r.scan.Visitor == nil
}

// Settle waits until all mapped batches have been released, and is ErrChanged if the file changed before: what was sent of
// them is wrong then. It is for the end of a run.
func (r *Run) Settle() error {
	if !r.mapped {
		return nil
	}
	for r.outstanding.n.Load() > 0 {
		select {
		case <-r.outstanding.back:
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		}
	}
	return r.checked()
}
