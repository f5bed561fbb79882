package where

import "math"

// The fields of a vector, to make kernels of loops over slices.
func bools(v *Vector) []byte           { return v.Bool }
func i32s(v *Vector) []int32           { return v.I32 }
func i64s(v *Vector) []int64           { return v.I64 }
func f32s(v *Vector) []float32         { return v.F32 }
func f64s(v *Vector) []float64         { return v.F64 }
func complexes(v *Vector) []complex128 { return v.C128 }

type field[T any] func(*Vector) []T

func one[A, R any](a field[A], r field[R], loop func(a []A, out []R)) kernel {
	return func(d, x, _, _ *Vector) { loop(a(x), r(d)) }
}

func two[A, R any](a field[A], r field[R], loop func(a, b []A, out []R)) kernel {
	return func(d, x, y, _ *Vector) { loop(a(x), a(y), r(d)) }
}

// kernelFor chooses the kernel of a resolved node. types.go admits no operation that has none.
func kernelFor(n *node) kernel {
	operand := n.args[0].kind
	switch n.op {
	case "gt", "ge", "eq", "ne":
		return compareKernel(n)
	case "cast":
		return castKernel(operand, n.kind)
	case "micros":
		return microsKernel()
	case "named":
		return namedKernel(n)
	case "where":
		return whereKernel(n.kind)
	case "real":
		return one(complexes, f64s, func(a []complex128, out []float64) {
			for i := range out {
				out[i] = real(a[i])
			}
		})
	case "imag":
		return one(complexes, f64s, func(a []complex128, out []float64) {
			for i := range out {
				out[i] = imag(a[i])
			}
		})
	case "complex":
		return two(f64s, complexes, func(a, b []float64, out []complex128) {
			for i := range out {
				out[i] = complex(a[i], b[i])
			}
		})
	case "contains", "startswith", "endswith":
		return textKernel(n.op)
	}
	switch operand {
	case Bool:
		return boolKernel(n.op)
	case Int32:
		return integerKernel(n.op, i32s, powInt32)
	case Int64:
		return integerKernel(n.op, i64s, powInt64)
	case Float32:
		return float32Kernel(n.op)
	case Float64:
		return float64Kernel(n.op)
	case Uint64:
		return unsignedKernel(n.op)
	}
	return complexKernel(n.op)
}

type number interface {
	int32 | int64 | float32 | float64 | complex128
}

// arithmetic is what all numbers have; Go's integers wrap as numexpr's do.
func arithmetic[T number](op string, f field[T]) kernel {
	switch op {
	case "add":
		return two(f, f, func(a, b, out []T) {
			a, b = a[:len(out)], b[:len(out)]
			for i := range out {
				out[i] = a[i] + b[i]
			}
		})
	case "sub":
		return two(f, f, func(a, b, out []T) {
			a, b = a[:len(out)], b[:len(out)]
			for i := range out {
				out[i] = a[i] - b[i]
			}
		})
	case "neg":
		return one(f, f, func(a, out []T) {
			for i := range out {
				out[i] = -a[i]
			}
		})
	case "ones_like":
		return one(f, f, func(_, out []T) { fill(out, 1) })
	}
	return nil
}

func multiply[T number](a, b, out []T) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = a[i] * b[i]
	}
}

func quotient[T float32 | float64](a, b, out []T) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = a[i] / b[i]
	}
}

func each[A, R any](f func(A) R) func(a []A, out []R) {
	return func(a []A, out []R) {
		for i := range out {
			out[i] = f(a[i])
		}
	}
}

func each2[T any](f func(a, b T) T) func(a, b, out []T) {
	return func(a, b, out []T) {
		for i := range out {
			out[i] = f(a[i], b[i])
		}
	}
}

// single makes a float32 function of a float64 one.
func single(f func(float64) float64) func(float32) float32 {
	return func(x float32) float32 { return float32(f(float64(x))) }
}

