package where

import (
	"bytes"
	"cmp"
	"errors"
	"math"
	"math/big"
)

// constant is a value of Python's: bool, *big.Int, float64, complex128 or string (of bytes). Operators on constants
// alone are Python's, before any column is looked at: 7 // 2, 1 < 2, 1 / 0. A function's result is a NumPy scalar,
// which wraps and divides by zero where Python refuses.
type constant struct {
	v     any
	numpy bool
}

const maxBits = 4096 // of an integer constant

var (
	errOperands = errors.New("unsupported operands")
	errZero     = errors.New("division by zero")
	errTooLarge = errors.New("the constant is too large")
)

func (c constant) kind() Kind {
	switch v := c.v.(type) {
	case bool:
		return Bool
	case *big.Int:
		if !c.numpy && v.IsInt64() && int64(int32(v.Int64())) == v.Int64() {
			return Int32
		}
		return Int64
	case float64:
		return Float64
	case complex128:
		return Complex128
	}
	return Bytes
}

func (c constant) truth() bool {
	switch v := c.v.(type) {
	case bool:
		return v
	case *big.Int:
		return v.Sign() != 0
	case float64:
		return v != 0
	case complex128:
		return v != 0
	}
	return c.v.(string) != ""
}

func (c constant) isNumber() bool { return c.kind() != Bytes }

// integer is the value of a bool or integer.
func (c constant) integer() *big.Int {
	switch v := c.v.(type) {
	case *big.Int:
		return v
	case bool:
		if v {
			return big.NewInt(1)
		}
	}
	return new(big.Int)
}

// float is the value as a float64, rounded once; an integer beyond its range is an error.
func (c constant) float() (float64, error) {
	if f, ok := c.v.(float64); ok {
		return f, nil
	}
	f, _ := new(big.Float).SetInt(c.integer()).Float64()
	if math.IsInf(f, 0) {
		return 0, errTooLarge
	}
	return f, nil
}

func (c constant) complex() (complex128, error) {
	if v, ok := c.v.(complex128); ok {
		return v, nil
	}
	f, err := c.float()
	return complex(f, 0), err
}

// sign, positive and inversion of a constant.
func (c constant) unary(op string) (constant, error) {
	if b, ok := c.v.(bool); ok && c.numpy {
		if op == "~" {
			return constant{!b, true}, nil
		}
		return c, errOperands
	}
	switch v := c.v.(type) {
	case bool, *big.Int:
		i := c.integer()
		switch op {
		case "neg":
			i = new(big.Int).Neg(i)
		case "~":
			i = new(big.Int).Not(i)
		}
		return wrapped(i, c.numpy)
	case float64:
		switch op {
		case "neg":
			return constant{-v, c.numpy}, nil
		case "pos":
			return c, nil
		}
	case complex128:
		switch op {
		case "neg":
			return constant{-v, c.numpy}, nil
		case "pos":
			return c, nil
		}
	}
	return c, errOperands
}

// wrapped makes an integer constant: NumPy's are of 64 bits.
func wrapped(i *big.Int, numpy bool) (constant, error) {
	if numpy && !i.IsInt64() {
		low := new(big.Int).And(i, new(big.Int).SetUint64(math.MaxUint64))
		i = big.NewInt(int64(low.Uint64()))
	}
	if i.BitLen() > maxBits {
		return constant{}, errTooLarge
	}
	return constant{i, numpy}, nil
}

// operate applies a binary operator to two constants.
func operate(op string, a, b constant) (constant, error) {
	numpy := a.numpy || b.numpy
	if !a.isNumber() || !b.isNumber() {
		return operateBytes(op, a, b)
	}
	if isComparison(op) {
		r, err := compareNumbers(op, a, b)
		return constant{r, numpy}, err
	}
	switch kind := max(a.kind(), b.kind()); {
	case kind == Complex128:
		r, err := operateComplex(op, a, b)
		return constant{r, numpy}, err
	case kind == Float64, op == "/":
		return operateFloats(op, a, b, numpy)
	case kind == Bool && (op == "&" || op == "|" || op == "^" || numpy):
		return operateBools(op, a.v.(bool), b.v.(bool), numpy)
	}
	if numpy && !(a.integer().IsInt64() && b.integer().IsInt64()) {
		return constant{}, errTooLarge
	}
	return operateIntegers(op, a.integer(), b.integer(), numpy)
}

func isComparison(op string) bool {
	switch op {
	case "==", "!=", "<", "<=", ">", ">=":
		return true
	}
	return false
}

func holds(op string, cmp int) bool {
	switch op {
	case "==":
		return cmp == 0
	case "!=":
		return cmp != 0
	case "<":
		return cmp < 0
	case "<=":
		return cmp <= 0
	case ">":
		return cmp > 0
	}
	return cmp >= 0
}

