package reader

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/explain"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/frames"
)

// frameRead reads a frame of several datasets.
type frameRead struct {
	*frames.Plan
	ds    *Dataset
	parts []*tableRead // the plan's
}

// planFrame is Plan for a frame.
func (d *Dataset) planFrame(ctx context.Context, r Request) (*Plan, error) {
	columns, err := d.frame.Choose(r.Fields, frame.Options{Numbers: r.Options.Time == "numeric", Binary: r.Options.Strings == "binary", Plain: r.Options.Plain})
	if err != nil {
		return nil, d.failed(err)
	}
	if err := d.checkFrameRequest(r, frames.Datasets(columns)); err != nil {
		return nil, err
	}
	b := frames.Batching{Rows: r.BatchRows, Bytes: r.BatchBytes}
	if r.Stream != nil {
		b.Exact = r.Stream.BlockRows
	}
	read := &frameRead{ds: d}
	read.Plan, err = frames.NewPlan(columns, r.Options.Plain, b, func(path string, members []string, touched bool) (frames.Part, error) {
		part, err := d.planPart(ctx, path, d.partRequest(r, members, !touched))
		read.parts = append(read.parts, part)
		return part, err
	})
	if err != nil {
		return nil, err
	}
	return read.plan(ctx, r)
}

// plan is the whole of the parts: what is known of the rows is the first one's.
func (f *frameRead) plan(ctx context.Context, r Request) (*Plan, error) {
	columns, fields, err := f.Fields()
	if err != nil {
		return nil, f.ds.failed(err)
	}
	s := f.parts[0].scan
	s.Dataset.Others = fill.Others(f.parts)
	m := f.ds.metadataOf(r, s.Size)
	m["pandas"] = f.ds.frame.Metadata(columns, fields)
	meta := arrow.MetadataFrom(m)
	f.Schema = arrow.NewSchema(fields, &meta)
	return &Plan{req: r, schema: f.Schema, of: newSingle(ctx, f.ds, r, s), read: f}, nil
}

// planPart plans a part's request, whose condition may use the frame's names.
func (d *Dataset) planPart(ctx context.Context, path string, r Request) (*tableRead, error) {
	part := d.frame.Parts[path].(rawPart).ds
	if err := r.Check(); err != nil {
		return nil, err
	}
	if part.unsupported != nil {
		return nil, part.unsupported
	}
	var names []frame.Column
	if r.Where != nil {
		names = slices.DeleteFunc(slices.Clone(d.frame.Columns), func(c frame.Column) bool { return c.Path != path })
	}
	return part.planTable(ctx, r, names)
}

// checkFrameRequest refuses what only a raw node can do.
func (d *Dataset) checkFrameRequest(r Request, parts int) error {
	what, of := "", "a frame"
	switch {
	case r.Select != nil:
		what = "select"
	case r.Options.Layout == "rows":
		what = `options.layout "rows"`
	case r.Stream != nil && r.Stream.Follow:
		what = "stream.follow"
	case parts > 1 && r.Where != nil:
		what, of = "where", "a frame of several datasets"
	case parts > 1 && r.SortBy != "":
		what, of = "sort_by", "a frame of several datasets"
	default:
		return nil
	}
	return d.failed(fault.New(fault.Unsupported, "%s is not served for %s: ask the raw node %s", what, of, d.frame.Columns[0].Path))
}

// partRequest is the request for a part: the same rows, in order, in types that a frame's columns are made of.
func (d *Dataset) partRequest(r Request, members []string, untouched bool) Request {
	r.Fields, r.BatchRows, r.BatchBytes, r.Endpoints = members, 0, 0, 0
	r.Options.Plain = false
	if !untouched {
		r.Options.Tensors, r.Options.NetCDF = "nested", false
	}
	if r.Stream != nil {
		s := *r.Stream
		s.Unordered = false
		r.Stream = &s
	}
	if d.frame.Empty {
		none := int64(0)
		r.Limit = &none
	}
	return r
}

// The methods of a tableRead by which frames know it as one of their parts.

func (t *tableRead) Name() string                { return t.ds.asked }
func (t *tableRead) Scan() *fill.Scan            { return t.scan }
func (t *tableRead) Schema() *arrow.Schema       { return t.schema }
func (t *tableRead) Demand() (fill.Demand, bool) { return t.demand() }
func (t *tableRead) Explain(err error) error     { return t.ds.explained(err) }

func (t *tableRead) Start(ctx context.Context, c *fill.Reservation, sides int) (*fill.Run, error) {
	return t.start(ctx, c, sides, nil)
}

// begin is part of read.
func (f *frameRead) begin(ctx context.Context, _ fill.Placement) (batches, error) {
	return f.Plan.Begin(ctx, f.ds.asked, f.ds.file.eng.frames, f.ds.failed)
}

func (f *frameRead) rows() int64 { return f.parts[0].rows() }

func (f *frameRead) rowBytes() int64 { return f.Plan.RowBytes() }

func (f *frameRead) bounded() bool { return false }

// explain is part of read.
func (f *frameRead) explain(ctx context.Context) (*explain.Explanation, error) {
	out := &explain.Explanation{Rows: int64(f.ds.info.Rows), Result: f.rows(), Layout: f.ds.info.Layout, Filters: f.ds.info.Filters, Condition: []string{}, Kept: []string{}}
	for _, c := range f.Schema.Fields() {
		out.Fields = append(out.Fields, c.Name)
	}
	for i, part := range f.parts {
		x, err := part.explain(ctx)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			out.ChunkRows, out.Condition, out.Index, out.Order, out.Found = x.ChunkRows, x.Condition, x.Index, x.Order, x.Found
		}
		out.Add("of the frame, "+part.ds.asked+":", x)
	}
	return out, nil
}
