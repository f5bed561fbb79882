package where

import (
	"errors"
	"math/big"
	"math/cmplx"
)

// call applies a function to constants, as NumPy's function of that name does.
func call(name string, args []constant) (constant, error) {
	for _, a := range args {
		if !a.isNumber() {
			return constant{}, errOperands
		}
	}
	a := args[0]
	_, isComplex := a.v.(complex128)
	switch {
	case name == "complex":
		return callComplex(args)
	case name == "real" || name == "imag":
		return part(name, a), nil
	case name == "abs" && isComplex:
		return constant{cmplx.Abs(a.v.(complex128)), true}, nil
	case (name == "ceil" || name == "floor" || name == "abs") && a.kind() <= Int64:
		return wholeFunction(name, a)
	case isComplex && name != "arctan2":
		f := complexFunction(name)
		if f == nil {
			return constant{}, errOperands
		}
		return constant{f(a.v.(complex128)), true}, nil
	case a.kind() == Bool:
		return constant{}, errors.New("no function of a constant truth value")
	}
	return callFloats(name, args)
}

func callFloats(name string, args []constant) (constant, error) {
	var x [2]float64
	for i, a := range args {
		if a.kind() == Complex128 {
			return constant{}, errOperands
		}
		if a.integer().BitLen() > 64 && args[len(args)-1-i].kind() != Float64 { // NumPy has no such integer
			return constant{}, errTooLarge
		}
		var err error
		if x[i], err = a.float(); err != nil {
			return constant{}, err
		}
	}
	d, out := &Vector{F64: x[:1]}, &Vector{F64: make([]float64, 1)}
	float64Kernel(name)(out, d, &Vector{F64: x[1:]}, nil)
	return constant{out.F64[0], true}, nil
}

func callComplex(args []constant) (constant, error) {
	re, err := args[0].complex()
	if len(args) == 1 || err != nil {
		return constant{v: re}, err
	}
	im, err := args[1].complex()
	return constant{v: complex(real(re)-imag(im), imag(re)+real(im))}, err
}

// part is the real or imaginary part, which keeps a number's type.
func part(name string, a constant) constant {
	v, isComplex := a.v.(complex128)
	switch {
	case isComplex && name == "real":
		return constant{real(v), a.numpy}
	case isComplex:
		return constant{imag(v), a.numpy}
	case a.kind() == Float64 && name == "imag":
		return constant{0.0, a.numpy}
	case name == "imag":
		return constant{new(big.Int), a.numpy}
	case a.kind() == Bool:
		return constant{a.integer(), a.numpy}
	}
	return a
}

func wholeFunction(name string, a constant) (constant, error) {
	if b, ok := a.v.(bool); ok {
		return constant{b, true}, nil
	}
	i := a.integer()
	numpy := i.IsInt64()
	if i.IsUint64() && !numpy { // NumPy has it, numexpr has not
		return constant{}, errTooLarge
	}
	if name == "abs" {
		i = new(big.Int).Abs(i)
	}
	return wrapped(i, numpy)
}
