package reader

import (
	"context"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/explain"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/sparse"
)

// matrix is a sparse matrix: a Dataset that is a group, made of three raw ones. Its rows are those of the axis that is compressed.
type matrix struct {
	sparse.Matrix
	pointers, indices, values *Dataset
}

// openMatrix opens the matrix in the dataset's group.
func (d *Dataset) openMatrix(ctx context.Context, about sparse.Matrix) (err error) {
	m := &matrix{Matrix: about}
	for name, part := range map[string]**Dataset{sparse.Pointers: &m.pointers, sparse.Indices: &m.indices, sparse.Values: &m.values} {
		if *part, err = d.matrixPart(ctx, name); err != nil {
			return err
		}
	}
	if err := m.CheckExtents(m.pointers.rows(), m.indices.rows(), m.values.rows()); err != nil {
		return err
	}
	d.matrix, d.info.Rows, d.info.Kind = m, Count(m.Major()), "sparse"
	d.info.Shape, d.info.Filters = m.Shape[:], m.values.info.Filters
	p, err := d.planMatrix(ctx, Request{})
	if err != nil {
		return err
	}
	d.info.Bytes, d.info.Schema = Count(p.Bytes()), p.schema
	return nil
}

// matrixPart is one of the datasets below the group.
func (d *Dataset) matrixPart(ctx context.Context, name string) (*Dataset, error) {
	path := strings.TrimSuffix(d.asked, "/") + "/" + name
	described, err := d.file.describe(ctx, path)
	switch {
	case fault.Of(err) == fault.NotFound:
		return nil, fault.New(fault.DataLoss, "%s of a sparse matrix is missing", path)
	case err != nil:
		return nil, err
	case described.OtherFile != "":
		return nil, fault.New(fault.Unsupported, "%s is in another file: ask the raw nodes", path)
	}
	part := d.file.listed(ctx, described, path)
	if part.unsupported != nil {
		return nil, part.unsupported
	}
	return part, sparse.CheckPart(path, len(part.info.Shape), part.source, part.info.Schema.Field(0).Type)
}

// matrixRead reads a sparse matrix.
type matrixRead struct {
	*sparse.Plan
	ds    *Dataset
	parts [3]*tableRead // pointers, indices, values
}

// planMatrix is Plan for a sparse matrix.
func (d *Dataset) planMatrix(ctx context.Context, r Request) (*Plan, error) {
	m := &matrixRead{ds: d}
	if err := sparse.CheckRequest(r, columnName(d.asked)); err != nil {
		return nil, d.failed(err)
	}
	var parts [3]sparse.Part
	for i, part := range []*Dataset{d.matrix.pointers, d.matrix.indices, d.matrix.values} {
		t, err := part.planTable(ctx, Request{Options: convert.Options{Plain: r.Options.Plain && i == 2}}, nil)
		if err != nil {
			return nil, err
		}
		m.parts[i], parts[i] = t, t
	}
	seq, err := rows.Asked(r, d.matrix.Major())
	if err != nil {
		return nil, err
	}
	s := *m.parts[0].scan
	s.Rows, s.Passes = seq, rows.PassesOf(r.Stream)
	s.Dataset.Others = fill.Others(m.parts[:])
	if m.Plan, err = sparse.NewPlan(d.matrix.Matrix, parts, &s, r); err != nil {
		return nil, d.failed(err)
	}
	about := d.metadataOf(r, s.Size)
	for key, value := range d.matrix.Metadata() {
		about[key] = value
	}
	meta := arrow.MetadataFrom(about)
	m.Schema = arrow.NewSchema([]arrow.Field{m.Column(columnName(d.asked))}, &meta)
	return &Plan{req: r, schema: m.Schema, of: newSingle(ctx, d, r, &s), read: m}, nil
}

// begin is part of read.
func (m *matrixRead) begin(ctx context.Context, _ fill.Placement) (batches, error) {
	return m.Plan.Begin(ctx, m.ds.asked, m.ds.file.eng.frames, m.ds.failed)
}

func (m *matrixRead) rows() int64     { return m.Rows.Known() }
func (m *matrixRead) rowBytes() int64 { return m.RowBytes() }
func (m *matrixRead) bounded() bool   { return false }

// explain is part of read.
func (m *matrixRead) explain(ctx context.Context) (*explain.Explanation, error) {
	out := &explain.Explanation{Rows: m.ds.matrix.Major(), Result: m.rows(), Layout: m.ds.info.Layout, Filters: m.ds.info.Filters,
		Fields: []string{m.Schema.Field(0).Name}, Condition: []string{}, Kept: []string{}, Found: -1, Order: "as asked for"}
	return out, m.Plan.Explain(ctx, out)
}
