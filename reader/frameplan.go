package reader

import (
	"context"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/frame"
)

// framePlan is how a plan over a frame is made of plans over its parts, which all give the same rows in blocks of the
// same size.
type framePlan struct {
	parts   []*Plan
	columns []frameColumn
	plain   bool // options.plain
}

// frameColumn is a column with where its raw values come: columns of the parts' records. mask is nil if it has none.
type frameColumn struct {
	frame.Column
	values partColumn
	mask   *partColumn
}

type partColumn struct{ part, column int }

// planFrame is Plan for a frame.
func (d *Dataset) planFrame(ctx context.Context, r Request) (*Plan, error) {
	columns, err := d.chooseColumns(r)
	if err != nil {
		return nil, err
	}
	asked := &partRequests{at: map[string]int{}}
	f := &framePlan{plain: r.Options.Plain}
	for _, c := range columns {
		fc := frameColumn{Column: c, values: asked.add(c.Path, c.Member)}
		if c.Mask != "" {
			mask := asked.add(c.Mask, "")
			fc.mask = &mask
		}
		f.columns = append(f.columns, fc)
	}
	if err := d.checkFrameRequest(r, len(asked.paths)); err != nil {
		return nil, err
	}
	touched := f.touched(len(asked.paths))
	for i, path := range asked.paths {
		part, err := d.planPart(ctx, path, d.partRequest(r, asked.members[i], !touched[i]))
		if err != nil {
			return nil, err
		}
		f.parts = append(f.parts, part)
	}
	return d.planParts(r, f)
}

// planPart plans a part's request, whose condition may use the frame's names.
func (d *Dataset) planPart(ctx context.Context, path string, r Request) (*Plan, error) {
	part := d.frame.parts[path]
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
	return part.planNamed(ctx, r, names)
}

// planParts makes the whole of its parts: what is known of the rows is the first one's.
func (d *Dataset) planParts(r Request, f *framePlan) (*Plan, error) {
	p := *f.parts[0]
	p.ds, p.req, p.frame = d, r, f
	p.size = f.blockRows(r)
	for _, part := range f.parts {
		part.size, part.req.BatchRows, part.single = p.size, p.size, true
		if err := part.checkBlocks(); err != nil {
			return nil, err
		}
	}
	columns, fields, err := f.fields()
	if err != nil {
		return nil, d.failed(err)
	}
	m := p.metadata().ToMap()
	m["pandas"] = d.frame.Metadata(columns, fields)
	meta := arrow.MetadataFrom(m)
	p.schema = arrow.NewSchema(fields, &meta)
	return &p, nil
}

// fields are those of the columns, each with the column it is of; plain: one may make several.
func (f *framePlan) fields() (columns []frame.Column, fields []arrow.Field, err error) {
	for _, c := range f.columns {
		field, err := c.Field(f.parts[c.values.part].schema.Field(c.values.column))
		if err != nil {
			return nil, nil, err
		}
		if !f.plain {
			columns, fields = append(columns, c.Column), append(fields, field)
			continue
		}
		for _, part := range frame.PlainFields(field) {
			columns, fields = append(columns, c.Part(part.Name)), append(fields, part)
		}
	}
	if f.plain {
		err = convert.Distinct(fields)
	}
	return columns, fields, err
}

// partRequests are the parts of a projection, each with the members asked of it.
type partRequests struct {
	paths   []string
	members [][]string
	at      map[string]int
}

// add asks for a member of a part, once, and tells where it comes.
func (a *partRequests) add(path, member string) partColumn {
	i, ok := a.at[path]
	if !ok {
		i = len(a.paths)
		a.at[path] = i
		a.paths, a.members = append(a.paths, path), append(a.members, nil)
	}
	if member == "" {
		return partColumn{i, 0}
	}
	for k, m := range a.members[i] {
		if m == member {
			return partColumn{i, k}
		}
	}
	a.members[i] = append(a.members[i], member)
	return partColumn{i, len(a.members[i]) - 1}
}

// chooseColumns are those asked for, as the options have them; all without a projection.
func (d *Dataset) chooseColumns(r Request) ([]frame.Column, error) {
	all := d.frame.With(frame.Options{Numbers: r.Options.Time == "numeric", Binary: r.Options.Strings == "binary", Plain: r.Options.Plain})
	chosen := all
	if r.Fields != nil {
		var err error
		if chosen, err = columnsNamed(all, r.Fields); err != nil {
			return nil, d.failed(err)
		}
	}
	for _, c := range chosen {
		if c.Reason != "" {
			return nil, d.failed(fault.New(fault.Unsupported, "column %s: %s; the others can be asked for by fields: %s", spell.Quote(c.Name), c.Reason, strings.Join(d.frame.served(), ", ")))
		}
	}
	return chosen, nil
}

func columnsNamed(all []frame.Column, fields []string) (chosen []frame.Column, err error) {
	at, names := make(map[string]int, len(all)), make([]string, len(all))
	for i, c := range all {
		at[c.Name], names[i] = i, c.Name
	}
	for _, name := range fields {
		i, ok := at[name]
		if !ok {
			return nil, fault.New(fault.NotFound, "no column %s%s", spell.Quote(name), near.Hint(name, names))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
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

// touched tells of which of n parts the columns are not their raw columns.
func (f *framePlan) touched(n int) []bool {
	out := make([]bool, n)
	for _, c := range f.columns {
		if c.As != frame.Plain || c.Item >= 0 {
			out[c.values.part] = true
		}
		if c.mask != nil {
			out[c.mask.part] = true
		}
	}
	return out
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

// blockRows is the rows of a batch: what the request says, else whole chunks of the first part up to 3.5 MiB.
func (f *framePlan) blockRows(r Request) int64 {
	if r.Stream != nil && r.Stream.BlockRows > 0 {
		return r.Stream.BlockRows
	}
	row := f.rowBytes()
	if r.BatchRows > 0 {
		return max(1, min(r.BatchRows, maxBatch/row))
	}
	most := int64(defaultBatch)
	if r.BatchBytes > 0 {
		most = min(r.BatchBytes, maxBatch)
	}
	size := max(1, most/row)
	geo := f.parts[0].geo
	if band := geo.chunk[geo.rows]; size >= band {
		size = size / band * band
	}
	return size
}

func (f *framePlan) rowBytes() int64 {
	n := int64(0)
	for _, p := range f.parts {
		n = min(n+p.rowBytes(), end62)
	}
	return max(1, n)
}

// holds is about how many bytes the runs of all parts hold at a time.
func (f *framePlan) holds() int64 {
	n := int64(0)
	for _, p := range f.parts {
		group := max(p.groupBytes(), times(p.size, p.rowBytes()))
		if p.fixed != nil {
			group = min(group, p.batchBytes(p.fixed.Len()))
		}
		n = min(n+times(2, group), end62) + p.scratchBytes(1)
	}
	return min(n, end62) + times(f.parts[0].size, f.copied())
}
