package reader

import (
	"context"
	"math"
	"sync/atomic"

	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
)

// mapBytes is the least a batch takes to be mapped: less is read in the time that mapping takes.
const mapBytes = 256 << 10

// RunMapped is Run for a caller that only hands the batches' buffers to the kernel (writev), never looks at them: they
// may be mapped from the file where its bytes are what Arrow wants. Where the file is cut off meanwhile, a look would
// kill the process and the system call fails.
func (p *Plan) RunMapped(ctx context.Context) *Run {
	r := p.Run(ctx)
	r.lent.back = make(chan struct{}, 1)
	r.mapped = p.program != nil && p.program.Untouched() && p.probe == nil && !p.follows() // its segments are runs that map nothing
	return r
}

var errChanged = fault.New(fault.Changed, "the file changed while it was read: ask again")

// mapping gives a fill its bytes in the file, nil where they have to be read.
func (r *Run) mapping(f *fill) *blockio.Mapping {
	store, ok := r.plan.store.(mappable)
	if !ok || !r.mapped || len(f.runs) != 1 || f.runs[0].step != 1 || !r.plan.geo.wholeRows() {
		return nil
	}
	perRow := int64(r.plan.program.ElemsPerRow())
	n := f.runs[0].n * perRow
	size := int64(r.plan.program.ElemSize())
	if n*size < mapBytes || f.runs[0].n != f.Rows || f.Rows > math.MaxInt32 { // Arrow counts so many
		return nil
	}
	file, addr, ok := store.stretch(f.runs[0].src*perRow, n)
	if !ok {
		return nil
	}
	m, err := file.Map(addr, uint64(n*size))
	if err != nil {
		return nil // reading tells why
	}
	return m
}

// mapFills maps what can be of a group.
func (r *Run) mapFills(g *group) {
	for _, f := range g.fills {
		if f.pages == nil {
			f.pages = r.mapping(f)
		}
	}
}

// unmap takes back what mapFills did.
func (f *fill) unmap() {
	if f.pages != nil {
		_ = f.pages.Close()
		f.pages = nil
	}
}

// newBatch is a batch over a fill's mapping or with memory to read into; none for a probe.
func (r *Run) newBatch(f *fill) *convert.Batch {
	if r.plan.probe != nil {
		return nil
	}
	if f.pages != nil {
		return r.plan.program.BatchOver(r.lend(f), int(f.Rows), f.Row)
	}
	return r.plan.program.NewBatch(f.allocator(), int(f.Rows), r.plan.resolver(r.ctx), f.Row)
}

// loans counts the mapped buffers that have not come back.
type loans struct {
	n    atomic.Int64
	back chan struct{}
}

// loan is the allocator that one of them goes back to. Its bytes count as the lease's.
type loan struct {
	memory.Allocator
	lease *bufpool.Lease
	pages *blockio.Mapping
	of    *loans
}

// lend makes a batch's buffer of a mapping.
func (r *Run) lend(f *fill) *memory.Buffer {
	b := f.pages.Bytes()
	f.lease.Borrow(len(b))
	r.lent.n.Add(1)
	return memory.NewBufferWithAllocator(b, loan{lease: f.lease, pages: f.pages, of: &r.lent})
}

// Free is part of memory.Allocator.
func (l loan) Free(b []byte) {
	_ = l.pages.Close()
	l.lease.Return(len(b))
	l.of.n.Add(-1)
	select {
	case l.of.back <- struct{}{}:
	default:
	}
}

// Settle waits until all mapped batches have been released, and tells whether the file changed before: what was sent of
// them is wrong then. It is for the end of a run, after Next.
func (r *Run) Settle() error {
	if !r.mapped {
		return nil
	}
	for r.lent.n.Load() > 0 {
		select {
		case <-r.lent.back:
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		}
	}
	if !r.plan.ds.file.unchanged() {
		return r.explain(errChanged)
	}
	return nil
}
