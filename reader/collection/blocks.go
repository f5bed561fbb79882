package collection

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/spill"
)

// blocked gives the blocks that a request promises: rows of the result in their number and order, whatever files they are in.
type blocked struct {
	base
	seq    rows.Sequence
	found  *spill.Rows // of that; nil: nothing had to be found
	blocks *rows.Blocks
	ready  []*block
}

// block is a batch with the pieces that it is made of.
type block struct {
	at     rows.Batch
	pieces []piece
	record arrow.Record // nil: not read yet
}

// beginBlocks finds the rows where reading has to tell.
func beginBlocks(b base) (_ *blocked, err error) {
	r := &blocked{base: b, seq: b.plan.seq}
	switch p := b.plan; {
	case p.req.SortBy != "":
		r.seq, err = p.sorted(b.ctx)
	case p.seq == nil:
		if r.found, err = p.found(b.ctx, rows.PageOf(p.req).End()); err == nil {
			r.seq = rows.PageOf(p.req).Of(r.found.Section())
		}
	}
	if err == nil {
		r.blocks = b.plan.blocks(r.seq)
		err = r.blocks.Check()
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Next is part of reader.Batches.
func (r *blocked) Next() (*fill.Batch, error) {
	r.drop()
	if len(r.ready) == 0 {
		if err := r.read(); err != nil {
			return nil, err
		}
	}
	if len(r.ready) == 0 {
		return nil, nil
	}
	b := r.ready[0]
	r.ready = r.ready[1:]
	record := b.record
	b.record = nil
	return r.give(b.at, record)
}

// Close is part of reader.Batches.
func (r *blocked) Close() {
	r.drop()
	for _, b := range r.ready {
		if b.record != nil {
			b.record.Release()
		}
	}
	r.ready = nil
	if r.found != nil {
		r.found.Close()
	}
	r.end()
}

// read reads the next blocks, as many as are worth going through files for.
func (r *blocked) read() error {
	row, most := r.plan.RowBytes(), r.plan.groupBytes()
	for bytes := int64(0); bytes < most; {
		at, ok := r.blocks.Next()
		if !ok {
			break
		}
		b := &block{at: at, pieces: r.plan.pieces(nil, r.blocks.Runs(r.seq, at))}
		bytes += rows.Times(at.Rows, row) + int64(len(b.pieces))*fill.RunBytes
		r.ready = append(r.ready, b)
	}
	if r.found != nil && r.found.Err != nil {
		return r.found.Err
	}
	if len(r.ready) == 0 {
		return nil
	}
	files := map[int]*reading{}
	defer func() {
		for _, f := range files {
			f.close()
		}
	}()
	if err := r.readFiles(files); err != nil {
		return err
	}
	for _, b := range r.ready {
		if err := r.put(b, files); err != nil {
			return err
		}
	}
	return nil
}

// readFiles reads what the blocks take of each file, in the order in which they take it.
func (r *blocked) readFiles(files map[int]*reading) error {
	var order []int
	for _, b := range r.ready {
		for _, p := range b.pieces {
			f := files[p.file]
			if f == nil {
				f = &reading{}
				files[p.file] = f
				order = append(order, p.file)
			}
			f.pieces = join(f.pieces, p)
		}
	}
	for _, file := range order {
		if err := files[file].read(r.ctx, r.plan, r.base, r.plan.members[file]); err != nil {
			return err
		}
	}
	return nil
}

// reading is what is read of a file for some blocks, in the order in which they take it.
type reading struct {
	pieces  []piece
	records []arrow.Record
	at      int64 // rows of the first that were taken
}

// read reads the pieces by one request, where a file can be asked for them so.
func (f *reading) read(ctx context.Context, p *plan, b base, of member) error {
	for _, q := range f.requests(p, p.request(of)) {
		q.Where, q.Vars = nil, nil
		feed := feed{ctx: ctx, plan: p, mem: b.mem, left: -1, of: of}
		var err error
		if feed.run, err = start(ctx, p.eng, of, q); err != nil {
			return err
		}
		for {
			r, err := feed.next()
			if err != nil {
				feed.close()
				return err
			}
			if r == nil {
				break
			}
			f.records = append(f.records, r)
		}
	}
	return nil
}

func (f *reading) requests(p *plan, q reader.Request) (out []reader.Request) {
	if len(f.pieces) == 1 || p.parts != nil {
		for _, one := range f.pieces {
			out = append(out, p.selecting(q, one))
		}
		return out
	}
	total := int64(0)
	for _, one := range f.pieces {
		total += one.n
	}
	q.Coordinates = make([]int64, 0, total)
	for _, one := range f.pieces {
		q.Coordinates = one.list(q.Coordinates)
	}
	return []reader.Request{q}
}

// take is the next n rows, as parts of records, which the caller releases.
func (f *reading) take(n int64, out []arrow.Record) []arrow.Record {
	for n > 0 && len(f.records) > 0 {
		first := f.records[0]
		k := min(n, first.NumRows()-f.at)
		if k > 0 {
			out = append(out, first.NewSlice(f.at, f.at+k))
		}
		f.at, n = f.at+k, n-k
		if f.at == first.NumRows() {
			first.Release()
			f.records, f.at = f.records[1:], 0
		}
	}
	return out
}

func (f *reading) close() {
	for _, r := range f.records {
		r.Release()
	}
	f.records = nil
}

// put makes the record of a block.
func (r *blocked) put(b *block, files map[int]*reading) error {
	var parts []arrow.Record
	defer func() {
		for _, p := range parts {
			p.Release()
		}
	}()
	got := int64(0)
	for _, p := range b.pieces {
		from := len(parts)
		parts = files[p.file].take(p.n, parts)
		for _, part := range parts[from:] {
			got += part.NumRows()
		}
	}
	if got != b.at.Rows {
		return fault.New(fault.Changed, "%d rows came of %d: the files changed while they were read: ask again", got, b.at.Rows)
	}
	if len(parts) == 1 {
		b.record = parts[0]
		parts = nil
		return nil
	}
	var err error
	b.record, err = r.concatenate(parts)
	return err
}

// concatenate makes records one.
func (r *blocked) concatenate(parts []arrow.Record) (arrow.Record, error) {
	n := int64(0)
	for _, p := range parts {
		n += p.NumRows()
	}
	lease, err := r.mem.Lease(r.ctx, rows.Times(n, r.plan.RowBytes()+2))
	if err != nil {
		return nil, err
	}
	defer lease.Close()
	columns := make([]arrow.Array, 0, len(r.plan.columns))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	pieces := make([]arrow.Array, len(parts))
	for i, c := range r.plan.columns {
		for k, p := range parts {
			pieces[k] = p.Column(i)
		}
		a, err := array.Concatenate(pieces, lease)
		if err != nil {
			return nil, fault.New(fault.Precondition, "column %s: %w: ask for smaller blocks", c.Name, err)
		}
		columns = append(columns, a)
	}
	return array.NewRecord(r.plan.schema, columns, n), nil
}

// found finds the rows that meet the condition, up to the end-th; negative: all.
func (p *plan) found(ctx context.Context, end int64) (*spill.Rows, error) {
	all, err := rows.Slice(p.req.Start, p.req.Stop, p.req.Step, p.total)
	if err != nil {
		return nil, err
	}
	mem, _ := p.eng.Buffers()
	out, err := spill.NewRows(mem.Budget, 0, 1<<16, false)
	if err != nil {
		return nil, err
	}
	for _, one := range p.likely(p.pieces(nil, all.Runs(nil, 0, all.Len(), 0))) {
		if end >= 0 && out.N >= end {
			break
		}
		if err = p.foundIn(ctx, one, end, out); err != nil {
			break
		}
	}
	return spill.Finish(out, err)
}

func (p *plan) foundIn(ctx context.Context, one piece, end int64, out *spill.Rows) error {
	m := p.members[one.file]
	q := one.slice(p.request(m))
	if end >= 0 {
		left := end - out.N
		q.Limit = &left
	}
	plan, err := open(ctx, p.eng, m, q)
	if err != nil {
		return err
	}
	err = plan.Matches(ctx, func(some []int64) error {
		for _, row := range some {
			out.Add(m.first + row)
		}
		return out.Err
	})
	if err == nil {
		p.learn(m, plan)
	}
	return named(m.loc, err)
}
