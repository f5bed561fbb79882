package frames

import (
	"context"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader/internal/explain"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/index"
	"github.com/mtflight/mtflight/reader/internal/match"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/spill"
)

// Question is what values decide about the rows of a plan: a condition, an order, or both. It is immutable.
type Question struct {
	all  rows.Span // of which the condition is asked
	page rows.Page // of what it finds

	single Asked            // nil: the condition's columns are of several datasets, or there is none
	joint  *Plan            // of those columns; nil: they are of one, or there is none
	where  *match.Condition // of joint
	key    Asked            // nil: no order
}

// Asked is a plan over one dataset that is asked which rows to read.
type Asked interface {
	Part
	// Match finds the rows of a slice that meet its condition, a page of them.
	Match(ctx context.Context, all rows.Span, page rows.Page) (*spill.Rows, error)
	// Sort puts rows into the request's order, and takes from them what it asks for; found: of those, nil: of all.
	Sort(ctx context.Context, found *spill.Rows) (*spill.Rows, error)
}

// Ask has a request's condition and order asked of the columns they name; nil where it has none.
func (f *Frame) Ask(r protocol.Request, plan planner) (*Question, error) {
	if r.Where == nil && r.SortBy == "" {
		return nil, nil
	}
	q := &Question{page: rows.PageOf(r)}
	var err error
	if q.all, err = rows.Slice(r.Start, r.Stop, r.Step, f.Rows); err != nil {
		return nil, err
	}
	if r.SortBy != "" {
		if err = q.sort(f, r, plan); err != nil {
			return nil, err
		}
	}
	if r.Where != nil {
		err = q.ask(f, r, plan)
	}
	return q, err
}

// planner makes the plan of a request over one dataset, whose condition may name columns.
type planner func(path string, r protocol.Request, names []frame.Column) (Asked, error)

// sort has the rows sorted, after the condition: slice and page are of the sorted rows.
func (q *Question) sort(f *Frame, r protocol.Request, plan planner) (err error) {
	q.all, q.page = rows.Span{Step: 1, N: f.Rows}, rows.Everything
	c, ok := lookUp(f.Columns, r.SortBy)
	switch {
	case !ok:
		return fault.New(fault.NotFound, "sort_by: no column %s%s", spell.Quote(r.SortBy), near.Hint(r.SortBy, f.Served()))
	case c.Reason != "":
		return fault.New(fault.Unsupported, "sort_by: column %s: %s", spell.Quote(c.Name), c.Reason)
	case c.Mask != "":
		return fault.New(fault.Unsupported, "sort_by: column %s: which of its values are missing is in another dataset", spell.Quote(c.Name))
	}
	by := c.Member
	if by == "" {
		by = f.Parts[c.Path].Source().Name
	}
	q.key, err = plan(c.Path, protocol.Request{SortBy: by, CheckCSI: r.CheckCSI, Index: r.Index, Start: r.Start, Stop: r.Stop, Step: r.Step,
		Offset: r.Offset, Limit: r.Limit, Fields: []string{by}, Options: index.AsValues}, nil)
	return err
}

// ask compiles the condition. One over a single dataset is asked as of that alone, with its index and statistics.
func (q *Question) ask(f *Frame, r protocol.Request, plan planner) error {
	where, asked, err := match.NewJoint(f.sources(), f.Columns, *r.Where, r.Vars)
	if err != nil {
		return err
	}
	if len(asked) == 0 { // it is true or false of all rows
		asked = f.first()
	}
	if path, ok := match.Single(asked); ok && len(f.Parts[path].Source().Inner) == 0 {
		q.single, err = plan(path, protocol.Request{Where: r.Where, Vars: r.Vars, Index: r.Index, Options: index.AsValues}, f.Columns)
		return err
	}
	if r.Index == protocol.IndexOnly {
		return fault.New(fault.Precondition, "where: no index serves a condition over several datasets, or one of several axes: leave out options.index")
	}
	q.where = where
	if q.joint, err = NewPlan(asked, false, Batching{}, func(path string, members []string, _ bool) (Part, error) {
		return plan(path, protocol.Request{Fields: members, Options: index.AsValues}, nil)
	}); err != nil {
		return err
	}
	_, fields, err := q.joint.Fields()
	q.joint.Schema = arrow.NewSchema(fields, nil)
	return err
}

