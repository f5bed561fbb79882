package reader

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/frame"
)

const (
	defaultBatch = 7 << 19  // 3.5 MiB: many gRPC clients refuse messages over 4 MiB
	maxBatch     = 64 << 20 // whatever is asked for
	maxMixed     = 1 << 20  // rows of a block that are shuffled, some 40 bytes each
)

// Plan is a checked request. It is immutable and can be run many times.
type Plan struct {
	ds      *Dataset
	req     Request
	program *convert.Program
	schema  *arrow.Schema
	store   store
	geo     *geometry

	fixed   sequence // the rows, if they are known without reading
	where   *condition
	probe   *probe         // looks for rows that match; no batches are made
	size    int64          // rows of a batch
	promise bool           // every batch has exactly size rows
	frame   *framePlan     // it is made of others
	single  bool           // of a frame: nothing is decoded ahead but the next block
	names   []frame.Column // of the frame that it is part of, which conditions may use
	claim   *claim         // what the request has reserved for large chunks, in a run; nil: none
	sides   int            // plans of a frame that share it, this one too; 0: none
}

// Plan checks a request (its File and Dataset members only name the result) without reading a row.
func (d *Dataset) Plan(ctx context.Context, r Request) (*Plan, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if d.unsupported != nil {
		return nil, d.unsupported
	}
	if d.frame != nil {
		return d.planFrame(ctx, r)
	}
	return d.planNamed(ctx, r, nil)
}

// planNamed plans a request whose condition may use the names of a frame.
func (d *Dataset) planNamed(ctx context.Context, r Request, names []frame.Column) (*Plan, error) {
	p := &Plan{ds: d, req: r, names: names}
	axes, err := d.axes(r)
	if err != nil {
		return nil, err
	}
	if err := p.place(ctx, axes); err != nil {
		return nil, err
	}
	if err := p.compile(); err != nil {
		return nil, err
	}
	if err := p.sequence(ctx); err != nil {
		return nil, err
	}
	p.blockSize()
	p.schema = p.program.Schema(p.metadata())
	return p, p.checkBlocks()
}

// axes is what a request takes of each axis.
func (d *Dataset) axes(r Request) ([]axis, error) {
	if r.Select != nil {
		if len(d.info.Shape) == 0 {
			return parseSelect(*r.Select, d.info.Shape)
		}
		return parseSelect(*r.Select, d.shape)
	}
	axes := make([]axis, len(d.shape))
	for i, n := range d.shape {
		axes[i] = wholeAxis(n)
	}
	return axes, nil
}

func (p *Plan) place(ctx context.Context, axes []axis) error {
	if len(axes) == 0 { // of a scalar
		axes = []axis{wholeAxis(1)}
	}
	rows := 0
	for rows < len(axes)-1 && axes[rows].drop {
		rows++
	}
	st, err := p.ds.store(ctx, rows)
	if err != nil {
		return err
	}
	p.store = st
	p.geo = newGeometry(p.ds.shape, st.extents(), axes)
	return nil
}

func (p *Plan) compile() error {
	src := p.ds.source
	src.Inner = p.geo.inner
	program, err := convert.Compile(src, p.req.Fields, p.req.Options)
	if err != nil {
		return p.ds.failed(err)
	}
	p.program = program
	return nil
}

// sequence finds the rows if no value decides about them.
func (p *Plan) sequence(ctx context.Context) (err error) {
	n := p.ds.rows()
	switch r := p.req; {
	case r.Where != nil || r.SortBy != "":
		return p.question(ctx)
	case r.Select != nil:
		a := p.geo.axes[p.geo.rows]
		p.fixed = chosen{axis: a}
	case r.Coordinates != nil:
		p.fixed, err = coordinates(r.Coordinates, n)
	case r.Mask != nil:
		p.fixed, err = masked(r.Mask, n)
	case r.MaskBools != nil:
		p.fixed, err = maskedBools(r.MaskBools, n)
	default:
		p.fixed, err = slice(r.Start, r.Stop, r.Step, n)
	}
	if err == nil {
		p.fixed = p.req.page().of(p.fixed)
	}
	return err
}

// question checks what only reading can answer.
func (p *Plan) question(ctx context.Context) (err error) {
	if _, err := slice(p.req.Start, p.req.Stop, p.req.Step, p.ds.rows()); err != nil {
		return err
	}
	if p.req.Where != nil {
		if p.where, err = p.ds.newCondition(p.req, p.names); err != nil {
			return err
		}
	}
	if p.req.SortBy != "" {
		return p.ds.failed(p.ds.sortable(ctx, p.req))
	}
	return nil
}

// rows is the result's rows; for a condition or an order they are found by reading.
func (p *Plan) rows(ctx context.Context) (sequence, error) {
	if l, ok := p.fixed.(rowList); ok {
		return p.listed(ctx, l)
	}
	if p.fixed != nil {
		return p.fixed, nil
	}
	if p.req.SortBy == "" {
		rows, err := slice(p.req.Start, p.req.Stop, p.req.Step, p.ds.rows())
		if err != nil {
			return nil, err
		}
		list, along, err := p.matches(ctx, rows, p.req.page(), true)
		if along != nil {
			return along, err
		}
		return list, err
	}
	return p.ordered(ctx)
}

