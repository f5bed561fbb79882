package reader

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/reader/internal/explain"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// Plan is a checked request. It is immutable and can be run many times.
type Plan struct {
	ds     *Dataset
	req    Request
	schema *arrow.Schema
	scan   *fill.Scan // of the result: which rows, in which batches
	read   read
}

// read is a kind of read: of one dataset, of a frame or a sparse matrix of several, of a dataset that grows.
type read interface {
	// begin finds the rows, which for a condition means reading, and starts to give their batches, in memory of at or the
	// engine's.
	begin(ctx context.Context, at fill.Placement) (batches, error)
	// rows is how many rows it gives, -1 if that is unknown or without end.
	rows() int64
	// rowBytes is about how many Arrow bytes a row takes, at least one.
	rowBytes() int64
	// bounded tells whether what a batch takes follows from its rows.
	bounded() bool
	explain(ctx context.Context) (*explain.Explanation, error)
}

// batches are those of a run. They are used by one goroutine.
type batches interface {
	// Next waits for the next batch, which is valid until the next call; nil at the end.
	Next() (*fill.Batch, error)
	// Settle waits until all mapped batches were released. Errors: ErrChanged.
	Settle() error
	// Close stops what is under way and gives everything back.
	Close()
}

// Plan checks a request (its File and Dataset members only name the result) without reading a row.
func (d *Dataset) Plan(ctx context.Context, r Request) (*Plan, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	if err := d.file.version.Check(r.State); err != nil {
		return nil, d.failed(err)
	}
	if d.unsupported != nil {
		return nil, d.unsupported
	}
	if d.frame != nil {
		return d.planFrame(ctx, r)
	}
	if d.matrix != nil {
		return d.planMatrix(ctx, r)
	}
	t, err := d.planTable(ctx, r, nil)
	if err != nil {
		return nil, err
	}
	p := &Plan{ds: d, req: r, schema: t.schema, scan: t.scan, read: t}
	if follows(r) {
		p.read = growing{t}
	}
	return p, nil
}

// State names the version of the file that is read, for Request.State.
func (p *Plan) State() string { return p.ds.file.state(follows(p.req)) }

// Alone tells whether all rows are of that file, and none of virtual datasets' sources or raw files.
func (p *Plan) Alone() bool { return !p.scan.Dataset.Others }

// planTable plans a request for one dataset, whose condition may use the names of a frame.
func (d *Dataset) planTable(ctx context.Context, r Request, names []frame.Column) (*tableRead, error) {
	s, err := d.scan(ctx, r)
	if err != nil {
		return nil, err
	}
	t := &tableRead{ds: d, req: r, scan: s}
	if err := t.find(ctx, names); err != nil {
		return nil, err
	}
	t.schema = s.Program.Schema(arrow.MetadataFrom(d.metadataOf(r, s.Size)))
	return t, s.Check()
}

// Schema has the schema metadata of docs/protocol.md section 4.
func (p *Plan) Schema() *arrow.Schema { return p.schema }

// Rows is the number of rows a run gives, -1 if that is unknown or without end.
func (p *Plan) Rows() int64 { return p.read.rows() }

// Bytes estimates the Arrow bytes a run gives, -1 if unknown.
func (p *Plan) Bytes() int64 {
	n := p.Rows()
	if n < 0 {
		return -1
	}
	return rows.Times(n, p.read.rowBytes())
}

// Bounded tells whether what a batch takes follows from its rows: there is no data of variable length. Dictionaries and
// frames, which are put together from other batches, are apart.
func (p *Plan) Bounded() bool { return p.read.bounded() }

// BlockBytes is about how many bytes a whole batch takes.
func (p *Plan) BlockBytes() int64 {
	row := p.read.rowBytes()
	return min(p.scan.Size, fill.MaxBatch/row+1) * row
}

// ReadAhead is how many batches a run decodes ahead of its caller.
func (p *Plan) ReadAhead() int { return p.scan.Window() }

// Endless tells whether a run goes on until it is stopped.
func (p *Plan) Endless() bool {
	s := p.req.Stream
	return s != nil && (s.Follow || s.Cyclic && s.Cycles == nil && s.ToBlock == nil)
}

// Explain tells how the plan will be carried out. Bounds of column indexes may be read for that, rows never are.
func (p *Plan) Explain(ctx context.Context) (*Explanation, error) { return p.read.explain(ctx) }

// Split cuts the request into at most n requests by start and stop that give the same rows in this order.
func (p *Plan) Split(n int) []Request {
	rows, ok := p.scan.Rows.(rows.Span)
	whole := []Request{p.req}
	if !ok || n < 2 || p.req.Select != nil || p.req.Stream != nil || rows.N < 2 || rows.Step < 1 {
		return whole
	}
	var out []Request
	per := (rows.N + int64(n) - 1) / int64(n)
	if band := p.scan.ChunkRows(); rows.Step == 1 && per > band {
		per = (per + band - 1) / band * band
	}
	for lo := int64(0); lo < rows.N; lo += per {
		out = append(out, partOf(p.req, rows, lo, min(lo+per, rows.N)))
	}
	return out
}
