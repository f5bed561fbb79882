package where

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// boolKernel combines truth values, eight at a time.
func boolKernel(op string) kernel {
	switch op {
	case "and":
		return two(bools, bools, func(a, b, out []byte) {
			for i := range wholeWords(a, b, out) {
				word.PutUint64(out[8*i:], word.Uint64(a[8*i:])&word.Uint64(b[8*i:]))
			}
			for i := len(out) &^ 7; i < len(out); i++ {
				out[i] = a[i] & b[i]
			}
		})
	case "or":
		return two(bools, bools, func(a, b, out []byte) {
			for i := range wholeWords(a, b, out) {
				word.PutUint64(out[8*i:], word.Uint64(a[8*i:])|word.Uint64(b[8*i:]))
			}
			for i := len(out) &^ 7; i < len(out); i++ {
				out[i] = a[i] | b[i]
			}
		})
	case "xor":
		return two(bools, bools, func(a, b, out []byte) {
			for i := range out {
				out[i] = a[i] ^ b[i]
			}
		})
	}
	return one(bools, bools, func(a, out []byte) { // invert
		for i := range wholeWords(a, a, out) {
			word.PutUint64(out[8*i:], word.Uint64(a[8*i:])^0x0101010101010101)
		}
		for i := len(out) &^ 7; i < len(out); i++ {
			out[i] = a[i] ^ 1
		}
	})
}

var word = binary.LittleEndian

func wholeWords(a, b, out []byte) int { return min(len(a), len(b), len(out)) / 8 }

func integerKernel[T int32 | int64](op string, f field[T], pow func(a, b T) T) kernel {
	if k := arithmetic(op, f); k != nil {
		return k
	}
	switch op {
	case "mul":
		return two(f, f, multiply[T])
	case "and":
		return two(f, f, each2(func(a, b T) T { return a & b }))
	case "or":
		return two(f, f, each2(func(a, b T) T { return a | b }))
	case "xor":
		return two(f, f, each2(func(a, b T) T { return a ^ b }))
	case "invert":
		return one(f, f, each(func(a T) T { return ^a }))
	case "lshift":
		return two(f, f, each2(shiftLeft[T]))
	case "rshift":
		return two(f, f, each2(shiftRight[T]))
	case "mod":
		return two(f, f, each2(modulo[T]))
	case "floordiv":
		return two(f, f, each2(floorDiv[T]))
	}
	return two(f, f, each2(pow))
}

func width[T int32 | int64]() uint64 {
	if T(math.MaxInt32)+1 < 0 {
		return 32
	}
	return 64
}

// shiftLeft gives 0 for a count outside the type's bits.
func shiftLeft[T int32 | int64](a, b T) T {
	if uint64(b) >= width[T]() {
		return 0
	}
	return a << uint64(b)
}

func shiftRight[T int32 | int64](a, b T) T {
	return a >> min(uint64(b), width[T]()-1)
}

// modulo has the divisor's sign, and is 0 for a divisor of 0.
func modulo[T int32 | int64](a, b T) T {
	if b == 0 {
		return 0
	}
	return (a%b + b) % b
}

// floorDiv rounds down, and is 0 for a divisor of 0.
func floorDiv[T int32 | int64](a, b T) T {
	if b == 0 {
		return 0
	}
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// powInt32 is what C's conversion of pow to an int gives: the least integer where it doesn't fit.
func powInt32(a, b int32) int32 {
	p := powInt64(int64(a), int64(b))
	if int64(int32(p)) != p {
		return math.MinInt32
	}
	return int32(p)
}

func powInt64(a, b int64) int64 {
	switch {
	case b < 0 && (a == 1 || a == -1):
		return a // 1 / a in C's integers, whatever the power
	case b < 0:
		return 0
	case a == 0 || a == 1:
		if b == 0 {
			return 1
		}
		return a
	case a == -1:
		return 1 - 2*(b&1)
	case b >= 64:
		return math.MinInt64
	}
	negative := a < 0 && b&1 == 1
	base, result := magnitude(a), uint64(1)
	for range b {
		hi, lo := bits.Mul64(result, base)
		if hi != 0 || lo > math.MaxInt64 {
			return math.MinInt64
		}
		result = lo
	}
	if negative {
		return -int64(result)
	}
	return int64(result)
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}
