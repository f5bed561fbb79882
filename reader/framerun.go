package reader

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/frame"
)

// frameRun is the part of a Run over a frame: a run of each part, side by side.
type frameRun struct {
	parts []*Run
	held  int64 // of the engine's budget for frames
}

// beginFrame starts all parts, so that they are read at the same time. Frames share half the memory, so that runs which
// wait for each other's parts never fill all of it.
func (r *Run) beginFrame() error {
	if err := r.reserve(); err != nil {
		return r.plan.ds.failed(err)
	}
	held := int64(0)
	if budget := r.plan.ds.file.eng.frames; r.claim == nil {
		held = min(r.plan.frame.holds(), budget.Limit())
		if err := budget.Acquire(r.ctx, held); err != nil {
			return err
		}
	}
	r.frame = &frameRun{held: held}
	for _, p := range r.plan.frame.parts {
		part := *p
		part.claim, part.sides = r.claim, len(r.plan.frame.parts)
		r.frame.parts = append(r.frame.parts, part.Run(r.ctx))
	}
	for _, part := range r.frame.parts {
		if err := part.begin(); err != nil {
			return part.explain(err)
		}
		if err := part.ahead(); err != nil {
			return part.explain(err)
		}
	}
	return nil
}

// advanceFrame makes the next rows of all parts one batch.
func (r *Run) advanceFrame() error {
	if r.frame == nil {
		if err := r.beginFrame(); err != nil {
			return err
		}
	}
	ended := 0
	for _, part := range r.frame.parts {
		if part.Next() {
			continue
		}
		if part.Err() != nil {
			return part.Err()
		}
		ended++
	}
	switch {
	case ended == len(r.frame.parts):
		return nil
	case ended > 0:
		return r.plan.ds.failed(fault.New(fault.Changed, "its columns differ in length: the file changed while it was read"))
	}
	return r.zip()
}

// zip makes one record of the parts' records.
func (r *Run) zip() error {
	first := r.frame.parts[0].now
	lease, err := r.lease(first.Rows * r.plan.frame.copied())
	if err != nil {
		return err
	}
	f := &fill{block: first.block, lease: lease}
	columns := make([]arrow.Array, 0, len(r.plan.frame.columns))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for _, c := range r.plan.frame.columns {
		var mask arrow.Array
		if c.mask != nil {
			mask = r.raw(*c.mask)
		}
		a, err := c.Make(lease, r.raw(c.values), mask)
		if err == nil {
			columns, err = r.plain(lease, a, columns)
		}
		if err != nil {
			f.release()
			return r.plan.ds.failed(fault.New(fault.Of(err), "column %s: %w", spell.Quote(c.Name), err))
		}
	}
	f.record = array.NewRecord(r.plan.schema, columns, first.Rows)
	f.lease.Close()
	r.now = f
	return nil
}

// plain adds a column that it takes over, as options.plain has it.
func (r *Run) plain(mem memory.Allocator, a arrow.Array, columns []arrow.Array) ([]arrow.Array, error) {
	if !r.plan.frame.plain {
		return append(columns, a), nil
	}
	defer a.Release()
	parts, err := frame.PlainArrays(mem, a)
	return append(columns, parts...), err
}

func (r *Run) raw(at partColumn) arrow.Array {
	return r.frame.parts[at.part].Record().Column(at.column)
}

// copied is about how many bytes a row takes that a part's record doesn't hold.
func (f *framePlan) copied() int64 {
	n := f.rowBytes() + int64(len(f.columns))
	if f.plain {
		n += 2*f.rowBytes() + 8*int64(len(f.columns))
	}
	return n
}

func (r *Run) stopFrame() {
	if r.frame == nil {
		return
	}
	for _, part := range r.frame.parts {
		part.Release()
	}
	r.plan.ds.file.eng.frames.Return(r.frame.held)
	r.frame = nil
}
