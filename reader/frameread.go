package reader

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/reader/internal/explain"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/frames"
	"github.com/mtflight/mtflight/reader/internal/order"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/spill"
)

// frameRead reads a frame of several datasets.
type frameRead struct {
	*frames.Plan
	ds    *Dataset
	parts []*tableRead // the plan's
	asked []*tableRead // of which only its condition and order are
}

// planFrame is Plan for a frame.
func (d *Dataset) planFrame(ctx context.Context, r Request) (*Plan, error) {
	columns, err := d.frame.Choose(r.Fields, frames.OptionsOf(r))
	if err != nil {
		return nil, d.failed(err)
	}
	if err := d.frame.CheckRequest(r, frames.Datasets(columns)); err != nil {
		return nil, d.failed(err)
	}
	read := &frameRead{ds: d}
	read.Plan, err = frames.NewPlan(columns, r.Options.Plain, frames.BatchingOf(r), func(path string, members []string, touched bool) (frames.Part, error) {
		part, err := d.planPart(ctx, path, d.frame.PartRequest(r, members, !touched), d.frame.Columns)
		read.parts = append(read.parts, part)
		return part, err
	})
	if err == nil && d.frame.Columnar() {
		err = read.ask(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	return read.plan(ctx, r)
}

// ask leaves it to the columns that a condition and an order name which rows are read.
func (f *frameRead) ask(ctx context.Context, r Request) (err error) {
	f.Asks, err = f.ds.frame.Ask(r, func(path string, r Request, names []frame.Column) (frames.Asked, error) {
		part, err := f.ds.planPart(ctx, path, r, names)
		f.asked = append(f.asked, part)
		return part, err
	})
	for _, part := range f.parts {
		if f.Asks != nil {
			part.scan.Rows = nil
		}
	}
	return f.ds.failed(err)
}

// plan is the whole of the parts: what is known of the rows is the first one's.
func (f *frameRead) plan(ctx context.Context, r Request) (*Plan, error) {
	columns, fields, err := f.Fields()
	if err != nil {
		return nil, f.ds.failed(err)
	}
	s := f.parts[0].scan
	s.Dataset.Others = fill.Others(slices.Concat(f.parts, f.asked))
	m := f.ds.metadataOf(r, s.Size)
	if !f.ds.frame.Columnar() {
		m["pandas"] = f.ds.frame.Metadata(columns, fields)
	}
	meta := arrow.MetadataFrom(m)
	f.Schema = arrow.NewSchema(fields, &meta)
	return &Plan{req: r, schema: f.Schema, of: newSingle(ctx, f.ds, r, s), read: f}, nil
}

// planPart plans a part's request, whose condition may use the names of the frame's columns that are of it.
func (d *Dataset) planPart(ctx context.Context, path string, r Request, names []frame.Column) (*tableRead, error) {
	part := d.frame.Parts[path].(rawPart).ds
	if err := r.Check(); err != nil {
		return nil, err
	}
	if part.unsupported != nil {
		return nil, part.unsupported
	}
	if r.Where == nil {
		names = nil
	}
	return part.planTable(ctx, r, slices.DeleteFunc(slices.Clone(names), func(c frame.Column) bool { return c.Path != path }))
}

// The methods of a tableRead by which frames know it as one of their parts.

func (t *tableRead) Name() string                { return t.ds.asked }
func (t *tableRead) Scan() *fill.Scan            { return t.scan }
func (t *tableRead) Schema() *arrow.Schema       { return t.schema }
func (t *tableRead) Demand() (fill.Demand, bool) { return t.demand() }
func (t *tableRead) Explain(err error) error     { return t.ds.explained(err) }

func (t *tableRead) Start(ctx context.Context, c *fill.Reservation, sides int, of rows.Sequence) (*fill.Run, error) {
	if of == nil {
		return t.start(ctx, c, sides, nil)
	}
	s := t.scan.WithReservation(c, sides)
	if found, ok := of.(*order.Shared); ok {
		var err error
		if s, err = found.Scan(ctx, s); err != nil {
			return nil, err
		}
	} else {
		s.Rows = of
	}
	return s.Run(ctx, nil), nil
}

func (t *tableRead) Match(ctx context.Context, all rows.Span, page rows.Page) (*spill.Rows, error) {
	return t.alone(ctx, func(s *fill.Scan) (*spill.Rows, error) { return t.search(s).Rows(ctx, all, page) })
}

func (t *tableRead) Sort(ctx context.Context, found *spill.Rows) (*spill.Rows, error) {
	return t.alone(ctx, func(s *fill.Scan) (*spill.Rows, error) { return t.ordering(s).Rows(ctx, found) })
}

// alone finds rows in memory of its own for large chunks.
func (t *tableRead) alone(ctx context.Context, find func(s *fill.Scan) (*spill.Rows, error)) (*spill.Rows, error) {
	w, large := t.demand()
	if !large {
		return find(t.scan)
	}
	return order.Apart(ctx, t.scan, t.ds.asked, w, find)
}

// Told says how it is read; of rows that others find as if it were all.
func (t *tableRead) Told(ctx context.Context) (*explain.Explanation, error) {
	if t.scan.Rows != nil || t.where != nil || t.req.SortBy != "" {
		return t.explain(ctx)
	}
	all, scan := *t, *t.scan
	all.scan, scan.Rows = &scan, rows.Span{Step: 1, N: t.ds.rows()}
	return all.explained(ctx, -1)
}

// begin is part of read.
func (f *frameRead) begin(ctx context.Context, _ fill.Placement) (batches, error) {
	return f.Plan.Begin(ctx, f.ds.asked, f.ds.file.eng.frames, f.ds.failed)
}

func (f *frameRead) rows() int64     { return f.parts[0].rows() }
func (f *frameRead) rowBytes() int64 { return f.Plan.RowBytes() }
func (f *frameRead) bounded() bool   { return false }

// explain is part of read.
func (f *frameRead) explain(ctx context.Context) (*explain.Explanation, error) {
	out := &explain.Explanation{Rows: int64(f.ds.info.Rows), Result: f.rows(), Layout: f.ds.info.Layout, Filters: f.ds.info.Filters, Condition: []string{}, Kept: []string{}, Found: -1}
	for _, c := range f.Schema.Fields() {
		out.Fields = append(out.Fields, c.Name)
	}
	return out, f.Plan.Explain(ctx, out, "of the "+f.ds.info.Layout+", ")
}
