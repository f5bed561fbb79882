package where

import (
	"errors"
	"math"
	"math/big"
	"math/cmplx"
)

func operateFloats(op string, a, b constant, numpy bool) (constant, error) {
	if op == "/" && max(a.kind(), b.kind()) < Float64 && b.integer().Sign() != 0 {
		f, _ := new(big.Rat).SetFrac(a.integer(), b.integer()).Float64()
		if math.IsInf(f, 0) {
			return constant{}, errTooLarge
		}
		return constant{f, numpy}, nil
	}
	x, err := a.float()
	y, err2 := b.float()
	if err := errors.Join(err, err2); err != nil {
		return constant{}, errTooLarge
	}
	if y == 0 && !numpy && (op == "/" || op == "//" || op == "%") || op == "**" && x == 0 && y < 0 && !numpy {
		return constant{}, errZero
	}
	if op == "**" && x < 0 && y != math.Floor(y) && !numpy {
		return constant{v: cmplx.Pow(complex(x, 0), complex(y, 0))}, nil
	}
	r, ok := floatResult(op, x, y)
	if !ok {
		return constant{}, errOperands
	}
	if op == "**" && math.IsInf(r, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) && !numpy {
		return constant{}, errTooLarge
	}
	return constant{r, numpy}, nil
}

func floatResult(op string, x, y float64) (float64, bool) {
	switch op {
	case "+":
		return x + y, true
	case "-":
		return x - y, true
	case "*":
		return x * y, true
	case "/":
		return x / y, true
	case "//":
		q, _ := pythonDivMod(x, y)
		return q, true
	case "%":
		_, m := pythonDivMod(x, y)
		return m, true
	case "**":
		return floatPower(x, y), true
	}
	return 0, false
}

// pythonDivMod is float.__divmod__: the remainder has the divisor's sign.
func pythonDivMod(x, y float64) (q, m float64) {
	m = math.Mod(x, y)
	q = (x - m) / y
	if m != 0 && (y < 0) != (m < 0) {
		m += y
		q--
	}
	if m == 0 {
		m = math.Copysign(0, y)
	}
	if q == 0 {
		return math.Copysign(0, x/y), m
	}
	floor := math.Floor(q)
	if q-floor > 0.5 {
		floor++
	}
	return floor, m
}

func operateComplex(op string, a, b constant) (complex128, error) {
	x, err := a.complex()
	y, err2 := b.complex()
	if err := errors.Join(err, err2); err != nil {
		return 0, errTooLarge
	}
	switch op {
	case "+":
		return x + y, nil
	case "-":
		return x - y, nil
	case "*":
		return x * y, nil
	case "/":
		if y == 0 {
			return 0, errZero
		}
		return x / y, nil
	case "**":
		if x == 0 && real(y) < 0 {
			return 0, errZero
		}
		if n := real(y); imag(y) == 0 && n == math.Trunc(n) && math.Abs(n) <= 100 { // exact where the factors are
			return wholePower(x, int(n)), nil
		}
		return cmplx.Pow(x, y), nil
	}
	return 0, errOperands
}