func operateBytes(op string, a, b constant) (constant, error) {
	s, okA := a.v.(string)
	t, okB := b.v.(string)
	switch {
	case okA != okB && (op == "==" || op == "!="):
		return constant{v: op == "!="}, nil
	case okA != okB:
		return constant{}, errOperands
	case isComparison(op):
		return constant{v: holds(op, bytes.Compare([]byte(s), []byte(t)))}, nil
	case op == "+":
		return constant{v: s + t}, nil
	}
	return constant{}, errOperands
}

// compareNumbers is exact, as Python's comparison of an integer with a float is.
func compareNumbers(op string, a, b constant) (bool, error) {
	if max(a.kind(), b.kind()) == Complex128 {
		x, err := a.complex()
		y, err2 := b.complex()
		switch {
		case op == "==" || op == "!=":
			return (x == y) == (op == "=="), errors.Join(err, err2)
		case !a.numpy && !b.numpy:
			return false, errors.New("complex numbers have no order")
		}
		return holds(op, cmp.Or(cmp.Compare(real(x), real(y)), cmp.Compare(imag(x), imag(y)))), errors.Join(err, err2)
	}
	x, nanX := exact(a)
	y, nanY := exact(b)
	if nanX || nanY {
		return op == "!=", nil
	}
	return holds(op, x.Cmp(y)), nil
}

func exact(c constant) (f *big.Float, nan bool) {
	v, ok := c.v.(float64)
	switch {
	case !ok:
		return new(big.Float).SetInt(c.integer()), false
	case math.IsNaN(v):
		return nil, true
	}
	return big.NewFloat(v), false
}

func operateBools(op string, a, b, numpy bool) (constant, error) {
	switch op {
	case "&", "*":
		return constant{a && b, numpy}, nil
	case "|", "+":
		return constant{a || b, numpy}, nil
	case "^":
		return constant{a != b, numpy}, nil
	}
	return constant{}, errOperands
}

func operateIntegers(op string, a, b *big.Int, numpy bool) (constant, error) {
	r := new(big.Int)
	switch op {
	case "+":
		r.Add(a, b)
	case "-":
		r.Sub(a, b)
	case "*":
		r.Mul(a, b)
	case "&":
		r.And(a, b)
	case "|":
		r.Or(a, b)
	case "^":
		r.Xor(a, b)
	case "//", "%":
		if b.Sign() == 0 && numpy {
			break
		}
		if b.Sign() == 0 {
			return constant{}, errZero
		}
		q, m := floorDivide(a, b)
		r = q
		if op == "%" {
			r = m
		}
	case "<<", ">>":
		return shift(op, a, b, numpy)
	case "**":
		return power(a, b, numpy)
	default:
		return constant{}, errOperands
	}
	return wrapped(r, numpy)
}

// floorDivide rounds down, as Python does.
func floorDivide(a, b *big.Int) (q, m *big.Int) {
	q, m = new(big.Int).QuoRem(a, b, new(big.Int))
	if m.Sign() != 0 && m.Sign() != b.Sign() {
		q.Sub(q, big.NewInt(1))
		m.Add(m, b)
	}
	return q, m
}

func shift(op string, a, b *big.Int, numpy bool) (constant, error) {
	if b.Sign() < 0 && !numpy {
		return constant{}, errors.New("negative shift count")
	}
	if op == ">>" || numpy && (b.Sign() < 0 || b.Cmp(big.NewInt(63)) > 0) {
		n := uint(maxBits + 64) // past every bit
		if b.Sign() >= 0 && b.IsInt64() && b.Int64() < maxBits {
			n = uint(b.Int64())
		}
		if op == "<<" {
			return constant{new(big.Int), numpy}, nil
		}
		return wrapped(new(big.Int).Rsh(a, n), numpy)
	}
	if !b.IsInt64() || b.Int64() > maxBits {
		return constant{}, errTooLarge
	}
	return wrapped(new(big.Int).Lsh(a, uint(b.Int64())), numpy)
}

func power(a, b *big.Int, numpy bool) (constant, error) {
	if b.Sign() < 0 {
		if numpy {
			return constant{}, errNegativePower
		}
		return operateFloats("**", constant{v: a}, constant{v: b}, false)
	}
	if a.BitLen() > 1 && (!b.IsInt64() || b.Int64() > maxBits || int64(a.BitLen()-1)*b.Int64() > maxBits) {
		return constant{}, errTooLarge
	}
	if a.BitLen() <= 1 && b.Sign() > 0 { // -1, 0, 1
		b = big.NewInt(2 - int64(b.Bit(0)))
	}
	return wrapped(new(big.Int).Exp(a, b, nil), numpy)
}
