package reader

import (
	"context"
	"sync/atomic"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/mtflight/mtflight/internal/span"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/version"
)

// Run is an array.RecordReader over the batches of a plan. One goroutine uses it; it starts none: the engine's workers
// decode ahead while the caller is busy with a batch.
type Run struct {
	plan    *Plan
	ctx     context.Context
	cancel  context.CancelFunc
	at      fill.Placement // nil: the engine's memory
	mapped  bool           // batches may be mapped from the file
	batches batches        // nil: not begun
	now     *fill.Batch
	err     error
	refs    atomic.Int64
	closed  bool
	span    span.Span // from the beginning to the end
}

// Run reads. Cancel ctx or Release the run to stop it early.
func (p *Plan) Run(ctx context.Context) *Run {
	ctx, cancel := context.WithCancel(version.Expect(ctx, p.req.State))
	r := &Run{plan: p, ctx: ctx, cancel: cancel}
	r.refs.Store(1)
	return r
}

// RunIn is Run with the batches' buffers in the caller's memory, which has to outlive the run. Variable-length data and
// dictionaries may still lie elsewhere.
func (p *Plan) RunIn(ctx context.Context, at Placement) *Run {
	r := p.Run(ctx)
	r.at = at
	return r
}

// RunMapped is Run for a caller that only hands the batches' buffers to the kernel (writev), never looks at them: they
// may be mapped from the file where its bytes are what Arrow wants. Where the file is cut off meanwhile, a look would
// kill the process and the system call fails.
func (p *Plan) RunMapped(ctx context.Context) *Run {
	r := p.Run(ctx)
	r.mapped = true
	return r
}

// Schema is the plan's.
func (r *Run) Schema() *arrow.Schema { return r.plan.schema }

// Follows tells whether Next may wait for rows that are not there yet.
func (r *Run) Follows() bool { return follows(r.plan.req) }

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
	return r.now.Record
}

// Block says where the current batch stands.
func (r *Run) Block() Block { return r.now.Block }

// Mapped is, of a batch that is mapped, what tells whether its bytes were right when they were taken, to be asked after that;
// nil of one that was read. Once it is not, the run ends as ErrChanged.
func (r *Run) Mapped() func() bool {
	if r.now == nil {
		return nil
	}
	return r.now.Right
}

// Memory is the place of the current batch, nil where it has none of the caller's.
func (r *Run) Memory() Memory {
	if r.now == nil {
		return nil
	}
	return r.now.Place
}

// Err is what ended the run early, nil at the end of the data.
func (r *Run) Err() error { return r.err }

// Next waits for the next batch; false at the end and on errors.
func (r *Run) Next() bool {
	r.now = nil
	if r.err != nil || r.closed {
		return false
	}
	if r.now, r.err = r.advance(); r.err != nil {
		r.stop()
		return false
	}
	return r.now != nil
}

func (r *Run) advance() (*fill.Batch, error) {
	if r.batches == nil {
		r.ctx, r.span = span.Start(r.ctx, "read rows")
		begun, err := r.plan.read.begin(r.ctx, r.at)
		if err != nil {
			return nil, err
		}
		r.batches = begun
		if m, ok := r.batches.(interface{ MayMap() }); ok && r.mapped {
			m.MayMap()
		}
	}
	return r.batches.Next()
}

// Settle waits until all mapped batches have been released, and tells whether the file changed before: what was sent of
// them is wrong then. It is for the end of a run, after Next.
func (r *Run) Settle() error {
	if r.batches == nil {
		return nil
	}
	return r.batches.Settle()
}

// stop ends the workers' part and gives everything back.
func (r *Run) stop() {
	if r.closed {
		return
	}
	r.closed, r.now = true, nil
	r.cancel()
	if r.batches != nil {
		r.batches.Close()
	}
	r.span.End(r.err)
}
