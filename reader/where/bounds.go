package where

import (
	"bytes"
	"math"
)

// Range says how a column of every matching row compares with a constant, whose value is in the field for Kind:
// Int64 where column and constant are integers, Float64 where the comparison is one of floats, Bytes (with == only:
// numexpr orders bytes as signed characters, indexes don't). NaN, too, is above every constant: ~(x <= 2) is x > 2 here.
type Range struct {
	Column int    // index into the scope given to Compile
	Op     string // ==, <, <=, > or >=
	Kind   Kind
	Int    int64
	Float  float64
	Bytes  []byte
}

// Ranges are the comparisons of a column with a constant that the condition joins by & at its top. All of them hold
// for every match, but they need not say all that the condition does. The bytes belong to the program.
func (p *Program) Ranges() []Range { return ranges(p.root, nil, map[*node]bool{}) }

func ranges(n *node, out []Range, seen map[*node]bool) []Range {
	if seen[n] {
		return out
	}
	seen[n] = true
	if n.op == "and" && n.kind == Bool {
		return ranges(n.args[1], ranges(n.args[0], out, seen), seen)
	}
	if n.op == "or" && n.kind == Bool {
		return append(append(out, below(n.args[0], n.args[1])...), below(n.args[1], n.args[0])...)
	}
	if r, ok := sides(n); ok {
		return append(out, r)
	}
	if n.op != "invert" || n.kind != Bool {
		return out
	}
	if r, ok := sides(n.args[0]); ok && r.Op != "==" {
		r.Op = map[string]string{"<": ">=", "<=": ">", ">": "<=", ">=": "<"}[r.Op]
		if r.Kind != Float64 || r.Op == ">" || r.Op == ">=" { // else NaN matches, which is not below
			out = append(out, r)
		}
	}
	return out
}

// below are the lower bounds of the one side of an or whose other side is the question for NaN of the same column, which is above them, too.
func below(side, nan *node) (out []Range) {
	if nan.op != "ne" {
		return nil
	}
	x, y := uncast(nan.args[0]), uncast(nan.args[1])
	if !sameColumn(x, y) || x.op != "column" {
		return nil
	}
	for _, r := range ranges(side, nil, map[*node]bool{}) {
		if r.Column == x.col && (r.Op == ">" || r.Op == ">=") {
			out = append(out, r)
		}
	}
	return out
}

// sides is what a node says of a column and a constant, if that is what it compares.
func sides(n *node) (r Range, ok bool) {
	op := map[string]string{"gt": ">", "ge": ">=", "eq": "=="}[n.op]
	if op == "" {
		return r, false
	}
	left, right := uncast(n.args[0]), n.args[1]
	if n.args[0].isFixed() {
		op = map[string]string{"gt": "<", "ge": "<=", "eq": "=="}[n.op]
		left, right = uncast(n.args[1]), n.args[0]
	}
	if left.op != "column" || left.kind == Uint64 || !right.isFixed() {
		return r, false
	}
	return rangeOf(op, left, right)
}

// uncast finds a column behind casts that keep every value apart and in order: int64 to a float does not.
func uncast(n *node) *node {
	for n.op == "cast" && !(n.args[0].kind == Int64 && n.kind != Int64) && !(n.args[0].kind == Int32 && n.kind == Float32) {
		n = n.args[0]
	}
	return n
}

func rangeOf(op string, column, value *node) (Range, bool) {
	r := Range{Column: column.col, Op: op, Kind: Float64}
	d := value.data
	switch value.kind {
	case Int32:
		r.Kind, r.Int = Int64, int64(d.I32[0])
	case Int64:
		r.Kind, r.Int = Int64, d.I64[0]
	case Float32:
		r.Float = float64(d.F32[0])
	case Float64:
		r.Float = d.F64[0]
	case Bytes:
		r.Kind, r.Bytes = Bytes, bytes.TrimRight(d.Bytes, "\x00") // comparing sees none of them
		return r, op == "=="
	default:
		return r, false
	}
	return r, column.kind != Bool
}

// Bounds are what is known of a column's values in some rows, of all of a list's elements.
type Bounds struct {
	// Lo and Hi enclose all numbers but NaN, rounded outward where a value has no float64; 0 and 1 are the truth values.
	// Lo is +Inf and Hi -Inf where there is nothing but NaN.
	Lo, Hi float64
	NaN    bool // a float may be NaN besides
	// Min and Max are the first and last byte string in the order of unsigned bytes, without zeros at the end. Of them
	// only equality follows: numexpr orders by signed characters.
	Min, Max []byte
}

// May tells whether any row can match, given the bounds of columns (by index into the scope) in these rows; false of
// them where nothing is known. False is certain, true is not. Safe for concurrent use if bounds is.
func (p *Program) May(bounds func(column int) (Bounds, bool)) bool {
	b := &bounder{column: bounds, seen: map[*node]outcome{}}
	return b.truth(p.root).yes
}

// outcome is what a condition may be.
type outcome struct{ yes, no bool }

var unknown = outcome{true, true}

// turned is what not so is.
func (o outcome) turned(yes bool) outcome {
	if yes {
		return outcome{o.no, o.yes}
	}
	return o
}

// sameColumn tells whether both are the same column's value.
func sameColumn(a, b *node) bool {
	return a == b || a.op == "column" && b.op == "column" && a.col == b.col && a.kind == b.kind
}

// interval encloses the values of an expression; nan if it may be NaN.
type interval struct {
	lo, hi float64
	nan    bool
}

type bounder struct {
	column func(int) (Bounds, bool)
	seen   map[*node]outcome
}