// sources are those of the parts that are served, by path.
func (f *Frame) sources() map[string]convert.Source {
	of := map[string]convert.Source{}
	for path, d := range f.Parts {
		if d.Unsupported() == nil {
			of[path] = d.Source()
		}
	}
	return of
}

// first is what the first column that is served is made of, for who only counts rows.
func (f *Frame) first() []frame.Column {
	c := f.Columns[slices.IndexFunc(f.Columns, func(c frame.Column) bool { return c.Reason == "" })]
	c.As, c.Mask = frame.Plain, ""
	return []frame.Column{c}
}

// lookUp finds a column by name, or what lies in one: members of a table's column are named by "/" behind it.
func lookUp(all []frame.Column, name string) (frame.Column, bool) {
	var in frame.Column
	found := false
	for _, c := range all {
		if c.Name == name {
			return c, true
		}
		if rest, below := strings.CutPrefix(name, c.Name+"/"); below && c.Member != "" && c.Item < 0 && c.As == frame.Plain && c.Reason == "" {
			c.Name, c.Member = name, c.Member+"/"+rest
			in, found = c, true
		}
	}
	return in, found
}

// Rows finds the rows, which the caller closes.
func (q *Question) Rows(ctx context.Context, name string, budget *bufpool.Budget, failed func(error) error) (*spill.Rows, error) {
	var found *spill.Rows
	var err error
	switch {
	case q.single != nil:
		found, err = q.single.Match(ctx, q.all, q.page)
		err = explained(q.single, err)
	case q.where != nil:
		found, err = q.together(ctx, name, budget, failed)
	}
	if err != nil || q.key == nil {
		return found, err
	}
	if found != nil {
		defer found.Close()
	}
	sorted, err := q.key.Sort(ctx, found)
	return sorted, explained(q.key, err)
}

func explained(of Asked, err error) error {
	if err == nil {
		return nil
	}
	return of.Explain(err)
}

// together reads the columns of the condition side by side.
func (q *Question) together(ctx context.Context, name string, budget *bufpool.Budget, failed func(error) error) (*spill.Rows, error) {
	first := q.joint.parts[0].Scan()
	out, err := spill.NewRows(first.Mem.Budget, 0, first.ChunkRows(), false)
	if err != nil {
		return nil, err
	}
	return spill.Finish(out, q.scan(ctx, out, name, budget, failed))
}

func (q *Question) scan(ctx context.Context, out *spill.Rows, name string, budget *bufpool.Budget, failed func(error) error) error {
	page := q.page.Cursor()
	if page.Done() {
		return nil
	}
	run, err := q.joint.begin(ctx, name, budget, failed, q.all)
	if err != nil {
		return err
	}
	defer run.Close()
	rowAt := rows.RowAt(q.all)
	for out.Err == nil && !page.Done() {
		f, err := run.Next()
		if f == nil || err != nil {
			return err
		}
		for _, place := range q.where.Asks(f.Record) {
			if page.Take() {
				out.Add(rowAt(f.Row + place))
			}
		}
	}
	return out.Err
}

// Explain adds how the rows are found to an explanation.
func (q *Question) Explain(ctx context.Context, x *explain.Explanation) error {
	if q.single != nil {
		told, err := q.single.Told(ctx)
		if err != nil {
			return err
		}
		x.Condition, x.Index = told.Condition, told.Index
		x.Add("of the condition, "+q.single.Name()+":", told)
	}
	if q.joint != nil {
		x.Condition, x.Index = q.where.Columns, "not used: the condition is over several datasets"
		for _, part := range q.joint.parts {
			told, err := part.Told(ctx)
			if err != nil {
				return err
			}
			x.Add("of the condition, "+part.Name()+":", told)
		}
	}
	if q.key == nil {
		return nil
	}
	told, err := q.key.Told(ctx)
	if err != nil {
		return err
	}
	x.Order = told.Order
	x.Add("of the order, "+q.key.Name()+":", told)
	return nil
}
