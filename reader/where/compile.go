package where

// maxSpread bounds the constants that arithmetic needs as whole vectors, maxElements those of lists' elements.
const (
	maxSpread   = 250
	maxElements = 250
)

// assembler turns resolved nodes into instructions over registers: columns first, then constants, then temporaries,
// which are used again as soon as their last reader has run.
type assembler struct {
	src   *source
	p     *Program
	folds map[*node]*node
	uses  map[*node]int
	reg   map[*node]int
	cols  map[input]int // register
	wide  int           // constants spread over a vector
	free  [Uint64 + 1][]int
	fixed []*node
}

func assemble(src *source, root *node) (*Program, error) {
	a := &assembler{src: src, p: &Program{}, folds: map[*node]*node{}, uses: map[*node]int{},
		reg: map[*node]int{}, cols: map[input]int{}}
	root = a.fold(root)
	a.p.root = root
	a.survey(root)
	if a.wide > maxSpread {
		return nil, src.fail(root.at, "over %d constants in arithmetic: shorten the condition", maxSpread)
	}
	if elements := countElements(a.cols); elements > maxElements {
		return nil, src.fail(root.at, "over %d elements of lists: shorten the condition", maxElements)
	}
	a.p.columns = len(a.p.inputs)
	for i, n := range a.fixed {
		a.reg[n] = a.p.columns + i
		a.p.consts = append(a.p.consts, n.data)
	}
	a.p.result = a.emit(root)
	return a.p, nil
}

// input is what tells one vector of the caller's from another.
type input struct {
	op        string
	col, item int
}

// input is that of a node which the caller fills.
func (n *node) input() (input, bool) {
	return input{n.op, n.col, n.item}, n.op == "column" || n.op == "element" || n.op == "missing"
}

func countElements(cols map[input]int) (n int) {
	for in := range cols {
		n += int(truth(in.op != "column"))
	}
	return n
}

func (n *node) isFixed() bool { return n.data != nil }

// fold computes what depends on no column, and drops truth values that decide nothing or everything.
func (a *assembler) fold(n *node) *node {
	if _, given := n.input(); given || n.isFixed() {
		return n
	}
	if f, ok := a.folds[n]; ok {
		return f
	}
	out := *n
	out.args = make([]*node, len(n.args))
	all := true
	for i, arg := range n.args {
		out.args[i] = a.fold(arg)
		all = all && out.args[i].isFixed()
	}
	f := &out
	if all {
		f = computed(f)
	} else if n.kind == Bool && (n.op == "and" || n.op == "or") {
		f = decided(f)
	}
	a.folds[n] = f
	return f
}

func computed(n *node) *node {
	var args [3]*Vector
	for i, arg := range n.args {
		args[i] = arg.data
	}
	out := newVector(n.kind, 1)
	kernelFor(n)(&out, args[0], args[1], args[2])
	return &node{op: "variable", kind: n.kind, data: &out, at: n.at}
}

// decided simplifies x & True, x & False, x | True and x | False.
func decided(n *node) *node {
	for i, arg := range n.args {
		if !arg.isFixed() {
			continue
		}
		if (arg.data.Bool[0] != 0) == (n.op == "and") {
			return n.args[1-i]
		}
		return arg
	}
	return n
}

// survey counts the readers of every node and finds columns and constants.
func (a *assembler) survey(n *node) {
	if a.uses[n]++; a.uses[n] > 1 {
		return
	}
	if n.isFixed() {
		a.fixed = append(a.fixed, n)
		return
	}
	if in, given := n.input(); given {
		if _, ok := a.cols[in]; !ok {
			a.cols[in] = len(a.p.inputs)
			a.p.inputs = append(a.p.inputs, Input{n.col, n.item, n.op == "missing"})
			a.p.kinds = append(a.p.kinds, n.kind)
		}
		return
	}
	for i, arg := range n.args {
		if arg.isFixed() && arg.kind != Bytes && !isCompared(n) {
			if a.wide++; a.wide <= maxSpread {
				n.args[i] = spread(arg)
			}
		}
		a.survey(n.args[i])
	}
}

func isCompared(n *node) bool { return n.op == "gt" || n.op == "ge" || n.op == "eq" || n.op == "ne" }

// spread repeats a constant over a block.
func spread(n *node) *node {
	v := newVector(n.kind, BlockRows)
	for i := range BlockRows {
		switch n.kind {
		case Bool:
			v.Bool[i] = n.data.Bool[0]
		case Int32:
			v.I32[i] = n.data.I32[0]
		case Int64:
			v.I64[i] = n.data.I64[0]
		case Float32:
			v.F32[i] = n.data.F32[0]
		case Float64:
			v.F64[i] = n.data.F64[0]
		case Uint64:
			v.U64[i] = n.data.U64[0]
		case Complex128:
			v.C128[i] = n.data.C128[0]
		}
	}
	out := *n
	out.data = &v
	return &out
}

// emit writes the instructions of a node and returns its register.
func (a *assembler) emit(n *node) int {
	if r, ok := a.reg[n]; ok {
		return r
	}
	if in, given := n.input(); given {
		return a.cols[in]
	}
	in := instruction{run: kernelFor(n)}
	regs := [3]*int{&in.a, &in.b, &in.c}
	for i, arg := range n.args {
		*regs[i] = a.emit(arg)
	}
	for _, arg := range n.args {
		a.release(arg)
	}
	in.d = a.take(n.kind)
	a.reg[n] = in.d
	a.p.code = append(a.p.code, in)
	return in.d
}

func (a *assembler) take(k Kind) int {
	if free := a.free[k]; len(free) > 0 {
		a.free[k] = free[:len(free)-1]
		return free[len(free)-1]
	}
	a.p.temps = append(a.p.temps, k)
	return a.p.columns + len(a.p.consts) + len(a.p.temps) - 1
}

func (a *assembler) release(n *node) {
	if _, given := n.input(); given || n.isFixed() {
		return
	}
	if a.uses[n]--; a.uses[n] == 0 {
		a.free[n.kind] = append(a.free[n.kind], a.reg[n])
	}
}
