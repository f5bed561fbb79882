package where

import (
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
)

// BlockRows is the number of rows that are evaluated at a time; intermediate results of a block stay in the cache.
const BlockRows = 1024

// Vector is the values of one column, in the field of its kind. Bool has one byte per row, 0 or 1. Cells of Bytes are
// Bytes[Off[i]:Off[i+1]], with or without trailing zeros.
type Vector struct {
	Bool  []byte
	I32   []int32
	I64   []int64
	F32   []float32
	F64   []float64
	U64   []uint64
	C128  []complex128
	Off   []int32
	Bytes []byte
}

// Window is some of the rows, which it shares with the vector.
func (v Vector) Window(from, to int) Vector {
	out := Vector{Bool: rows(v.Bool, from, to), I32: rows(v.I32, from, to), I64: rows(v.I64, from, to), U64: rows(v.U64, from, to),
		F32: rows(v.F32, from, to), F64: rows(v.F64, from, to), C128: rows(v.C128, from, to), Bytes: v.Bytes}
	if v.Off != nil {
		out.Off = v.Off[from : to+1]
	}
	return out
}

func rows[T any](s []T, from, to int) []T {
	if s == nil {
		return nil
	}
	return s[from:to]
}

// Program is a compiled condition. It is immutable: goroutines may share it, each with its own Eval.
type Program struct {
	root    *node
	inputs  []Input // vectors that Eval takes
	kinds   []Kind
	code    []instruction
	consts  []*Vector
	temps   []Kind // registers behind columns and constants
	result  int
	columns int
}

// Inputs are the vectors that the condition reads, each once; none for a condition of constants.
func (p *Program) Inputs() []Input { return p.inputs }

// Columns are the columns of Inputs, each once: only these need decoding.
func (p *Program) Columns() (out []int) {
	for _, in := range p.inputs {
		if !slices.Contains(out, in.Column) {
			out = append(out, in.Column)
		}
	}
	return out
}

// Compile checks a condition over the columns in scope and the variables (int64, int, uint64, float64, bool or string, by
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
		case uint64:
			n.kind, n.data.U64 = Uint64, []uint64{v}
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
