//go:build cgo && !purego

package where

/*
#cgo LDFLAGS: -lm
#cgo noescape mtf_math
#cgo nocallback mtf_math
#cgo noescape mtf_mathf
#cgo nocallback mtf_mathf
#include <math.h>
#include <stddef.h>

#define EACH(k, call) case k: for (size_t i = 0; i < n; i++) out[i] = call; break;
#define ALL(s) \
	EACH(0, sin##s(x[i])) EACH(1, cos##s(x[i])) EACH(2, tan##s(x[i])) EACH(3, asin##s(x[i])) EACH(4, acos##s(x[i])) \
	EACH(5, atan##s(x[i])) EACH(6, sinh##s(x[i])) EACH(7, cosh##s(x[i])) EACH(8, tanh##s(x[i])) EACH(9, log##s(x[i])) \
	EACH(10, log1p##s(x[i])) EACH(11, log10##s(x[i])) EACH(12, exp##s(x[i])) EACH(13, expm1##s(x[i])) \
	EACH(14, pow##s(x[i], y[i])) EACH(15, atan2##s(x[i], y[i]))

static void mtf_math(int f, const double *x, const double *y, double *out, size_t n) { switch (f) { ALL() } }
static void mtf_mathf(int f, const float *x, const float *y, float *out, size_t n) { switch (f) { ALL(f) } }
*/
import "C"

import (
	"slices"
	"unsafe"
)

// ofLibrary are the functions that the C library computes, for numexpr as here: the last bit of a result depends on who
// computes it, and decides a comparison. The order is that of the C code above.
var ofLibrary = []string{"sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "log", "log1p", "log10",
	"exp", "expm1", "pow", "arctan2"}

// libraryLoops are a function's loops over float64 and float32, of which b is looked at where it takes two; nil if it
// is none of the C library's.
func libraryLoops(op string) (doubles func(a, b, out []float64), singles func(a, b, out []float32)) {
	f := C.int(slices.Index(ofLibrary, op))
	if f < 0 {
		return nil, nil
	}
	doubles = func(a, b, out []float64) {
		C.mtf_math(f, (*C.double)(first(a)), (*C.double)(first(b)), (*C.double)(first(out)), C.size_t(len(out)))
	}
	singles = func(a, b, out []float32) {
		C.mtf_mathf(f, (*C.float)(first(a)), (*C.float)(first(b)), (*C.float)(first(out)), C.size_t(len(out)))
	}
	return doubles, singles
}

func first[T any](s []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }
