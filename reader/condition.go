package reader

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/where"
)

// asValues are the options with which columns come as conditions, sorting and statistics take them: as PyTables has them.
var asValues = convert.Options{Strings: "binary", Enum: "int", Time: "numeric"}

// condition is a compiled where with the columns it reads.
type condition struct {
	program *where.Program
	scope   []where.Column
	columns []string
}

func (d *Dataset) condition(r Request) (*condition, error) {
	if len(d.shape) != 1 {
		return nil, fault.New(fault.Invalid, "where: only tables and arrays of one axis can be asked, this has %d: use select", len(d.shape))
	}
	scope, err := d.scope()
	if err != nil {
		return nil, err
	}
	program, err := where.Compile(*r.Where, scope, r.Vars)
	if err != nil {
		return nil, err
	}
	c := &condition{program: program, scope: scope}
	for _, i := range program.Columns() {
		c.columns = append(c.columns, scope[i].Name)
	}
	return c, nil
}

// scope is what a condition may name.
func (d *Dataset) scope() ([]where.Column, error) {
	var out []where.Column
	for _, c := range d.source.Columns() {
		kind, why, err := d.operand(c.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, where.Column{Name: c.Name, Kind: kind, Why: why})
	}
	return out, nil
}

// operand is how a column takes part in conditions, or why it can't.
func (d *Dataset) operand(name string) (kind where.Kind, why string, err error) {
	program, err := convert.Compile(d.source, []string{name}, asValues)
	if err != nil {
		return where.None, "", err
	}
	f := program.Schema(arrow.Metadata{}).Field(0)
	kind, why = kindOf(f.Type)
	if f.Metadata.FindKey("complex") >= 0 && f.Type.ID() == arrow.STRUCT {
		return where.Complex128, "", nil
	}
	return kind, why, nil
}

// kindOf widens as PyTables does before numexpr sees a column.
func kindOf(t arrow.DataType) (where.Kind, string) {
	switch t.ID() {
	case arrow.BOOL:
		return where.Bool, ""
	case arrow.INT8, arrow.INT16, arrow.UINT8, arrow.UINT16, arrow.INT32:
		return where.Int32, ""
	case arrow.UINT32, arrow.INT64:
		return where.Int64, ""
	case arrow.FLOAT16, arrow.FLOAT32:
		return where.Float32, ""
	case arrow.FLOAT64:
		return where.Float64, ""
	case arrow.BINARY:
		return where.Bytes, ""
	case arrow.UINT64:
		return where.None, "conditions have no 64-bit unsigned integers"
	}
	return where.None, "a column of " + t.String() + " cannot stand in a condition"
}

// hits are the places, among the rows scanned, of those that match.
type hits []int64

// probeBytes is how much is read before the next look at how much was found.
const probeBytes = 4 << 20

// filter finds the rows of a slice that match, at most limit of them (negative: all).
func (p *Plan) filter(ctx context.Context, rows span, limit int64) (*sortedRows, error) {
	out, _, err := p.matches(ctx, rows, limit, false)
	return out, err
}

// matches is filter that, where keep says so and there is room, takes the rows along: then those are the result.
func (p *Plan) matches(ctx context.Context, rows span, limit int64, keep bool) (*sortedRows, *kept, error) {
	found, ok, err := p.candidates(ctx, rows)
	switch {
	case err != nil:
		return nil, nil, err
	case ok:
		return p.matching(ctx, found, limit, keep)
	case len(p.where.columns) == 0:
		found, err := p.every(rows, limit)
		return found, nil, err
	}
	likely, _, err := p.likely(ctx, rows)
	if err != nil {
		return nil, nil, err
	}
	return p.matching(ctx, likely, limit, keep)
}

// matching reads the condition's columns of some rows, and notes the statistics of whole chunks.
func (p *Plan) matching(ctx context.Context, rows sequence, limit int64, keep bool) (*sortedRows, *kept, error) {
	out, err := p.newSortedRows(0, false)
	if limit == 0 || err != nil {
		return out, nil, err
	}
	scan, err := p.probing(rows, limit, keep)
	if err != nil {
		out.close()
		return nil, nil, err
	}
	defer p.ds.file.saveStats(false)
	rowAt := rowOf(rows)
	along := newKept(p.mem(), int64(p.program.ElemSize()))
	err = scan.each(ctx, func(r *Run) bool {
		for _, f := range r.now.finds {
			for _, h := range f.hits {
				if limit < 0 || out.n < limit {
					out.add(rowAt(h))
				}
			}
		}
		if keep && !scan.probe.keep(along, r.now) {
			scan.probe.full.Store(true)
			along.close()
			keep = false
		}
		return out.err == nil && (limit < 0 || out.n < limit)
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
func (p *Plan) every(rows span, limit int64) (*sortedRows, error) {
	if limit >= 0 {
		rows = rows.cut(limit)
	}
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

// vector gives a column's values without a copy where their type is the condition's.
func vector(a arrow.Array) where.Vector {
	switch a := a.(type) {
	case *array.Boolean:
		return where.Vector{Bool: bools(a)}
	case *array.Int32:
		return where.Vector{I32: a.Int32Values()}
	case *array.Int64:
		return where.Vector{I64: a.Int64Values()}
	case *array.Float32:
		return where.Vector{F32: a.Float32Values()}
	case *array.Float64:
		return where.Vector{F64: a.Float64Values()}
	case *array.Binary:
		return where.Vector{Off: a.ValueOffsets(), Bytes: a.ValueBytes()}
	}
	return widened(a)
}

func widened(a arrow.Array) where.Vector {
	switch a := a.(type) {
	case *array.Int8:
		return where.Vector{I32: widen[int32](a.Int8Values())}
	case *array.Int16:
		return where.Vector{I32: widen[int32](a.Int16Values())}
	case *array.Uint8:
		return where.Vector{I32: widen[int32](a.Uint8Values())}
	case *array.Uint16:
		return where.Vector{I32: widen[int32](a.Uint16Values())}
	case *array.Uint32:
		return where.Vector{I64: widen[int64](a.Uint32Values())}
	case *array.Float16:
		out := make([]float32, a.Len())
		for i, v := range a.Values() {
			out[i] = v.Float32()
		}
		return where.Vector{F32: out}
	case *array.Struct:
		return where.Vector{C128: complexes(a)}
	}
	return where.Vector{}
}

type number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~float32 | ~float64
}

func widen[T, S number](in []S) []T {
	out := make([]T, len(in))
	for i, v := range in {
		out[i] = T(v)
	}
	return out
}

func bools(a *array.Boolean) []byte {
	out := make([]byte, a.Len())
	for i := range out {
		if a.Value(i) {
			out[i] = 1
		}
	}
	return out
}

func complexes(a *array.Struct) []complex128 {
	re, im := doubles(a.Field(0)), doubles(a.Field(1))
	out := make([]complex128, a.Len())
	for i := range out {
		out[i] = complex(re[i], im[i])
	}
	return out
}

func doubles(a arrow.Array) []float64 {
	switch a := a.(type) {
	case *array.Float64:
		return a.Float64Values()
	case *array.Float32:
		return widen[float64](a.Float32Values())
	}
	return widen[float64](widened(a).F32)
}
