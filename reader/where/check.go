package where

import (
	"errors"
	"math"
	"math/big"
	"slices"
)

// node is an expression as numexpr builds it, before and after its operand types are chosen. Nodes may be shared.
type node struct {
	op    string // an operation of types.go, or "const", "variable", "column", "element", "missing"
	kind  Kind
	args  []*node
	val   constant // of a constant
	raw   bool     // Python's own constant, which no numexpr operator has touched yet
	col   int      // of a column: index into the scope
	item  int      // of an element
	info  *Column  // of a column or element, and of the test for its names
	nulls []*node  // truth values: under any of them the value is null
	bare  bool     // & or | beside a comparison, without parentheses
	at    span
	typed *node   // what resolve made of it
	data  *Vector // of a constant after resolve: its one value
}

func (n *node) isConstant() bool { return n.op == "const" }

var errNegativePower = errors.New("integers to negative integer powers are not allowed: write a float, x ** -1.0")

// functions that can be called, with the number of their arguments.
var functions = map[string]int{
	"where": 3, "sin": 1, "cos": 1, "tan": 1, "arcsin": 1, "arccos": 1, "arctan": 1, "arctan2": 2, "sinh": 1, "cosh": 1,
	"tanh": 1, "log": 1, "log1p": 1, "log10": 1, "exp": 1, "expm1": 1, "sqrt": 1, "abs": 1, "ceil": 1, "floor": 1,
	"real": 1, "imag": 1, "complex": 2, "contains": 2, "startswith": 2, "endswith": 2, "is_null": 1,
}

