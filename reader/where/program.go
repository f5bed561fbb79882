package where

import (
	"github.com/mtflight/mtflight/internal/fault"
)

// BlockRows is the number of rows that are evaluated at a time; intermediate results of a block stay in the cache.
const BlockRows = 1024

// Column is a name that a condition may use. Why says, for kind None, why it can't.
type Column struct {
	Name string
	Kind Kind
	Why  string
}

// Vector is the values of one column, in the field of its kind. Bool has one byte per row, 0 or 1. Cells of Bytes are
// Bytes[Off[i]:Off[i+1]], with or without trailing zeros.
type Vector struct {
	Bool  []byte
	I32   []int32
	I64   []int64
	F32   []float32
	F64   []float64
	C128  []complex128
	Off   []int32
	Bytes []byte
}

// Program is a compiled condition. It is immutable: goroutines may share it, each with its own Eval.
type Program struct {
	root    *node
	scope   []int // its columns: indexes into the scope given to Compile
	kinds   []Kind
	code    []instruction
	consts  []*Vector
	temps   []Kind // registers behind columns and constants
	result  int
	columns int
}

// Columns are the columns that the condition reads, as indexes into the scope given to Compile, each once.
// Only these need decoding; none for a condition of constants.
func (p *Program) Columns() []int { return p.scope }

// Compile checks a condition over the columns in scope and the variables (int64, int, float64, bool or string, by
// name; they hide columns). Errors are fault.Invalid, with line and column.
func Compile(text string, scope []Column, vars map[string]any) (*Program, error) {
	src := &source{text: text, names: scopeNames(scope, vars)}
	e, err := parse(src, scope)
	if err != nil {
		return nil, err
	}
	variables, err := variableNodes(vars)
	if err != nil {
		return nil, err
	}
	root, err := check(src, e, scope, variables)
	if err != nil {
		return nil, err
	}
	return assemble(src, root)
}

func check(src *source, e *expr, scope []Column, vars map[string]*node) (*node, error) {
	if _, err := (&checker{src: src, columns: scope, vars: vars, first: true}).build(e); err != nil {
		return nil, err
	}
	e.forget()
	n, err := (&checker{src: src, columns: scope, vars: vars}).build(e)
	if err != nil {
		return nil, err
	}
	root, err := resolve(src, n)
	if err == nil && root.kind != Bool {
		err = src.fail(e.at, "the result is %s, not a truth value: compare it", root.kind)
	}
	return root, err
}

// variableNodes gives variables the kinds of NumPy's arrays of them: integers are int64.
func variableNodes(vars map[string]any) (map[string]*node, error) {
	out := map[string]*node{}
	for name, v := range vars {
		n := &node{op: "variable", data: &Vector{}}
		switch v := v.(type) {
		case bool:
			n.kind, n.data.Bool = Bool, []byte{0}
			if v {
				n.data.Bool[0] = 1
			}
		case int64:
			n.kind, n.data.I64 = Int64, []int64{v}
		case int:
			n.kind, n.data.I64 = Int64, []int64{int64(v)}
		case float64:
			n.kind, n.data.F64 = Float64, []float64{v}
		case string:
			n.kind, n.data.Bytes = Bytes, []byte(v)
			if v == "" {
				n.data.Bytes = []byte{0} // as NumPy holds it
			}
		default:
			return nil, fault.New(fault.Invalid, "condition: variable %s is no integer of 64 bits, number, string or truth value", clip(name))
		}
		out[name] = n
	}
	return out, nil
}
