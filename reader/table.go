package reader

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/colcache"
	"github.com/mtflight/mtflight/reader/internal/explain"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/match"
	"github.com/mtflight/mtflight/reader/internal/order"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/virtual"
)

// tableRead reads one dataset.
type tableRead struct {
	ds     *Dataset
	req    Request
	scan   *fill.Scan
	schema *arrow.Schema
	where  *match.Condition // nil: the request has none
}

// scan is that of a request over the dataset, without its rows.
func (d *Dataset) scan(ctx context.Context, r Request) (*fill.Scan, error) {
	axes, err := d.axes(r)
	if err != nil {
		return nil, err
	}
	s := &fill.Scan{Engine: d.file.eng.scans, Dataset: d.subject(), Passes: rows.PassesOf(r.Stream), Aligned: true}
	if err := locate(ctx, s, d, axes); err != nil {
		return nil, err
	}
	if d.viaLib == nil && s.Dataset.Others == nil { // of which the state of the file tells what it has
		near := d.pipe == nil && !d.file.disk.Distant()
		s.Kept = colcache.Dataset{Cache: d.file.eng.columns, File: d.file.serial, Object: d.meta.Addr, Near: near}
	}
	source := d.source
	source.Inner = s.Geometry.Inner
	if s.Program, err = convert.Compile(source, r.Fields, r.Options); err != nil {
		return nil, d.failed(err)
	}
	s.Cut(r, d.chunked())
	return s, nil
}

// locate finds the store of a dataset, and how what is taken of each axis lies in it.
func locate(ctx context.Context, s *fill.Scan, d *Dataset, axes []rows.Axis) error {
	if len(axes) == 0 { // of a scalar
		axes = []rows.Axis{rows.WholeAxis(1)}
	}
	axis := rows.AxisOfRows(axes)
	st, err := d.store(ctx, axis)
	if err != nil {
		return err
	}
	s.Store, s.Geometry = st, rows.NewGeometry(d.shape, st.Extents(), axes)
	if v, ok := st.(*virtual.Store); ok {
		s.Dataset.Resolver = func(ctx context.Context) convert.Resolver { return v.Resolver(ctx, d.file.objects.Pointees(ctx)) }
	}
	return nil
}

// subject is the dataset as scans know it.
func (d *Dataset) subject() fill.Dataset {
	d.note()
	others := d.meet
	if !d.virtual && (d.object == nil || len(d.object.External) == 0) {
		others = nil
	}
	return fill.Dataset{Name: d.asked, Others: others, Distant: d.file.disk.Distant(), Unchanged: d.unchanged, Explain: d.explained, Resolver: d.file.objects.Pointees}
}

// axes is what a request takes of each axis.
func (d *Dataset) axes(r Request) ([]rows.Axis, error) {
	if r.Select != nil {
		if len(d.info.Shape) == 0 {
			return rows.ParseSelect(*r.Select, d.info.Shape)
		}
		return rows.ParseSelect(*r.Select, d.shape)
	}
	axes := make([]rows.Axis, len(d.shape))
	for i, n := range d.shape {
		axes[i] = rows.WholeAxis(n)
	}
	return axes, nil
}

// find finds the rows if no value decides about them, and checks what only reading can answer.
func (t *tableRead) find(ctx context.Context, names []frame.Column) (err error) {
	s := t.scan
	switch r := t.req; {
	case r.Where != nil || r.SortBy != "":
		return t.question(ctx, names)
	case r.Select != nil:
		s.Rows = rows.PageOf(r).Of(rows.Selected(s.Geometry.Axes[s.Geometry.Rows]))
	default:
		s.Rows, err = rows.Asked(r, t.ds.rows())
	}
	return err
}

// question checks a condition and an order.
func (t *tableRead) question(ctx context.Context, names []frame.Column) (err error) {
	d, r := t.ds, t.req
	if _, err := rows.Slice(r.Start, r.Stop, r.Step, d.rows()); err != nil {
		return err
	}
	if r.Where != nil {
		if len(d.shape) != 1 {
			return fault.New(fault.Invalid, "where: only tables and arrays of one axis can be asked, this has %d: use select", len(d.shape))
		}
		if t.where, err = match.NewCondition(d.source, *r.Where, r.Vars, names); err != nil {
			return err
		}
	}
	if r.SortBy == "" {
		return nil
	}
	if len(d.shape) != 1 {
		return d.failed(fault.New(fault.Invalid, "sort_by: only tables and arrays of one axis can be sorted, this has %d", len(d.shape)))
	}
	return d.failed(order.Check(ctx, d.source, r.SortBy, r.CheckCSI, d.indexes()))
}

