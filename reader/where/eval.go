package where

// kernel computes one vector from up to three, all of the length of d.
type kernel func(d, a, b, c *Vector)

type instruction struct {
	run        kernel
	d, a, b, c int // registers
}

// Eval is a program with the scratch vectors of one goroutine.
type Eval struct {
	p     *Program
	regs  []Vector
	width int
}

// NewEval allocates the scratch vectors: some KiB for every level of the condition.
func (p *Program) NewEval() *Eval {
	e := &Eval{p: p, regs: make([]Vector, p.columns, p.columns+len(p.consts)+len(p.temps)), width: BlockRows}
	for _, c := range p.consts {
		e.regs = append(e.regs, *c)
	}
	for _, k := range p.temps {
		e.regs = append(e.regs, newVector(k, BlockRows))
	}
	return e
}

func newVector(k Kind, n int) Vector {
	switch k {
	case Bool:
		return Vector{Bool: make([]byte, n)}
	case Int32:
		return Vector{I32: make([]int32, n)}
	case Int64:
		return Vector{I64: make([]int64, n)}
	case Float32:
		return Vector{F32: make([]float32, n)}
	case Float64:
		return Vector{F64: make([]float64, n)}
	case Uint64:
		return Vector{U64: make([]uint64, n)}
	case Complex128:
		return Vector{C128: make([]complex128, n)}
	}
	return Vector{}
}

// Eval sets out[i] to 1 for each of n rows that match and to 0 for the others. cols are the vectors of
// Program.Inputs, in that order, of at least n rows; out has at least n bytes. It allocates nothing.
func (e *Eval) Eval(cols []Vector, n int, out []byte) {
	for from := 0; from < n; from += BlockRows {
		to := min(n, from+BlockRows)
		e.resize(to - from)
		for i, k := range e.p.kinds {
			window(&e.regs[i], &cols[i], k, from, to)
		}
		for i := range e.p.code {
			in := &e.p.code[i]
			in.run(&e.regs[in.d], &e.regs[in.a], &e.regs[in.b], &e.regs[in.c])
		}
		result := e.regs[e.p.result].Bool
		if len(result) == 1 { // a constant, or one row
			fill(out[from:to], result[0])
			continue
		}
		copy(out[from:to], result)
	}
}

// resize sets the length of scratch vectors and spread constants.
func (e *Eval) resize(n int) {
	if e.width == n {
		return
	}
	e.width = n
	for i := range e.regs[e.p.columns:] {
		v := &e.regs[e.p.columns+i]
		v.Bool, v.I32, v.I64 = cut(v.Bool, n), cut(v.I32, n), cut(v.I64, n)
		v.F32, v.F64, v.U64, v.C128 = cut(v.F32, n), cut(v.F64, n), cut(v.U64, n), cut(v.C128, n)
	}
}

func cut[T any](s []T, n int) []T {
	if cap(s) < BlockRows { // a single constant
		return s
	}
	return s[:n]
}

func window(d, s *Vector, k Kind, from, to int) {
	switch k {
	case Bool:
		d.Bool = s.Bool[from:to]
	case Int32:
		d.I32 = s.I32[from:to]
	case Int64:
		d.I64 = s.I64[from:to]
	case Float32:
		d.F32 = s.F32[from:to]
	case Float64:
		d.F64 = s.F64[from:to]
	case Uint64:
		d.U64 = s.U64[from:to]
	case Complex128:
		d.C128 = s.C128[from:to]
	case Bytes:
		d.Off, d.Bytes = s.Off[from:to+1], s.Bytes
	}
}

func fill[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}
