package where

import "math"

func floatFunction(name string) func(float64) float64 {
	switch name {
	case "sqrt":
		return math.Sqrt
	case "sin":
		return math.Sin
	case "cos":
		return math.Cos
	case "tan":
		return math.Tan
	case "arcsin":
		return math.Asin
	case "arccos":
		return arccos
	case "arctan":
		return math.Atan
	case "sinh":
		return sinh
	case "cosh":
		return cosh
	case "tanh":
		return math.Tanh
	case "log":
		return math.Log
	case "log1p":
		return math.Log1p
	case "log10":
		return log10
	case "exp":
		return math.Exp
	case "expm1":
		return math.Expm1
	case "abs":
		return math.Abs
	case "ceil":
		return math.Ceil
	}
	return math.Floor
}

// log10 is exact at powers of ten, where people put thresholds; math.Log10(1000) is not.
func log10(x float64) float64 {
	y := math.Log10(x)
	if r := math.Round(y); math.Abs(y-r) < 1e-12 && math.Pow10(int(r)) == x {
		return r
	}
	return y
}

// arccos keeps its precision near 1, where math.Acos subtracts two numbers that are nearly equal.
func arccos(x float64) float64 {
	if x > 0.5 {
		return 2 * math.Asin(math.Sqrt((1-x)/2))
	}
	return math.Acos(x)
}

// sinh and cosh end where their values do, at 710.48; math's end where exp does, at 709.78.
func sinh(x float64) float64 {
	if math.Abs(x) > 700 {
		return math.Copysign(halfExp(math.Abs(x)), x)
	}
	return math.Sinh(x)
}

func cosh(x float64) float64 {
	if math.Abs(x) > 700 {
		return halfExp(math.Abs(x))
	}
	return math.Cosh(x)
}

func halfExp(x float64) float64 {
	half := math.Exp(x / 2)
	return half / 2 * half
}

// floatPower is that of the kernels, so that constants and columns agree.
func floatPower(x, y float64) float64 {
	out := &Vector{F64: make([]float64, 1)}
	float64Kernel("pow")(out, &Vector{F64: []float64{x}}, &Vector{F64: []float64{y}}, nil)
	return out.F64[0]
}

// The complex functions are the formulas of numexpr's complex_functions.hpp, whose branch cuts and overflows differ
// from math/cmplx.
func complexFunction(name string) func(complex128) complex128 {
	switch name {
	case "sqrt":
		return complexSqrt
	case "sin":
		return complexSin
	case "cos":
		return complexCos
	case "tan":
		return complexTan
	case "arcsin":
		return complexAsin
	case "arccos":
		return complexAcos
	case "arctan":
		return complexAtan
	case "sinh":
		return complexSinh
	case "cosh":
		return complexCosh
	case "tanh":
		return complexTanh
	case "log":
		return complexLog
	case "log1p":
		return func(x complex128) complex128 { return complexLog(complex(real(x)+1, imag(x))) }
	case "log10":
		return func(x complex128) complex128 {
			l := complexLog(x)
			return complex(real(l)*math.Log10E, imag(l)*math.Log10E)
		}
	case "exp":
		return complexExp
	case "expm1":
		return complexExpm1
	case "abs":
		return func(x complex128) complex128 {
			return complex(math.Sqrt(float64(real(x)*real(x))+float64(imag(x)*imag(x))), 0)
		}
	}
	return nil
}

func complexProduct(a, b complex128) complex128 {
	return complex(float64(real(a)*real(b))-float64(imag(a)*imag(b)),
		float64(real(a)*imag(b))+float64(imag(a)*real(b)))
}

// complexQuotient is the plain formula, without Go's care for infinities.
func complexQuotient(a, b complex128) complex128 {
	d := float64(real(b)*real(b)) + float64(imag(b)*imag(b))
	return complex((float64(real(a)*real(b))+float64(imag(a)*imag(b)))/d,
		(float64(imag(a)*real(b))-float64(real(a)*imag(b)))/d)
}

