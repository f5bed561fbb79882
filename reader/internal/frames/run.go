package frames

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/order"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// Run is a run of each part of a frame, side by side. One goroutine uses it.
type Run struct {
	ctx      context.Context
	plan     *Plan
	memory   *bufpool.Memory
	failed   func(error) error // names the frame in an error
	of       rows.Sequence     // other rows than the parts'; nil: those
	found    *order.Shared     // which are these; nil: they were known
	parts    []*fill.Run
	reserved *fill.Reservation // what the request has reserved for large chunks; nil: nothing
	budget   *bufpool.Budget   // of frames
	held     int64             // of that
	now      *fill.Batch
}

// Begin starts all parts, so that they are read at the same time. Frames share a budget, so that runs which wait for each
// other's parts never fill all of the memory.
func (f *Plan) Begin(ctx context.Context, name string, budget *bufpool.Budget, failed func(error) error) (*Run, error) {
	if f.Asks == nil {
		return f.begin(ctx, name, budget, failed, nil)
	}
	found, err := f.Asks.Rows(ctx, name, budget, failed)
	if err != nil {
		return nil, err
	}
	return f.begin(ctx, name, budget, failed, &order.Shared{Rows: found})
}

// begin is Begin of other rows than the parts', which the run closes if they were found; nil: those.
func (f *Plan) begin(ctx context.Context, name string, budget *bufpool.Budget, failed func(error) error, of rows.Sequence) (*Run, error) {
	r := &Run{ctx: ctx, plan: f, memory: f.parts[0].Scan().Mem, failed: failed, budget: budget, of: of}
	r.found, _ = of.(*order.Shared)
	err := r.reserve(name)
	if err == nil {
		err = r.start()
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// reserve takes the memory of all parts.
func (r *Run) reserve(name string) (err error) {
	if w, large := r.plan.demand(); large {
		if r.reserved, err = r.plan.parts[0].Scan().Reserve(r.ctx, name, w); err != nil {
			return r.failed(err)
		}
		r.memory = r.reserved.Mem
		return nil
	}
	held := min(r.plan.holds(), r.budget.Limit())
	if err := r.budget.Acquire(r.ctx, held); err != nil {
		return err
	}
	r.held = held
	return nil
}

// start finds the rows of all parts, and begins to read them.
func (r *Run) start() error {
	for _, p := range r.plan.parts {
		run, err := p.Start(r.ctx, r.reserved, len(r.plan.parts), r.of)
		if err != nil {
			return p.Explain(err)
		}
		r.parts = append(r.parts, run)
		if err := run.Prefetch(); err != nil {
			return p.Explain(err)
		}
	}
	return nil
}

// Next makes the next rows of all parts one batch, which is valid until the next call; nil at the end.
func (r *Run) Next() (*fill.Batch, error) {
	r.drop()
	fills := make([]*fill.Batch, len(r.parts))
	ended := 0
	for i, part := range r.parts {
		f, err := part.Next()
		if err != nil {
			return nil, r.plan.parts[i].Explain(err)
		}
		if fills[i] = f; f == nil {
			ended++
		}
	}
	switch {
	case ended == len(r.parts):
		return nil, nil
	case ended > 0:
		return nil, r.failed(fault.New(fault.Changed, "its columns differ in length: the file changed while it was read"))
	}
	return r.zip(fills)
}

func (r *Run) drop() {
	if r.now != nil {
		r.now.Release()
		r.now = nil
	}
}

// MayMap lets batches be mapped from the file where all columns are what their datasets hold.
func (r *Run) MayMap() {
	for _, c := range r.plan.columns {
		if c.As != frame.Plain || c.Item >= 0 || c.mask != nil {
			return
		}
	}
	for _, part := range r.parts {
		part.MayMap()
	}
}

// Settle waits until all mapped batches have been released.
func (r *Run) Settle() error {
	for i, part := range r.parts {
		if err := part.Settle(); err != nil {
			return r.plan.parts[i].Explain(err)
		}
	}
	return nil
}

// right tells of a batch, some of which is mapped, whether its bytes were right when they were taken; nil of one that was read.
func right(parts []*fill.Batch) func() bool {
	var all []func() bool
	for _, f := range parts {
		if f.Right != nil {
			all = append(all, f.Right)
		}
	}
	if all == nil {
		return nil
	}
	return func() bool { return !slices.ContainsFunc(all, func(is func() bool) bool { return !is() }) }
}

// Close stops all parts and gives everything back.
func (r *Run) Close() {
	r.drop()
	for _, part := range r.parts {
		part.Close()
	}
	if r.found != nil {
		r.found.Close()
		r.found = nil
	}
	r.reserved.Close()
	r.budget.Return(r.held)
	r.held = 0
}

// zip makes one record of the parts' records.
func (r *Run) zip(parts []*fill.Batch) (*fill.Batch, error) {
	first := parts[0]
	lease, err := r.memory.Lease(r.ctx, first.Rows*r.plan.copied())
	if err != nil {
		return nil, err
	}
	f := &fill.Batch{Batch: first.Batch, Lease: lease, Right: right(parts)}
	columns := make([]arrow.Array, 0, len(r.plan.columns))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for _, c := range r.plan.columns {
		var mask arrow.Array
		if c.mask != nil {
			mask = c.mask.of(parts)
		}
		a, err := c.Make(lease, c.values.of(parts), mask)
		if err == nil {
			columns, err = r.plan.split(lease, a, columns)
		}
		if err != nil {
			f.Release()
			return nil, r.failed(fault.New(fault.Of(err), "column %s: %w", spell.Quote(c.Name), err))
		}
	}
	f.Record = array.NewRecord(r.plan.Schema, columns, first.Rows)
	f.Lease.Close()
	r.now = f
	return f, nil
}

// of is the column among the parts' records.
func (at partColumn) of(parts []*fill.Batch) arrow.Array {
	return parts[at.part].Record.Column(at.column)
}

// split adds a column that it takes over: several, where options.plain makes several of it.
func (f *Plan) split(mem memory.Allocator, a arrow.Array, columns []arrow.Array) ([]arrow.Array, error) {
	if !f.plain {
		return append(columns, a), nil
	}
	defer a.Release()
	parts, err := frame.PlainArrays(mem, a)
	return append(columns, parts...), err
}

// copied is about how many bytes a row takes that a part's record doesn't hold.
func (f *Plan) copied() int64 {
	n, copies := int64(0), f.touched(len(f.parts))
	for _, c := range f.columns {
		copies[c.values.part] = copies[c.values.part] || c.mask != nil
	}
	for i, copied := range copies {
		if copied {
			n += f.parts[i].Scan().RowBytes() + int64(len(f.columns))
		}
	}
	if f.plain {
		n += 2*f.RowBytes() + 8*int64(len(f.columns))
	}
	return n
}