// Schema has the schema metadata of docs/protocol.md section 4.
func (p *Plan) Schema() *arrow.Schema { return p.schema }

// Rows is the number of rows a run gives, -1 if that is unknown or without end.
func (p *Plan) Rows() int64 {
	if p.fixed == nil || p.follows() {
		return -1
	}
	b := p.newBlocks(p.fixed)
	end, ok := b.end()
	if !ok {
		return -1
	}
	switch rest := end % b.size; {
	case p.req.Stream == nil:
		return end
	case b.rest == OnlyRemainder:
		return rest
	case b.seed != nil || b.rest == DropRemainder:
		return p.counted()
	}
	return max(0, end-times(b.next, b.size))
}

// counted walks the blocks, whose number is bounded by checkBlocks; without an end there is no number.
func (p *Plan) counted() int64 {
	b := p.newBlocks(p.fixed)
	per := b.total / b.size * b.size
	if b.seed != nil {
		if b.rest == KeepRemainder {
			per = b.total
		}
		first := b.next
		turn := (per + b.size - 1) / b.size
		if turn == 0 || first >= turn*b.cycles {
			return 0
		}
		return per*b.cycles - first/turn*per - first%turn*b.size
	}
	end, _ := b.end()
	return max(0, end-end%b.size-times(b.next, b.size))
}

// Bytes estimates the Arrow bytes a run gives, -1 if unknown.
func (p *Plan) Bytes() int64 {
	n := p.Rows()
	if n < 0 {
		return -1
	}
	return times(n, p.rowBytes())
}

// rowBytes is about how many Arrow bytes a row takes, at least one.
func (p *Plan) rowBytes() int64 {
	if p.frame != nil {
		return p.frame.rowBytes()
	}
	const probe = 1024
	return max(1, p.program.BatchBytes(probe)/probe)
}

// batchBytes is how many bytes a batch of so many rows takes, 2^62 where it is more.
func (p *Plan) batchBytes(rows int64) int64 { return min(p.program.BatchBytes(int(rows)), end62) }

func (p *Plan) chunkBytes() int64 { return product(p.geo.chunk) * int64(p.program.ElemSize()) }

// blockSize chooses the rows of a batch: whole chunks up to 3.5 MiB, larger chunks split by rows.
func (p *Plan) blockSize() {
	r := p.req
	if r.Stream != nil && r.Stream.BlockRows > 0 {
		p.size, p.promise = r.Stream.BlockRows, true
		return
	}
	most := int64(defaultBatch)
	if r.BatchBytes > 0 {
		most = min(r.BatchBytes, maxBatch)
	}
	row := p.rowBytes()
	if r.SortBy != "" {
		row = max(row, runBytes/2)
	}
	p.size = max(1, most/row)
	band := p.geo.chunk[p.geo.rows]
	if p.req.Stream != nil && p.ds.chunked() && band <= maxBatch/row {
		p.size = max(band, p.size/band*band)
	} else if p.size >= band {
		p.size = p.size / band * band
	}
	if r.BatchRows > 0 {
		p.size = max(1, min(r.BatchRows, maxBatch/row))
	}
	p.promise = r.Stream != nil
}

func (p *Plan) newBlocks(s sequence) *blocks {
	b := newBlocks(s.Len(), p.size, p.req.passes())
	if first, ok := starts(s); ok && !p.promise && p.req.BatchRows == 0 {
		band := p.geo.chunk[p.geo.rows]
		if off := first % band; off != 0 && p.size >= band {
			b.align = band - off
		}
	}
	return b
}

// checkBlocks refuses blocks that cannot be held in memory, as far as the rows are known.
func (p *Plan) checkBlocks() error {
	if s := p.req.Stream; s != nil && s.ShuffleRows && p.size > maxMixed {
		return fault.New(fault.Exhausted, "stream.shuffle_rows in blocks of %d rows: at most %d are possible, choose smaller stream.block_rows", p.size, maxMixed)
	}
	if p.fixed == nil {
		return nil
	}
	return p.newBlocks(p.fixed).check()
}

func (p *Plan) unordered() bool { return p.req.Stream != nil && p.req.Stream.Unordered }

func (p *Plan) workers() int {
	n := p.ds.file.eng.cfg.Workers
	if p.req.Stream != nil && p.req.Stream.Workers > 0 {
		n = min(n, p.req.Stream.Workers)
	}
	if _, ok := p.store.(heavier); ok && p.claim != nil {
		n = min(n, p.claim.slots)
	}
	return n
}

// window is the number of blocks decoded ahead.
func (p *Plan) window() int {
	if p.single {
		return 1
	}
	if p.req.Stream != nil && p.req.Stream.ReadAhead != nil {
		return int(max(1, min(*p.req.Stream.ReadAhead, maxGroups)))
	}
	return 2*p.workers() + 1
}

func (p *Plan) resolver(ctx context.Context) convert.Resolver {
	if !p.program.NeedsResolver() {
		return nil
	}
	if v, ok := p.store.(*virtual); ok {
		return v.resolver(ctx, p.ds.file.resolver(ctx))
	}
	return p.ds.file.resolver(ctx)
}
