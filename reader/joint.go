package reader

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/spill"
)

// Joint is a read that is put together of plans for several files: package collection makes it.
type Joint interface {
	extent
	Begin(ctx context.Context) (Batches, error)
	Rows() int64     // -1: unknown, or without end
	RowBytes() int64 // about, at least one
	Explain(ctx context.Context) (*Explanation, error)
}

// Batches are those of a Joint's run.
type Batches = batches

// Join is the plan of a joint read.
func Join(r Request, schema *arrow.Schema, j Joint) *Plan {
	return &Plan{req: r, schema: schema, of: j, read: joint{j}}
}

type joint struct{ Joint }

func (j joint) begin(ctx context.Context, _ fill.Placement) (batches, error) { return j.Begin(ctx) }
func (j joint) rows() int64                                                  { return j.Rows() }
func (j joint) rowBytes() int64                                              { return j.RowBytes() }
func (j joint) bounded() bool                                                { return false }

func (j joint) explain(ctx context.Context) (*Explanation, error) { return j.Explain(ctx) }

// Buffers are the memory of runs, and the budget of those that are put together of others, which is part of it: they wait for
// each other there, so that they never fill all of the memory.
func (e *Engine) Buffers() (*bufpool.Memory, *bufpool.Budget) { return e.mem, e.frames }

// Matches gives the numbers of the dataset's rows that meet the request's condition, ascending, its page of them, until use fails. use must not keep what it gets.
func (p *Plan) Matches(ctx context.Context, use func(rows []int64) error) (err error) {
	var found *spill.Rows
	var of *Dataset
	switch t := p.read.(type) {
	case *tableRead:
		of = t.ds
		found, err = t.matches(ctx)
	case *frameRead: // whose condition is of its only part, or of columns
		if of = t.ds; t.Asks != nil {
			found, err = t.Asks.Rows(ctx, of.asked, of.file.eng.frames, of.failed)
		} else {
			found, err = t.parts[0].matches(ctx)
		}
	default:
		return nil
	}
	if err != nil {
		return of.explained(err)
	}
	defer found.Close()
	return of.explained(found.Each(use))
}

func (t *tableRead) matches(ctx context.Context) (*spill.Rows, error) {
	all, err := rows.Slice(t.req.Start, t.req.Stop, t.req.Step, t.ds.rows())
	if err != nil {
		return nil, err
	}
	return t.Match(ctx, all, rows.PageOf(t.req))
}
