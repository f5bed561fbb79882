package where

import (
	"errors"
	"math"
	"math/big"
)

// numexpr has no 64-bit unsigned integers. Here they compare exactly with all numbers, and take part in the integer
// operations whose result never leaves 64 bits.

func u64s(v *Vector) []uint64 { return v.U64 }

var errUnsigned = errors.New("64-bit unsigned integers take part in comparisons, and with others that are not negative in & | ^ // % >>: compare the column itself")

func isUnsigned(nodes ...*node) bool {
	for _, n := range nodes {
		if n.kind == Uint64 {
			return true
		}
	}
	return false
}

// wholeValue is the value of a constant or variable that is an integer.
func (n *node) wholeValue() (*big.Int, bool) {
	switch {
	case n.isConstant() && (n.kind == Int32 || n.kind == Int64):
		return n.val.integer(), true
	case n.op == "variable" && n.kind == Int64:
		return big.NewInt(n.data.I64[0]), true
	}
	return nil, false
}

func unsignedConstant(v uint64, at span) *node {
	return &node{op: "variable", kind: Uint64, data: &Vector{U64: []uint64{v}}, at: at}
}

// unsignedComparison compares where a or b is unsigned. An integer that no such value can be decides it.
func unsignedComparison(op string, a, b *node, at span) (*node, error) {
	if a.kind == Bool || b.kind == Bool {
		return nil, errUnsigned
	}
	for i, n := range []*node{a, b} {
		v, ok := n.wholeValue()
		switch {
		case !ok:
		case v.IsUint64() && i == 0:
			a = unsignedConstant(v.Uint64(), n.at)
		case v.IsUint64():
			b = unsignedConstant(v.Uint64(), n.at)
		default: // 0 stands for all of them
			side := map[bool]int{true: v.Sign(), false: -v.Sign()}[i == 0]
			return truthNode(holds(op, side), at), nil
		}
	}
	return compareNode(op, a, b, at), nil
}

// unsignedOperation is an operation of 64-bit unsigned integers.
func unsignedOperation(op string, a, b *node, at span) (*node, error) {
	switch op {
	case "&", "|", "^", "//", "%", ">>":
	default:
		return nil, errUnsigned
	}
	args := []*node{a, b}
	for i, n := range args {
		if v, ok := n.wholeValue(); ok && v.IsUint64() {
			args[i] = unsignedConstant(v.Uint64(), n.at)
		} else if n.kind != Uint64 {
			return nil, errUnsigned
		}
	}
	return operationOf(opNames[op], Uint64, at, args...), nil
}

func unsignedKernel(op string) kernel {
	loops := map[string]func(a, b uint64) uint64{
		"and": func(a, b uint64) uint64 { return a & b }, "or": func(a, b uint64) uint64 { return a | b },
		"xor": func(a, b uint64) uint64 { return a ^ b }, "rshift": func(a, b uint64) uint64 { return a >> b },
		"floordiv": func(a, b uint64) uint64 {
			if b == 0 {
				return 0
			}
			return a / b
		},
		"mod": func(a, b uint64) uint64 {
			if b == 0 {
				return 0
			}
			return a % b
		},
	}
	return two(u64s, u64s, each2(loops[op]))
}

// compareUnsignedKernel compares where either the left or the right is unsigned, without rounding.
func compareUnsignedKernel(op string, left, right Kind) kernel {
	switch {
	case left == Uint64 && right == Int64:
		return mixed(op, u64s, i64s, compareSigned)
	case left == Uint64:
		return mixed(op, u64s, f64s, compareFloat)
	case left == Int64:
		return mixed(op, i64s, u64s, func(a int64, b uint64) int { return -compareSigned(b, a) })
	}
	return mixed(op, f64s, u64s, func(a float64, b uint64) int {
		if c := compareFloat(b, a); c != unordered {
			return -c
		}
		return unordered
	})
}

const unordered = 2 // of a comparison with NaN

// mixed compares values of two types; a constant has one value.
func mixed[A, B any](op string, f field[A], g field[B], compare func(A, B) int) kernel {
	var holds [4]byte // by -1, 0, 1, unordered
	for i := range holds {
		c := i - 1
		holds[i] = truth(map[string]bool{"gt": c == 1, "ge": c == 0 || c == 1, "eq": c == 0, "ne": c != 0}[op])
	}
	return func(d, x, y, _ *Vector) {
		a, b, out := f(x), g(y), d.Bool
		for i := range out {
			out[i] = holds[compare(a[min(i, len(a)-1)], b[min(i, len(b)-1)])+1]
		}
	}
}

func compareOrdered[T uint64 | int64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func compareSigned(a uint64, b int64) int {
	if b < 0 {
		return 1
	}
	return compareOrdered(a, uint64(b))
}

func compareFloat(a uint64, b float64) int {
	switch {
	case b != b:
		return unordered
	case b < 0:
		return 1
	case b >= 1<<64:
		return -1
	}
	whole := math.Floor(b)
	if c := compareOrdered(a, uint64(whole)); c != 0 || whole == b {
		return c
	}
	return -1
}
