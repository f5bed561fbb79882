package frames

import (
	"context"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/explain"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// Plan is how a plan over a frame is made of plans over its parts, which all give the same rows in blocks of the
// same size.
type Plan struct {
	parts   []Part
	columns []column
	plain   bool          // options.plain
	Schema  *arrow.Schema // of the records; the maker of the plan sets it
	Asks    *Question     // which rows; nil: those that the parts have
}

// column is a column with where its raw values come: columns of the parts' records. mask is nil if it has none.
type column struct {
	frame.Column
	values partColumn
	mask   *partColumn
}

type partColumn struct{ part, column int }

// Part is a plan over one of a frame's datasets.
type Part interface {
	Name() string
	Scan() *fill.Scan // may be changed until it begins
	Schema() *arrow.Schema
	Demand() (fill.Demand, bool)
	// Start begins to give its batches, in what the request has reserved for large chunks, if it has; of other rows than the
	// scan's if they are not nil.
	Start(ctx context.Context, c *fill.Reservation, sides int, of rows.Sequence) (*fill.Run, error)
	Explain(err error) error // names it in an error
	// Told says how it is read.
	Told(ctx context.Context) (*explain.Explanation, error)
}

// Batching says which batches are asked for.
type Batching struct {
	Exact       int64 // rows of a block; 0: as many as fit
	Rows, Bytes int64 // 0: default
}

// NewPlan makes the plan of a projection. part plans one for some members of a dataset (nil: it is an array); touched: its
// columns do not stay what they are.
func NewPlan(columns []frame.Column, plain bool, b Batching, part func(path string, members []string, touched bool) (Part, error)) (*Plan, error) {
	asked := &partRequests{at: map[string]int{}}
	f := &Plan{plain: plain}
	for _, c := range columns {
		fc := column{Column: c, values: asked.add(c.Path, c.Member)}
		if c.Mask != "" {
			mask := asked.add(c.Mask, "")
			fc.mask = &mask
		}
		f.columns = append(f.columns, fc)
	}
	touched := f.touched(len(asked.paths))
	for i, path := range asked.paths {
		p, err := part(path, asked.members[i], touched[i])
		if err != nil {
			return nil, err
		}
		f.parts = append(f.parts, p)
	}
	return f, f.alike(f.blockRows(b))
}

// alike lets all parts give the same rows in batches of the same size, of which one is read ahead.
func (f *Plan) alike(rows int64) error {
	for _, p := range f.parts {
		s := p.Scan()
		s.Size, s.Aligned, s.ReadAhead = rows, false, 1
		s.Sides = len(f.parts)
		if err := s.Check(); err != nil {
			return err
		}
	}
	return nil
}

// Datasets counts the datasets that columns lie in.
func Datasets(columns []frame.Column) int {
	paths := map[string]bool{}
	for _, c := range columns {
		paths[c.Path] = true
		if c.Mask != "" {
			paths[c.Mask] = true
		}
	}
	return len(paths)
}

// Fields are those of the columns, each with the column it is of; plain: one may make several.
func (f *Plan) Fields() (columns []frame.Column, fields []arrow.Field, err error) {
	for _, c := range f.columns {
		field, err := c.Field(f.parts[c.values.part].Schema().Field(c.values.column))
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

// Choose gives the columns of a projection (nil: all), as the options have them.
func (f *Frame) Choose(fields []string, o frame.Options) (chosen []frame.Column, err error) {
	chosen = f.With(o)
	if fields != nil {
		if chosen, err = columnsNamed(chosen, fields); err != nil {
			return nil, err
		}
	}
	for _, c := range chosen {
		if c.Reason != "" {
			return nil, fault.New(fault.Unsupported, "column %s: %s; the others can be asked for by fields: %s", spell.Quote(c.Name), c.Reason, strings.Join(f.Served(), ", "))
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
		c, ok := frame.Column{}, false
		if i, known := at[name]; known {
			c, ok = all[i], true
		} else if c, ok = lookUp(all, name); !ok {
			return nil, fault.New(fault.NotFound, "no column %s%s", spell.Quote(name), near.Hint(name, names))
		}
		chosen = append(chosen, c)
	}
	return chosen, nil
}

// touched tells for each of n parts whether its raw columns are changed to make the frame's.
func (f *Plan) touched(n int) []bool {
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

// blockRows is the rows of a batch: what the request says, else whole chunks of the first part up to 3.5 MiB.
func (f *Plan) blockRows(b Batching) int64 {
	if b.Exact > 0 {
		return b.Exact
	}
	row := f.RowBytes()
	if b.Rows > 0 {
		return max(1, min(b.Rows, fill.MaxBatch/row))
	}
	most := int64(fill.DefaultBatch)
	if b.Bytes > 0 {
		most = min(b.Bytes, fill.MaxBatch)
	}
	return f.parts[0].Scan().BlockRows(most / row)
}

// Explain adds how the rows are found, and how each part is read.
func (f *Plan) Explain(ctx context.Context, x *explain.Explanation, of string) error {
	if f.Asks != nil {
		if err := f.Asks.Explain(ctx, x); err != nil {
			return err
		}
	}
	for i, part := range f.parts {
		told, err := part.Told(ctx)
		if err != nil {
			return err
		}
		if i == 0 {
			x.ChunkRows = told.ChunkRows
		}
		if i == 0 && f.Asks == nil {
			x.Condition, x.Index, x.Order, x.Found = told.Condition, told.Index, told.Order, told.Found
		}
		x.Add(of+part.Name()+":", told)
	}
	return nil
}

func (f *Plan) RowBytes() int64 {
	n := int64(0)
	for _, p := range f.parts {
		n = min(n+p.Scan().RowBytes(), rows.End62)
	}
	return max(1, n)
}

// holds is about how many bytes the runs of all parts hold at a time.
func (f *Plan) holds() int64 {
	n := int64(0)
	for _, part := range f.parts {
		p := part.Scan()
		group := max(p.GroupBytes(), rows.Times(p.Size, p.RowBytes()))
		if p.Rows != nil {
			group = min(group, p.BatchBytes(p.Rows.Len()))
		}
		n = min(n+rows.Times(2, group), rows.End62) + p.ScratchBytes(1)
	}
	return min(n, rows.End62) + rows.Times(f.parts[0].Scan().Size, f.copied())
}

// demand is that of all parts.
func (f *Plan) demand() (fill.Demand, bool) {
	return fill.Together(f.parts, rows.Times(f.parts[0].Scan().Size, f.copied()))
}