func (b *bounder) truth(n *node) outcome {
	if o, ok := b.seen[n]; ok {
		return o
	}
	o := b.outcome(n)
	b.seen[n] = o
	return o
}

func (b *bounder) outcome(n *node) outcome {
	switch {
	case n.kind != Bool:
		return unknown
	case n.isFixed():
		return outcome{n.data.Bool[0] != 0, n.data.Bool[0] == 0}
	}
	switch n.op {
	case "column", "element":
		v, ok := b.interval(n)
		return outcome{!ok || v.hi > 0, !ok || v.lo <= 0}
	case "and":
		x, y := b.truth(n.args[0]), b.truth(n.args[1])
		return outcome{x.yes && y.yes, x.no || y.no}
	case "or":
		x, y := b.truth(n.args[0]), b.truth(n.args[1])
		return outcome{x.yes || y.yes, x.no && y.no}
	case "invert":
		x := b.truth(n.args[0])
		return outcome{x.no, x.yes}
	case "eq", "ne":
		if n.args[0].kind == Bytes {
			return b.sameBytes(n)
		}
		if x, ok := b.interval(n.args[0]); ok && sameColumn(n.args[0], n.args[1]) { // the question for NaN
			return outcome{x.nan, x.lo <= x.hi}.turned(n.op == "eq")
		}
		fallthrough
	case "gt", "ge":
		x, okX := b.interval(n.args[0])
		y, okY := b.interval(n.args[1])
		if okX && okY {
			return compared(n.op, x, y)
		}
	}
	return unknown
}

// compared never lets a comparison with NaN be true, but for !=.
func compared(op string, x, y interval) outcome {
	nan := x.nan || y.nan
	single := x.lo == x.hi && y.lo == y.hi && x.lo == y.lo
	apart := x.hi < y.lo || y.hi < x.lo
	switch op {
	case "gt":
		return outcome{x.hi > y.lo, nan || x.lo <= y.hi}
	case "ge":
		return outcome{x.hi >= y.lo, nan || x.lo < y.hi}
	case "eq":
		return outcome{!apart, nan || !single}
	}
	return outcome{nan || !single, !apart}
}

// sameBytes is == or != of a column of byte strings and a constant.
func (b *bounder) sameBytes(n *node) outcome {
	column, value := n.args[0], n.args[1]
	if column.isFixed() {
		column, value = value, column
	}
	if !isValue(column) || !value.isFixed() {
		return unknown
	}
	v, ok := b.column(column.col)
	if !ok {
		return unknown
	}
	x := trimmed(value.data.Bytes)
	lo, hi := bytes.Compare(v.Min, x), bytes.Compare(v.Max, x)
	out := outcome{lo <= 0 && hi >= 0, lo != 0 || hi != 0}
	if n.op == "ne" {
		out.yes, out.no = out.no, out.yes
	}
	return out
}

// interval knows constants, columns, and casts and signs of them.
func (b *bounder) interval(n *node) (interval, bool) {
	if n.isFixed() {
		return constantInterval(n)
	}
	switch n.op {
	case "column", "element":
		v, ok := b.column(n.col)
		if n.kind > Float64 && n.kind != Uint64 || !ok || v.Lo != v.Lo || v.Hi != v.Hi {
			return interval{}, false
		}
		return interval{v.Lo, v.Hi, (n.kind == Float32 || n.kind == Float64) && v.NaN}, true
	case "cast":
		v, ok := b.interval(n.args[0])
		if n.kind == Float32 { // rounding keeps the order
			v.lo, v.hi = float64(float32(v.lo)), float64(float32(v.hi))
		}
		return v, ok && n.kind <= Float64
	case "micros": // keeps the order
		v, ok := b.interval(n.args[0])
		return interval{math.Round(v.lo * 1e6), math.Round(v.hi * 1e6), false}, ok
	case "neg":
		v, ok := b.interval(n.args[0])
		return interval{-v.hi, -v.lo, v.nan}, ok && n.kind >= Float32 && n.kind <= Float64
	}
	return interval{}, false
}

func constantInterval(n *node) (interval, bool) {
	switch n.kind {
	case Bool:
		v := float64(n.data.Bool[0])
		return interval{v, v, false}, true
	case Int32:
		v := float64(n.data.I32[0])
		return interval{v, v, false}, true
	case Int64:
		return aroundInt64(n.data.I64[0]), true
	case Uint64:
		return aroundUint64(n.data.U64[0]), true
	case Float32:
		return around(float64(n.data.F32[0])), true
	case Float64:
		return around(n.data.F64[0]), true
	}
	return interval{}, false
}

func around(v float64) interval {
	if v != v {
		return interval{math.Inf(1), math.Inf(-1), true} // nothing but NaN
	}
	return interval{v, v, false}
}

func aroundUint64(i uint64) interval {
	v := float64(i)
	if i < 1<<53 {
		return interval{v, v, false}
	}
	return interval{math.Nextafter(v, math.Inf(-1)), math.Nextafter(v, math.Inf(1)), false}
}

// isValue tells a column, or an element of one, whose bounds are among those of all of its elements.
func isValue(n *node) bool { return n.op == "column" || n.op == "element" }

// aroundInt64 rounds outward beyond 2**53.
func aroundInt64(i int64) interval {
	v := float64(i)
	if i > -1<<53 && i < 1<<53 {
		return interval{v, v, false}
	}
	return interval{math.Nextafter(v, math.Inf(-1)), math.Nextafter(v, math.Inf(1)), false}
}