// withRows is the scan with its rows: those of a condition or an order are found by reading.
func (t *tableRead) withRows(ctx context.Context, s *fill.Scan) (*fill.Scan, error) {
	if l, ok := s.Rows.(rows.List); ok {
		return order.Listed(ctx, s, l)
	}
	if s.Rows != nil {
		return s, nil
	}
	if t.req.SortBy != "" {
		return t.ordering(s).Result(ctx)
	}
	all, err := rows.Slice(t.req.Start, t.req.Stop, t.req.Step, t.ds.rows())
	if err != nil {
		return nil, err
	}
	return t.search(s).Result(ctx, all, rows.PageOf(t.req))
}

// search finds the rows of the condition.
func (t *tableRead) search(s *fill.Scan) *match.Search {
	return &match.Search{Scan: s, Source: t.ds.source, Where: t.where, Indexes: t.ds.indexes(), Use: t.req.Index, Stats: t.ds.statistics()}
}

// ordering finds the rows of the result in their order.
func (t *tableRead) ordering(s *fill.Scan) *order.Ordering {
	r := t.req
	o := &order.Ordering{Scan: s, Source: t.ds.source, By: r.SortBy, Indexes: t.ds.indexes(), Use: r.Index,
		Start: r.Start, Stop: r.Stop, Step: r.Step, Page: rows.PageOf(r)}
	if t.where != nil {
		o.Among = t.search(s)
	}
	return o
}

// demand is the memory that the read takes for large chunks; false where it reads none.
func (t *tableRead) demand() (fill.Demand, bool) {
	sorting := int64(0)
	if t.req.SortBy != "" {
		sorting = order.MergeBytes(t.scan, t.ds.source, t.req.SortBy)
	}
	return t.scan.Demand(sorting)
}

// start begins to give the batches of the rows, in what the request has reserved for large chunks.
func (t *tableRead) start(ctx context.Context, c *fill.Reservation, sides int, at fill.Placement) (*fill.Run, error) {
	s, err := t.withRows(ctx, t.scan.WithReservation(c, sides))
	if err != nil {
		return nil, err
	}
	return s.Run(ctx, at), nil
}

// begin is part of read.
func (t *tableRead) begin(ctx context.Context, at fill.Placement) (batches, error) {
	run := &tableRun{of: t.ds}
	w, large := t.demand()
	if large {
		var err error
		if run.reserved, err = t.scan.Reserve(ctx, t.ds.asked, w); err != nil {
			return nil, t.ds.explained(err)
		}
	}
	var err error
	if run.Run, err = t.start(ctx, run.reserved, 0, at); err != nil {
		run.reserved.Close()
		return nil, t.ds.explained(err)
	}
	return run, nil
}

// tableRun is a run that names the dataset in errors, in memory that is its own to give back.
type tableRun struct {
	*fill.Run
	of       *Dataset
	reserved *fill.Reservation // nil: it reads no large chunks
}

func (r *tableRun) Next() (*fill.Batch, error) {
	f, err := r.Run.Next()
	return f, r.of.explained(err)
}

func (r *tableRun) Settle() error { return r.of.explained(r.Run.Settle()) }

func (r *tableRun) Close() {
	r.Run.Close()
	r.reserved.Close()
}

func (t *tableRead) rows() int64     { return t.scan.Known() }
func (t *tableRead) rowBytes() int64 { return t.scan.RowBytes() }
func (t *tableRead) bounded() bool   { return !t.scan.Program.NeedsResolver() }

// explain is part of read.
func (t *tableRead) explain(ctx context.Context) (*Explanation, error) {
	return t.explained(ctx, t.rows())
}

// explained tells how a result of so many rows (-1: nobody knows) is read.
func (t *tableRead) explained(ctx context.Context, result int64) (*explain.Explanation, error) {
	d, r := t.ds, t.req
	e := explain.Read{Name: d.asked, Layout: d.info.Layout, Filters: d.info.Filters, Library: d.viaLib, Stored: d.storedBytes, Kept: d.file.kept.Came,
		Object: d.meta.Addr,
		Scan:   t.scan, Result: result, Use: r.Index, Page: rows.PageOf(r), Listed: r.Coordinates != nil, Down: r.Step != nil && *r.Step < 0,
		Among: rows.Span{Step: 1, N: d.rows()}}
	for _, f := range t.schema.Fields() {
		e.Fields = append(e.Fields, f.Name)
	}
	if d.pipe != nil {
		e.Foreign = d.pipe.Foreign()
	}
	if r.SortBy != "" {
		e.Ordering = t.ordering(t.scan)
	}
	if t.where != nil {
		e.Search = t.search(t.scan)
	}
	if t.where != nil && r.SortBy == "" {
		e.Among, _ = rows.Slice(r.Start, r.Stop, r.Step, d.rows()) // checked by question
	}
	x, err := explain.Explain(ctx, e)
	return x, d.failed(err)
}
