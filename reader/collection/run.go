package collection

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// open plans a request for a file. One that is not there any more was there when the collection was planned.
func open(ctx context.Context, eng *reader.Engine, m member, q reader.Request) (*reader.Plan, error) {
	f, err := eng.Open(ctx, m.loc)
	if fault.Of(err) == fault.NotFound {
		return nil, fault.New(fault.Changed, "%s: the file is gone: ask again", m.loc.Name)
	}
	if err != nil {
		return nil, named(m.loc, err)
	}
	d, err := f.Asked(ctx, q)
	if err != nil {
		return nil, named(m.loc, err)
	}
	p, err := d.Plan(ctx, q)
	return p, named(m.loc, err)
}

// start runs a request for a file.
func start(ctx context.Context, eng *reader.Engine, m member, q reader.Request) (*reader.Run, error) {
	p, err := open(ctx, eng, m, q)
	if err != nil {
		return nil, err
	}
	return p.Run(ctx), nil
}

// Begin is part of reader.Joint.
func (p *plan) Begin(ctx context.Context) (_ reader.Batches, err error) {
	mem, budget := p.eng.Buffers()
	held := min(p.holds(), budget.Limit())
	if err := budget.Acquire(ctx, held); err != nil {
		return nil, err
	}
	base := base{ctx: ctx, plan: p, mem: mem, end: func() { budget.Return(held) }}
	var all reader.Batches
	if p.blocked() {
		all, err = beginBlocks(base)
	} else {
		all, err = p.beginPlain(base)
	}
	if err != nil || len(p.skipped) == 0 {
		return all, err
	}
	return &telling{Batches: all, plan: p}, nil
}

// groupBytes is about how much is read at once to be cut into blocks.
func (p *plan) groupBytes() int64 {
	_, budget := p.eng.Buffers()
	return min(32<<20, budget.Limit()/4)
}

// holds is about how many bytes a run holds at a time.
func (p *plan) holds() int64 {
	block := rows.Times(p.BlockRows(), p.RowBytes())
	if p.blocked() {
		return min(rows.Times(3, max(block, p.groupBytes())), rows.End62)
	}
	return rows.Times(8, block)
}

// base is what all runs have.
type base struct {
	ctx  context.Context
	plan *plan
	mem  *bufpool.Memory
	end  func() // gives back what is held
	now  *fill.Batch
}

// give makes a record, which it takes over, the current batch.
func (b *base) give(at rows.Batch, r arrow.Record) (*fill.Batch, error) {
	lease, err := b.mem.Lease(b.ctx, 0)
	if err != nil {
		r.Release()
		return nil, err
	}
	b.now = &fill.Batch{Batch: at, Record: r, Lease: lease}
	return b.now, nil
}

func (b *base) drop() {
	if b.now != nil {
		b.now.Release()
		b.now = nil
	}
}

// Settle is part of reader.Batches: no batch is mapped.
func (b *base) Settle() error { return nil }

// plain gives the batches of one file after the other as they come.
type plain struct {
	base
	from feed
	next reader.Block
}

func (p *plan) beginPlain(b base) (*plain, error) {
	r := &plain{base: b}
	r.from = feed{ctx: b.ctx, plan: p, mem: b.mem, left: -1}
	if p.alone != nil {
		r.from.run, r.from.of = p.alone.Run(b.ctx), p.only
		return r, nil
	}
	seq := p.seq
	if seq == nil {
		all, err := rows.Slice(p.req.Start, p.req.Stop, p.req.Step, p.total)
		if err != nil {
			return nil, err
		}
		page := rows.PageOf(p.req)
		seq, r.from.skip, r.from.left = all, page.Offset, page.Limit
	}
	r.from.todo = p.likely(p.pieces(nil, seq.Runs(nil, 0, seq.Len(), 0)))
	return r, nil
}

// Next is part of reader.Batches.
func (r *plain) Next() (*fill.Batch, error) {
	r.drop()
	rec, err := r.from.next()
	if rec == nil || err != nil {
		return nil, err
	}
	at := r.next
	if r.plan.alone != nil {
		at = r.from.run.Block()
	}
	at.Rows = rec.NumRows()
	r.next.Block, r.next.Row = at.Block+1, at.Row+at.Rows
	return r.give(rows.Batch{Block: at}, rec)
}

// Close is part of reader.Batches.
func (r *plain) Close() {
	r.drop()
	r.from.close()
	r.end()
}

// feed gives the conformed records of pieces, one after the other.
type feed struct {
	ctx        context.Context
	plan       *plan
	mem        *bufpool.Memory
	todo       []piece
	skip, left int64 // rows of the result to be passed over, and then to come; negative: all
	run        *reader.Run
	of         member
	asked      *reader.Plan
}

// next gives the next record, which is the caller's; nil at the end.
func (f *feed) next() (arrow.Record, error) {
	for {
		if f.left == 0 {
			return nil, nil
		}
		if f.run == nil {
			if len(f.todo) == 0 {
				return nil, nil
			}
			if err := f.begin(f.todo[0]); err != nil {
				return nil, err
			}
			f.todo = f.todo[1:]
		}
		if !f.run.Next() {
			if err := f.ended(); err != nil {
				return nil, err
			}
			continue
		}
		if r := f.page(f.run.Record()); r != nil {
			defer r.Release()
			if f.plan.alone != nil {
				return array.NewRecord(f.plan.schema, r.Columns(), r.NumRows()), nil
			}
			return f.plan.conform(f.ctx, f.mem, r, f.of)
		}
	}
}

func (f *feed) begin(p piece) (err error) {
	f.of = f.plan.members[p.file]
	q := f.plan.selecting(f.plan.request(f.of), p)
	if f.left >= 0 {
		most := f.left + min(f.skip, rows.End62)
		q.Limit = &most
	}
	if f.plan.req.BatchRows > 0 {
		q.BatchRows = f.plan.req.BatchRows
	}
	q.BatchBytes = f.plan.req.BatchBytes
	if f.asked, err = open(f.ctx, f.plan.eng, f.of, q); err == nil {
		f.run = f.asked.Run(f.ctx)
	}
	return err
}

// ended closes a run that has no more records.
func (f *feed) ended() error {
	err := f.run.Err()
	f.close()
	if err != nil {
		return named(f.of.loc, err)
	}
	if f.asked != nil {
		f.plan.learn(f.of, f.asked)
	}
	return nil
}

// page is the rows of a record that are wanted, nil: none. The caller releases it.
func (f *feed) page(r arrow.Record) arrow.Record {
	lo := min(f.skip, r.NumRows())
	hi := r.NumRows()
	f.skip -= lo
	if f.left >= 0 {
		hi = min(hi, lo+f.left)
		f.left -= hi - lo
	}
	if lo == hi {
		return nil
	}
	return r.NewSlice(lo, hi)
}

func (f *feed) close() {
	if f.run != nil {
		f.run.Release()
		f.run = nil
	}
}