func float64Kernel(op string) kernel {
	if k := arithmetic(op, f64s); k != nil {
		return k
	}
	if loop, _ := libraryLoops(op); loop != nil {
		return byLibrary(op, f64s, loop)
	}
	switch op {
	case "mul":
		return two(f64s, f64s, multiply[float64])
	case "div":
		return two(f64s, f64s, quotient[float64])
	case "mod":
		return two(f64s, f64s, each2(func(a, b float64) float64 { return a - float64(math.Floor(a/b)*b) }))
	case "floordiv":
		return two(f64s, f64s, each2(func(a, b float64) float64 { return math.Floor(a / b) }))
	case "pow":
		return two(f64s, f64s, each2(math.Pow))
	case "arctan2":
		return two(f64s, f64s, each2(math.Atan2))
	}
	return one(f64s, f64s, each(floatFunction(op)))
}

func float32Kernel(op string) kernel {
	if k := arithmetic(op, f32s); k != nil {
		return k
	}
	if _, loop := libraryLoops(op); loop != nil {
		return byLibrary(op, f32s, loop)
	}
	switch op {
	case "mul":
		return two(f32s, f32s, multiply[float32])
	case "div":
		return two(f32s, f32s, quotient[float32])
	case "mod":
		return two(f32s, f32s, each2(func(a, b float32) float32 { return a - float32(floor32(a/b)*b) }))
	case "floordiv":
		return two(f32s, f32s, each2(func(a, b float32) float32 { return floor32(a / b) }))
	case "pow":
		return two(f32s, f32s, each2(func(a, b float32) float32 { return float32(math.Pow(float64(a), float64(b))) }))
	case "arctan2":
		return two(f32s, f32s, each2(func(a, b float32) float32 { return float32(math.Atan2(float64(a), float64(b))) }))
	}
	return one(f32s, f32s, each(single(floatFunction(op))))
}

func byLibrary[T float32 | float64](op string, f field[T], loop func(a, b, out []T)) kernel {
	if op == "pow" || op == "arctan2" {
		return two(f, f, loop)
	}
	return one(f, f, func(a, out []T) { loop(a, nil, out) })
}

func floor32(x float32) float32 { return float32(math.Floor(float64(x))) }

func complexKernel(op string) kernel {
	if k := arithmetic(op, complexes); k != nil {
		return k
	}
	switch op {
	case "mul":
		return two(complexes, complexes, each2(complexProduct))
	case "div":
		return two(complexes, complexes, each2(complexQuotient))
	case "pow":
		return two(complexes, complexes, each2(complexPower))
	}
	return one(complexes, complexes, each(complexFunction(op)))
}

func castKernel(from, to Kind) kernel {
	switch from {
	case Bool: // to Int32 only
		return one(bools, i32s, func(a []byte, out []int32) { convert(a, out) })
	case Int32:
		return castNumber(i32s, to)
	case Int64:
		return castNumber(i64s, to)
	case Float32:
		return castNumber(f32s, to)
	}
	return castNumber(f64s, to)
}

func castNumber[A int32 | int64 | float32 | float64](a field[A], to Kind) kernel {
	switch to {
	case Int64:
		return one(a, i64s, convert[A, int64])
	case Float32:
		return one(a, f32s, convert[A, float32])
	case Float64:
		return one(a, f64s, convert[A, float64])
	}
	return one(a, complexes, func(a []A, out []complex128) {
		for i := range out {
			out[i] = complex(float64(a[i]), 0)
		}
	})
}

func convert[A uint8 | int32 | int64 | float32 | float64, R int32 | int64 | float32 | float64](a []A, out []R) {
	a = a[:len(out)]
	for i := range out {
		out[i] = R(a[i])
	}
}

func whereKernel(k Kind) kernel {
	switch k {
	case Bool:
		return choose(bools)
	case Int32:
		return choose(i32s)
	case Int64:
		return choose(i64s)
	case Float32:
		return choose(f32s)
	case Float64:
		return choose(f64s)
	}
	return choose(complexes)
}

func choose[T any](f field[T]) kernel {
	return func(d, a, b, c *Vector) {
		cond, yes, no, out := a.Bool, f(b), f(c), f(d)
		for i := range out {
			if cond[i] != 0 {
				out[i] = yes[i]
			} else {
				out[i] = no[i]
			}
		}
	}
}
