package reader

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/frame"
)

// tableRead reads one dataset.
type tableRead struct {
	ds     *Dataset
	req    Request
	scan   *scan
	schema *arrow.Schema
	where  *condition // nil: the request has none
}

// scan is that of a request over the dataset, without its rows.
func (d *Dataset) scan(ctx context.Context, r Request) (*scan, error) {
	axes, err := d.axes(r)
	if err != nil {
		return nil, err
	}
	s := &scan{shared: d.file.eng.scans, of: d.subject(), passes: r.passes(), aligned: true}
	if err := locate(ctx, s, d, axes); err != nil {
		return nil, err
	}
	source := d.source
	source.Inner = s.geo.inner
	if s.program, err = convert.Compile(source, r.Fields, r.Options); err != nil {
		return nil, d.failed(err)
	}
	cutBatches(s, r, d.chunked())
	return s, nil
}

// locate finds the store of a dataset, and how what is taken of each of its axes lies in there.
func locate(ctx context.Context, s *scan, d *Dataset, axes []axis) error {
	if len(axes) == 0 { // of a scalar
		axes = []axis{wholeAxis(1)}
	}
	axis := rowsAxis(axes)
	st, err := d.store(ctx, axis)
	if err != nil {
		return err
	}
	s.store, s.geo = st, newGeometry(d.shape, st.extents(), axes)
	if v, ok := st.(*virtual); ok {
		s.of.resolver = func(ctx context.Context) convert.Resolver { return v.resolver(ctx, d.file.resolver(ctx)) }
	}
	return nil
}

