package reader

import (
	"context"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/where"
)

// asValues are the options with which columns come as conditions, sorting and statistics take them: as PyTables has them.
var asValues = convert.Options{Strings: "binary", Enum: "int", Time: "numeric"}

// condition is a compiled where with the columns it reads.
type condition struct {
	program *where.Program
	scope   []operand
	columns []string // of the dataset, each once
	numbers []int    // of columns among the source's
	inputs  []operand
}

// newCondition compiles a where over the columns of the dataset and those that a frame makes of them.
func (d *Dataset) newCondition(r Request, of []frame.Column) (*condition, error) {
	if len(d.shape) != 1 {
		return nil, fault.New(fault.Invalid, "where: only tables and arrays of one axis can be asked, this has %d: use select", len(d.shape))
	}
	c := &condition{}
	var err error
	if c.scope, err = d.scope(of); err != nil {
		return nil, err
	}
	scope := make([]where.Column, len(c.scope))
	for i, o := range c.scope {
		scope[i] = o.Column
	}
	if c.program, err = where.Compile(*r.Where, scope, r.Vars); err != nil {
		return nil, err
	}
	for _, in := range c.program.Inputs() {
		c.read(in)
	}
	return c, nil
}

// read adds an input of the program.
func (c *condition) read(in where.Input) {
	o := c.scope[in.Column]
	if o.Shape != nil {
		o.item = in.Item
	}
	o.missing = in.Missing
	if o.at = slices.Index(c.numbers, o.number); o.at < 0 {
		o.at = len(c.numbers)
		c.columns, c.numbers = append(c.columns, o.source), append(c.numbers, o.number)
	}
	c.inputs = append(c.inputs, o)
}

// place is where a column of the scope is among columns, -1 where it is not read.
func (c *condition) place(column int) int { return slices.Index(c.numbers, c.scope[column].number) }

// indexed is the dataset's column that a column of the scope is the whole of.
func (c *condition) indexed(column int) (string, bool) {
	o := c.scope[column]
	return o.source, o.item < 0 && o.Shape == nil
}

// hits are the places, among the rows scanned, of those that match.
type hits []int64

// probeBytes is how much is read before the next look at how much was found.
const probeBytes = 4 << 20

// filter finds the rows of a slice that match, a page of them.
func (p *Plan) filter(ctx context.Context, rows span, g page) (*sortedRows, error) {
	out, _, err := p.matches(ctx, rows, g, false)
	return out, err
}

// matches is filter that, where keep says so and there is room, takes the rows along: then those are the result.
func (p *Plan) matches(ctx context.Context, rows span, g page, keep bool) (*sortedRows, *kept, error) {
	found, ok, err := p.candidates(ctx, rows)
	switch {
	case err != nil:
		return nil, nil, err
	case ok:
		return p.matching(ctx, found, g, keep)
	case len(p.where.columns) == 0:
		found, err := p.every(rows, g)
		return found, nil, err
	}
	likely, _, err := p.likely(ctx, rows)
	if err != nil {
		return nil, nil, err
	}
	return p.matching(ctx, likely, g, keep)
}

// matching reads the condition's columns of some rows, and notes the statistics of whole chunks.
func (p *Plan) matching(ctx context.Context, rows sequence, g page, keep bool) (*sortedRows, *kept, error) {
	out, err := p.newSortedRows(0, false)
	if g.limit == 0 || err != nil {
		return out, nil, err
	}
	scan, err := p.probing(rows, g.end(), keep)
	if err != nil {
		out.close()
		return nil, nil, err
	}
	defer p.ds.file.saveStats(false)
	rowAt := rowOf(rows)
	along := newKept(p.mem(), int64(p.program.ElemSize()), g.offset)
	before := g.offset // matches to pass over
	err = scan.each(ctx, func(r *Run) bool {
		for _, f := range r.now.finds {
			for _, h := range f.hits {
				if before > 0 {
					before--
				} else if out.n != g.limit {
					out.add(rowAt(h))
				}
			}
		}
		if keep && !scan.probe.keep(along, r.now) {
			scan.probe.full.Store(true)
			along.close()
			keep = false
		}
		return out.err == nil && out.n != g.limit
	})
	if err = firstOf(err, out.err); !keep || err != nil {
		along.close()
		out, err = finished(out, err)
		return out, nil, err
	}
	along.n = out.n
	out.close()
	return nil, along, nil
}

// probing is the plan that looks for the rows that match.
func (p *Plan) probing(rows sequence, limit int64, keep bool) (*Plan, error) {
	s, err := p.scan(p.where.columns, rows)
	if err != nil {
		return nil, err
	}
	s.size = max(1, min(s.size, p.geo.chunk[p.geo.rows]*max(1, probeBytes/p.chunkBytes())))
	if p.claim != nil { // whose rows may be taken along
		s.size = max(1, min(s.size, p.budget().Limit()/16/max(s.rowBytes(), int64(p.program.ElemSize()))))
	}
	s.probe, err = p.newProbe(p.where, s.program, limit, keep)
	return s, err
}

// constant is what a condition without columns says of every row.
func (p *Plan) constant() bool {
	one := make([]byte, 1)
	p.where.program.NewEval().Eval(nil, 1, one)
	return one[0] != 0
}

// every is the rows of a slice for which a condition without columns holds: all or none.
func (p *Plan) every(rows span, g page) (*sortedRows, error) {
	rows = g.of(rows).(span)
	if !p.constant() {
		rows.n = 0
	}
	out, err := p.newSortedRows(0, false)
	for i := int64(0); err == nil && i < rows.n; i++ {
		out.add(rows.start + i*rows.step)
		err = out.err
	}
	return finished(out, err)
}

// scan is a plan that reads columns as values over rows.
func (p *Plan) scan(columns []string, rows sequence) (*Plan, error) {
	program, err := convert.Compile(p.ds.source, columns, asValues)
	if err != nil {
		return nil, err
	}
	s := &Plan{ds: p.ds, program: program, store: p.store, geo: p.geo, fixed: rows, schema: program.Schema(arrow.Metadata{}), claim: p.claim}
	s.blockSize()
	return s, nil
}

// each reads a plan to its end, or until use has enough.
func (p *Plan) each(ctx context.Context, use func(*Run) bool) error {
	r := p.Run(ctx)
	defer r.Release()
	for r.Next() {
		if !use(r) {
			return nil
		}
	}
	return r.err
}
