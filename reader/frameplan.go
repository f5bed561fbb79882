package reader

import (
	"context"
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
	parts   []framePart
	columns []frameColumn
	plain   bool          // options.plain
	schema  *arrow.Schema // of the records; the maker of the plan sets it
}

// frameColumn is a column with where its raw values come: columns of the parts' records. mask is nil if it has none.
type frameColumn struct {
	frame.Column
	values partColumn
	mask   *partColumn
}

type partColumn struct{ part, column int }

// framePart is a plan over one of a frame's datasets.
type framePart interface {
	Name() string
	Scan() *scan // may be changed until it begins
	Schema() *arrow.Schema
	Wants() (wants, bool)
	// Start begins to give its batches, in what the request has reserved for large chunks, if it has.
	Start(ctx context.Context, c *claim, sides int) (*fillRun, error)
	Explain(err error) error // names it in an error
}

// batching says which batches are asked for.
type batching struct {
	exact       int64 // rows of a block; 0: as many as fit
	rows, bytes int64 // 0: default
}

// newFramePlan makes the plan of a projection. part plans one for some members of a dataset (nil: it is an array); touched: its
// columns do not stay what they are.
func newFramePlan(columns []frame.Column, plain bool, b batching, part func(path string, members []string, touched bool) (framePart, error)) (*framePlan, error) {
	asked := &partRequests{at: map[string]int{}}
	f := &framePlan{plain: plain}
	for _, c := range columns {
		fc := frameColumn{Column: c, values: asked.add(c.Path, c.Member)}
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

// alike lets all parts give the same rows in batches of the same size, one ahead of the caller.
func (f *framePlan) alike(rows int64) error {
	for _, p := range f.parts {
		s := p.Scan()
		s.size, s.aligned, s.readAhead = rows, false, 1
		if err := s.check(); err != nil {
			return err
		}
	}
	return nil
}

// partsOf counts the datasets that columns lie in.
func partsOf(columns []frame.Column) int {
	paths := map[string]bool{}
	for _, c := range columns {
		paths[c.Path] = true
		if c.Mask != "" {
			paths[c.Mask] = true
		}
	}
	return len(paths)
}

// fields are those of the columns, each with the column it is of; plain: one may make several.
func (f *framePlan) fields() (columns []frame.Column, fields []arrow.Field, err error) {
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

// choose gives the columns of a projection (nil: all), as the options have them.
func (f *framed) choose(fields []string, o frame.Options) (chosen []frame.Column, err error) {
	chosen = f.With(o)
	if fields != nil {
		if chosen, err = columnsNamed(chosen, fields); err != nil {
			return nil, err
		}
	}
	for _, c := range chosen {
		if c.Reason != "" {
			return nil, fault.New(fault.Unsupported, "column %s: %s; the others can be asked for by fields: %s", spell.Quote(c.Name), c.Reason, strings.Join(f.served(), ", "))
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

// blockRows is the rows of a batch: what the request says, else whole chunks of the first part up to 3.5 MiB.
func (f *framePlan) blockRows(b batching) int64 {
	if b.exact > 0 {
		return b.exact
	}
	row := f.rowBytes()
	if b.rows > 0 {
		return max(1, min(b.rows, maxBatch/row))
	}
	most := int64(defaultBatch)
	if b.bytes > 0 {
		most = min(b.bytes, maxBatch)
	}
	return f.parts[0].Scan().blockRows(most / row)
}

func (f *framePlan) rowBytes() int64 {
	n := int64(0)
	for _, p := range f.parts {
		n = min(n+p.Scan().rowBytes(), end62)
	}
	return max(1, n)
}

// holds is about how many bytes the runs of all parts hold at a time.
func (f *framePlan) holds() int64 {
	n := int64(0)
	for _, part := range f.parts {
		p := part.Scan()
		group := max(p.groupBytes(), times(p.size, p.rowBytes()))
		if p.rows != nil {
			group = min(group, p.batchBytes(p.rows.Len()))
		}
		n = min(n+times(2, group), end62) + p.scratchBytes(1)
	}
	return min(n, end62) + times(f.parts[0].Scan().size, f.copied())
}

// wants are those of all parts: they take turns where all their chunks are too much.
func (f *framePlan) wants() (w wants, ok bool) {
	w.whole = true
	for _, p := range f.parts {
		part, large := p.Wants()
		if !large {
			part.least = p.Scan().unit(heavy{})
			part.rest = times(5, part.least)
		}
		w.least, w.rest = min(w.least+times(2, part.least), end62), min(w.rest+part.rest, end62)
		w.chunks, w.slots = w.chunks+part.chunks, w.slots+part.slots
		w.whole = w.whole && (part.whole || !large)
		if part.few > w.few {
			w.few, w.heavy, ok = part.few, part.heavy, true
		}
	}
	if !ok {
		return w, false
	}
	copies := times(f.parts[0].Scan().size, f.copied())
	w.least, w.rest = min(w.least+copies, end62), min(w.rest+times(2, copies), end62)
	if limit := f.parts[0].Scan().budget().Limit(); w.chunks > limit/2 {
		w.chunks, w.slots, w.whole = w.few, 1, false
		w.rest = max(w.rest, limit/2)
	}
	return w, true
}
