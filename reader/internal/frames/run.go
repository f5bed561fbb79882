package frames

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/frame"
)

// Run is a run of each part of a frame, side by side. One goroutine uses it.
type Run struct {
	ctx      context.Context
	plan     *Plan
	memory   *bufpool.Memory
	failed   func(error) error // names the frame in an error
	parts    []*fill.Run
	reserved *fill.Reservation // what the request has reserved for large chunks; nil: nothing
	budget   *bufpool.Budget   // of frames
	held     int64             // of that
	now      *fill.Batch
}

// Begin starts all parts, so that they are read at the same time. Frames share a budget, so that runs which wait for each
// other's parts never fill all of the memory.
func (f *Plan) Begin(ctx context.Context, name string, budget *bufpool.Budget, failed func(error) error) (r *Run, err error) {
	first := f.parts[0].Scan()
	r = &Run{ctx: ctx, plan: f, memory: first.Mem, failed: failed, budget: budget}
	if w, large := f.demand(); large {
		if r.reserved, err = first.Reserve(ctx, name, w); err != nil {
			return nil, failed(err)
		}
		r.memory = r.reserved.Mem
	} else {
		held := min(f.holds(), budget.Limit())
		if err := budget.Acquire(ctx, held); err != nil {
			return nil, err
		}
		r.held = held
	}
	if err := r.start(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// start finds the rows of all parts, and begins to read them.
func (r *Run) start() error {
	for _, p := range r.plan.parts {
		run, err := p.Start(r.ctx, r.reserved, len(r.plan.parts))
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

// Settle has nothing to wait for: no batch is mapped.
func (r *Run) Settle() error { return nil }

// Close stops all parts and gives everything back.
func (r *Run) Close() {
	r.drop()
	for _, part := range r.parts {
		part.Close()
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
	f := &fill.Batch{Batch: first.Batch, Lease: lease}
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
	n := f.RowBytes() + int64(len(f.columns))
	if f.plain {
		n += 2*f.RowBytes() + 8*int64(len(f.columns))
	}
	return n
}