func functionNames() []string {
	out := make([]string, 0, len(functions))
	for name := range functions {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// opNames are numexpr's names of operators.
var opNames = map[string]string{
	"+": "add", "-": "sub", "*": "mul", "/": "div", "//": "floordiv", "%": "mod", "**": "pow", "<<": "lshift",
	">>": "rshift", "&": "and", "|": "or", "^": "xor", ">": "gt", ">=": "ge", "==": "eq", "!=": "ne",
}

// checker builds nodes from a parsed condition by numexpr's rules.
type checker struct {
	src     *source
	columns []Column
	vars    map[string]*node
	// numexpr builds every expression twice, first with all names taken for float64 to find them. Its optimizations
	// already run then, so that x / 0.0 is refused for a column of any type.
	first bool
}

func (c *checker) build(e *expr) (*node, error) {
	if e.built != nil {
		return e.built, nil
	}
	args := make([]*node, len(e.args))
	for i, a := range e.args {
		var err error
		if args[i], err = c.build(a); err != nil {
			return nil, err
		}
	}
	n, err := c.apply(e, args)
	if err != nil {
		return nil, err
	}
	e.built = n
	return n, nil
}

func (e *expr) forget() { // what an earlier checker built
	if e.built != nil {
		e.built = nil
		for _, a := range e.args {
			a.forget()
		}
	}
}

func (c *checker) apply(e *expr, args []*node) (*node, error) {
	var n *node
	var err error
	switch {
	case e.op == "const":
		return &node{op: "const", kind: e.val.kind(), val: e.val, raw: true, at: e.at}, nil
	case e.op == "name":
		return c.name(e)
	case e.op == "element":
		return c.element(e)
	case e.op == "call" && e.name == "is_null":
		n, err = isNull(args[0], e.at)
	case e.op == "call":
		n, err = c.call(e.name, args, e.at)
	case len(args) == 1:
		n, err = unaryNode(e.op, args[0], e.at)
	default:
		n, err = binaryNode(e.op, args[0], args[1], e.at)
	}
	var part *spanned
	switch {
	case errors.As(err, &part):
		return nil, c.src.fail(part.at, "%s", part.why)
	case err != nil && e.bare:
		return nil, c.src.fail(e.at, "%s", bindsTighter(e.op))
	case err != nil:
		return nil, c.src.fail(e.at, "%s: %v%s", title(e), err, quotedName(c.src, args))
	}
	handOn(n, args)
	n.bare = n.bare || e.bare
	return n, nil
}

func bindsTighter(op string) string {
	return op + " binds tighter than comparisons: put each in parentheses, (a > 1) " + op + " (b < 2)"
}

func title(e *expr) string {
	switch {
	case e.op == "call":
		return e.name
	case e.op == "neg":
		return "-"
	case e.op == "pos":
		return "+"
	}
	return e.op
}

func unaryNode(op string, a *node, at span) (*node, error) {
	if a.isConstant() && (a.raw || op != "pos") {
		v, err := a.val.unary(op)
		return &node{op: "const", kind: v.kind(), val: v, raw: a.raw, at: at}, err
	}
	switch op {
	case "neg":
		return operation("neg", at, a)
	case "~":
		return operation("invert", at, a)
	}
	return a, nil
}

func binaryNode(op string, a, b *node, at span) (*node, error) {
	if a.raw && b.raw {
		return folded(op, a, b, at)
	}
	if a.raw && (op == "&" || op == "|" || op == "^" || op == "//") {
		return nil, errors.New("a constant can't stand on the left of an expression: swap the operands")
	}
	switch {
	case op == "/":
		return divide(a, b, at)
	case op == "**" && !a.raw && !isUnsigned(a, b):
		return raise(a, b, at)
	case a.isConstant() && b.isConstant():
		return folded(op, a, b, at)
	case isComparison(op):
		return comparison(op, a, b, at)
	case isUnsigned(a, b):
		return unsignedOperation(op, a, b, at)
	}
	return operation(opNames[op], at, a, b)
}

func folded(op string, a, b *node, at span) (*node, error) {
	v, err := operate(op, a.val, b.val)
	return &node{op: "const", kind: v.kind(), val: v, raw: a.raw && b.raw, at: at}, err
}

// operation makes a node of its operands' common kind. + and * of truth values are | and &.
func operation(op string, at span, args ...*node) (*node, error) {
	kind, err := commonKind(args)
	return operationOf(op, kind, at, args...), err
}

func operationOf(op string, kind Kind, at span, args ...*node) *node {
	if kind == Bool && op == "mul" {
		op = "and"
	}
	if kind == Bool && op == "add" {
		op = "or"
	}
	return &node{op: op, kind: kind, args: args, at: at}
}

func commonKind(args []*node) (Kind, error) {
	kind, texts := None, 0
	for _, a := range args {
		kind = max(kind, a.kind)
		if a.kind == Bytes {
			texts++
		}
	}
	if isUnsigned(args...) {
		return kind, errUnsigned
	}
	if texts > 0 && texts < len(args) {
		return kind, errors.New("bytes go with bytes only")
	}
	return kind, nil
}

// divide is true division. By a constant of the same kind numexpr multiplies with its reciprocal.
func divide(a, b *node, at span) (*node, error) {
	if b.isConstant() && a.kind == b.kind && (a.kind == Float64 || a.kind == Complex128) {
		inverse, err := operate("/", constant{v: 1.0}, b.val)
		if err != nil {
			return nil, err
		}
		return operation("mul", at, a, constantNode(inverse, at))
	}
	kind, err := commonKind([]*node{a, b})
	if kind <= Int64 {
		kind = Float64
	}
	return operationOf("div", kind, at, a, b), err
}

func constantNode(v constant, at span) *node {
	return &node{op: "const", kind: v.kind(), val: v, at: at}
}

// raise multiplies a constant whole or half power between -50 and 50 out.
func raise(a, b *node, at span) (*node, error) {
	if !b.isConstant() {
		return operation("pow", at, a, b)
	}
	whole := func(k Kind) bool { return k == Int32 || k == Int64 }
	if whole(a.kind) && whole(b.kind) && b.val.integer().Sign() < 0 {
		return nil, errNegativePower
	}
	if b.kind > Float64 {
		return nil, errors.New("a constant power must be a real number")
	}
	x, err := b.val.float()
	switch {
	case b.kind == Float64 && (math.IsNaN(x) || math.IsInf(x, 0)):
		return nil, errors.New("a constant power must be finite")
	case err != nil || math.Abs(x) > 50 || 2*x != math.Trunc(2*x):
		return operation("pow", at, a, b)
	}
	return multiplyOut(a, x, at)
}

func multiplyOut(a *node, x float64, at span) (r *node, err error) {
	times := func(x, y *node) (*node, error) {
		if x == nil {
			return y, nil
		}
		return operation("mul", at, x, y)
	}
	n := int(math.Abs(x))
	for p, mask := a, 1; err == nil; {
		if n&mask != 0 {
			if r, err = times(r, p); err != nil {
				break
			}
		}
		if mask <<= 1; mask > n {
			break
		}
		p, err = operation("mul", at, p, p)
	}
	if err == nil && math.Mod(2*math.Abs(x), 2) != 0 {
		kind := a.kind
		if kind == Int32 || kind == Int64 {
			kind = Float64
		}
		r, err = times(r, operationOf("sqrt", kind, at, a))
	}
	if err == nil && r == nil {
		r, err = operation("ones_like", at, a)
	}
	if err == nil && x < 0 {
		return divide(constantNode(constant{v: big.NewInt(1)}, at), r, at)
	}
	return r, err
}

// call makes a function's node. numexpr gives integers to it as float64; the others keep their kind within bounds.
func (c *checker) call(name string, args []*node, at span) (*node, error) {
	switch {
	case name == "where":
		n, err := whereNode(args, at)
		if err == nil {
			chosenNulls(n)
		}
		return n, err
	case name == "contains" || name == "startswith" || name == "endswith":
		return guarded(logic(name, at, args...), false, args...), nil
	}
	if !slices.ContainsFunc(args, func(a *node) bool { return !a.isConstant() }) {
		vals := make([]constant, len(args))
		for i, a := range args {
			vals[i] = a.val
		}
		v, err := call(name, vals)
		return constantNode(v, at), err
	}
	kind, err := commonKind(args)
	if err == nil && kind == Bytes {
		err = errors.New("takes numbers, not bytes")
	}
	if err != nil {
		return nil, err
	}
	return operationOf(name, functionKind(name, kind), at, args...), nil
}

func functionKind(name string, kind Kind) Kind {
	switch {
	case kind == Int32 || kind == Int64:
		kind = Float64
	case name == "real" || name == "imag":
		return Float64
	case name == "complex":
		return Complex128
	case name == "ceil" || name == "floor":
		kind = min(kind, Float64)
	}
	return max(kind, Float32)
}

func whereNode(args []*node, at span) (*node, error) {
	if !args[0].isConstant() {
		return operation("where", at, args...)
	}
	chosen := args[2]
	if args[0].val.truth() {
		chosen = args[1]
	}
	if chosen.raw {
		return constantNode(chosen.val, at), nil
	}
	return chosen, nil
}