// subject is the dataset as scans know it.
func (d *Dataset) subject() subject {
	return subject{name: d.asked, unchanged: d.unchanged, explain: d.explained, resolver: d.file.resolver}
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

// cutBatches chooses the rows of a batch: whole chunks up to 3.5 MiB, larger chunks split by rows.
func cutBatches(s *scan, r Request, chunked bool) {
	if st := r.Stream; st != nil {
		s.unordered, s.threads = st.Unordered, st.Workers
		if st.ReadAhead != nil {
			s.readAhead = max(1, *st.ReadAhead)
		}
	}
	s.aligned = r.Stream == nil && r.BatchRows == 0
	if r.Stream != nil && r.Stream.BlockRows > 0 {
		s.size = r.Stream.BlockRows
		return
	}
	most := int64(defaultBatch)
	if r.BatchBytes > 0 {
		most = min(r.BatchBytes, maxBatch)
	}
	row := s.rowBytes()
	if r.SortBy != "" {
		row = max(row, runBytes/2)
	}
	s.size = s.blockRows(most / row)
	if band := s.chunkRows(); r.Stream != nil && chunked && band <= maxBatch/row {
		s.size = max(band, s.size)
	}
	if r.BatchRows > 0 {
		s.size = max(1, min(r.BatchRows, maxBatch/row))
	}
}

// find finds the rows if no value decides about them, and checks what only reading can answer.
func (t *tableRead) find(ctx context.Context, names []frame.Column) (err error) {
	n, s := t.ds.rows(), t.scan
	switch r := t.req; {
	case r.Where != nil || r.SortBy != "":
		return t.question(ctx, names)
	case r.Select != nil:
		s.rows = selected(s.geo.axes[s.geo.rows])
	case r.Coordinates != nil:
		s.rows, err = coordinates(r.Coordinates, n)
	case r.Mask != nil:
		s.rows, err = masked(r.Mask, n)
	case r.MaskBools != nil:
		s.rows, err = maskedBools(r.MaskBools, n)
	default:
		s.rows, err = slice(r.Start, r.Stop, r.Step, n)
	}
	if err == nil {
		s.rows = t.req.page().of(s.rows)
	}
	return err
}

// question checks a condition and an order.
func (t *tableRead) question(ctx context.Context, names []frame.Column) (err error) {
	d, r := t.ds, t.req
	if _, err := slice(r.Start, r.Stop, r.Step, d.rows()); err != nil {
		return err
	}
	if r.Where != nil {
		if len(d.shape) != 1 {
			return fault.New(fault.Invalid, "where: only tables and arrays of one axis can be asked, this has %d: use select", len(d.shape))
		}
		if t.where, err = newCondition(d.source, *r.Where, r.Vars, names); err != nil {
			return err
		}
	}
	if r.SortBy == "" {
		return nil
	}
	if len(d.shape) != 1 {
		return d.failed(fault.New(fault.Invalid, "sort_by: only tables and arrays of one axis can be sorted, this has %d", len(d.shape)))
	}
	return d.failed(checkColumn(ctx, d.source, r.SortBy, r.CheckCSI, d.indexes()))
}

// rows is the scan with its rows: those of a condition or an order are found by reading.
func (t *tableRead) rows(ctx context.Context, s *scan) (*scan, error) {
	if l, ok := s.rows.(rowList); ok {
		return listed(ctx, s, l)
	}
	if s.rows != nil {
		return s, nil
	}
	if t.req.SortBy != "" {
		return t.ordering(s).result(ctx)
	}
	all, err := slice(t.req.Start, t.req.Stop, t.req.Step, t.ds.rows())
	if err != nil {
		return nil, err
	}
	return t.search(s).result(ctx, all, t.req.page())
}

// search is that for the rows of the condition.
func (t *tableRead) search(s *scan) *search {
	return &search{scan: s, source: t.ds.source, where: t.where, indexes: t.ds.indexes(), use: t.req.Index, stats: t.ds.statistics()}
}

// ordering is that of the rows of the result.
func (t *tableRead) ordering(s *scan) *ordering {
	r := t.req
	o := &ordering{scan: s, source: t.ds.source, by: r.SortBy, indexes: t.ds.indexes(), use: r.Index,
		start: r.Start, stop: r.Stop, step: r.Step, page: r.page()}
	if t.where != nil {
		o.among = t.search(s)
	}
	return o
}

// wants is the memory that the read takes for large chunks; false where it reads none.
func (t *tableRead) wants() (wants, bool) {
	sorting := int64(0)
	if t.req.SortBy != "" {
		sorting = mergeBytes(t.scan, t.ds.source, t.req.SortBy)
	}
	return t.scan.wants(sorting)
}

// start begins to give the batches of the rows, in what the request has reserved for large chunks.
func (t *tableRead) start(ctx context.Context, c *claim, sides int, at Placement) (*fillRun, error) {
	s, err := t.rows(ctx, t.scan.with(c, sides))
	if err != nil {
		return nil, err
	}
	return s.run(ctx, at), nil
}

// begin is part of read.
func (t *tableRead) begin(ctx context.Context, at Placement) (batches, error) {
	run := &tableRun{of: t.ds}
	w, large := t.wants()
	if large {
		var err error
		if run.claim, err = t.scan.reserve(ctx, t.ds.asked, w); err != nil {
			return nil, t.ds.explained(err)
		}
	}
	var err error
	if run.fillRun, err = t.start(ctx, run.claim, 0, at); err != nil {
		run.claim.close()
		return nil, t.ds.explained(err)
	}
	return run, nil
}

// tableRun is a run that names the dataset in errors, in memory that is its own to give back.
type tableRun struct {
	*fillRun
	of    *Dataset
	claim *claim // nil: it reads no large chunks
}

func (r *tableRun) next() (*fill, error) {
	f, err := r.fillRun.next()
	return f, r.of.explained(err)
}

func (r *tableRun) settle() error { return r.of.explained(r.fillRun.settle()) }

func (r *tableRun) close() {
	r.fillRun.close()
	r.claim.close()
}

func (t *tableRead) rowBytes() int64 { return t.scan.rowBytes() }

func (t *tableRead) bounded() bool { return !t.scan.program.NeedsResolver() }

// explain is part of read.
func (t *tableRead) explain(ctx context.Context) (*Explanation, error) {
	d, r := t.ds, t.req
	e := explainee{name: d.asked, layout: d.info.Layout, filters: d.info.Filters, library: d.viaLib, stored: d.storedBytes,
		scan: t.scan, result: t.scan.known(), use: r.Index, page: r.page(), listed: r.Coordinates != nil, down: r.Step != nil && *r.Step < 0}
	for _, f := range t.schema.Fields() {
		e.fields = append(e.fields, f.Name)
	}
	if d.pipe != nil {
		e.foreign = d.pipe.Foreign()
	}
	if r.follows() {
		e.result = -1
	}
	e.among = span{step: 1, n: d.rows()}
	if r.SortBy != "" {
		e.ordering = t.ordering(t.scan)
	}
	if t.where != nil {
		e.search = t.search(t.scan)
	}
	if t.where != nil && r.SortBy == "" {
		e.among, _ = slice(r.Start, r.Stop, r.Step, d.rows()) // checked by question
	}
	x, err := explain(ctx, e)
	return x, d.failed(err)
}