func complexPower(a, b complex128) complex128 {
	switch {
	case b == 0:
		return 1
	case a == 0:
		return 0
	}
	if n := real(b); imag(b) == 0 && n == math.Trunc(n) && math.Abs(n) < 100 {
		return wholePower(a, int(n))
	}
	return complexExp(complexProduct(complexLog(a), b))
}

func wholePower(a complex128, n int) complex128 {
	result, p := complex128(1), a
	m := max(n, -n)
	for mask := 1; ; p = complexProduct(p, p) {
		if m&mask != 0 {
			result = complexProduct(result, p)
		}
		if mask <<= 1; m < mask {
			break
		}
	}
	if n < 0 {
		return complexQuotient(1, result)
	}
	return result
}

func complexSqrt(x complex128) complex128 {
	if x == 0 {
		return x
	}
	s := math.Sqrt((math.Abs(real(x)) + math.Hypot(real(x), imag(x))) / 2)
	d := imag(x) / (2 * s)
	switch {
	case real(x) > 0:
		return complex(s, d)
	case imag(x) >= 0:
		return complex(d, s)
	}
	return complex(-d, -s)
}

func complexLog(x complex128) complex128 {
	return complex(math.Log(math.Hypot(real(x), imag(x))), math.Atan2(imag(x), real(x)))
}

func complexExp(x complex128) complex128 {
	a := math.Exp(real(x))
	return complex(a*math.Cos(imag(x)), a*math.Sin(imag(x)))
}

func complexExpm1(x complex128) complex128 {
	a := math.Sin(imag(x) / 2)
	re := float64(math.Expm1(real(x))*math.Cos(imag(x))) - float64(2*a*a)
	return complex(re, math.Exp(real(x))*math.Sin(imag(x)))
}

// timesI is x times i.
func timesI(x complex128) complex128 { return complex(-imag(x), real(x)) }

func complexAcos(x complex128) complex128 {
	root := timesI(complexSqrt(1 - complexProduct(x, x)))
	return -timesI(complexLog(x + root))
}

func complexAsin(x complex128) complex128 {
	return -timesI(complexLog(timesI(x) + complexSqrt(1-complexProduct(x, x))))
}

func complexAtan(x complex128) complex128 {
	return complexProduct(complex(0, 0.5), complexLog(complexQuotient(1i+x, 1i-x)))
}

func complexSin(x complex128) complex128 {
	return complex(math.Sin(real(x))*math.Cosh(imag(x)), math.Cos(real(x))*math.Sinh(imag(x)))
}

func complexCos(x complex128) complex128 {
	return complex(math.Cos(real(x))*math.Cosh(imag(x)), -math.Sin(real(x))*math.Sinh(imag(x)))
}

func complexSinh(x complex128) complex128 {
	return complex(math.Cos(imag(x))*math.Sinh(real(x)), math.Sin(imag(x))*math.Cosh(real(x)))
}

func complexCosh(x complex128) complex128 {
	return complex(math.Cos(imag(x))*math.Cosh(real(x)), math.Sin(imag(x))*math.Sinh(real(x)))
}

func complexTan(x complex128) complex128 {
	d := math.Cos(2*real(x)) + math.Cosh(2*imag(x))
	return complex(math.Sin(2*real(x))/d, tanhPart(imag(x), d))
}

func complexTanh(x complex128) complex128 {
	d := math.Cosh(2*real(x)) + math.Cos(2*imag(x))
	return complex(tanhPart(real(x), d), math.Sin(2*imag(x))/d)
}

// tanhPart is sinh(2 x) / d without overflow.
func tanhPart(x, d float64) float64 {
	switch {
	case x > 20:
		return 1 / (1 + math.Exp(-4*x))
	case x < -20:
		return -1 / (1 + math.Exp(4*x))
	}
	return math.Sinh(2*x) / d
}
