package sparse

import (
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// stretch is where the elements of one row lie among all: from lo on, n many.
type stretch struct{ lo, n int64 }

// pointerBytes is about what a row takes while its pointers are read and its batch is planned.
const pointerBytes = 64

// stretches are those of some rows, in their order. The file has all that they say. Errors: fault.DataLoss, those of reading.
func (r *Run) stretches(of []rows.Run) ([]stretch, error) {
	at, err := r.pointers(places(of))
	if err != nil {
		return nil, err
	}
	out := make([]stretch, 0, rows.Total(of))
	for _, run := range of {
		next := 2 // pointers of a row; where rows follow each other, one ends where the next begins
		if run.Step == 1 {
			next = 1
		}
		for i := range run.N {
			s, err := r.plan.stretch(run.Src+i*run.Step, at[0], at[1])
			if err != nil {
				return nil, err
			}
			out, at = append(out, s), at[next:]
		}
		at = at[2-next:]
	}
	return out, nil
}

// places are those of rows among the pointers: each row's own, and the one behind it.
func places(of []rows.Run) (out rows.Pieces) {
	for _, r := range of {
		if r.Step == 1 {
			out = out.Add(rows.Run{Src: r.Src, Step: 1, N: r.N + 1})
			continue
		}
		for i := range r.N {
			out = out.Add(rows.Run{Src: r.Src + i*r.Step, Step: 1, N: 2})
		}
	}
	return out
}

// stretch is that of a row between two pointers.
func (p *Plan) stretch(row, lo, hi int64) (stretch, error) {
	switch {
	case lo < 0 || hi < lo:
		return stretch{}, fault.New(fault.DataLoss, "row %d begins at element %d and ends at %d", row, lo, hi)
	case hi > p.Stored:
		return stretch{}, fault.New(fault.DataLoss, "row %d ends at element %d of %d", row, hi, p.Stored)
	}
	return stretch{lo, hi - lo}, nil
}

// pointers reads the pointers at some places.
func (r *Run) pointers(at rows.Sequence) ([]int64, error) {
	out := make([]int64, 0, at.Len())
	scan := r.plan.Pointer.Scan().WithReservation(r.reserved, sides)
	err := scan.Reading(scan.Program, at).Each(r.ctx, func(f *fill.Batch) bool {
		out = appendIntegers(out, f.Record.Column(0))
		return true
	})
	return out, r.plan.Pointer.Explain(err)
}

// appendIntegers adds the values of an array of integers; those beyond int64 become negative.
func appendIntegers(out []int64, a arrow.Array) []int64 {
	switch a := a.(type) {
	case *array.Int8:
		return widened(out, a.Int8Values())
	case *array.Int16:
		return widened(out, a.Int16Values())
	case *array.Int32:
		return widened(out, a.Int32Values())
	case *array.Int64:
		return append(out, a.Int64Values()...)
	case *array.Uint8:
		return widened(out, a.Uint8Values())
	case *array.Uint16:
		return widened(out, a.Uint16Values())
	case *array.Uint32:
		return widened(out, a.Uint32Values())
	case *array.Uint64:
		return widened(out, a.Uint64Values())
	}
	return out
}

type integer interface {
	int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64
}

func widened[T integer](out []int64, in []T) []int64 {
	for _, v := range in {
		out = append(out, int64(v))
	}
	return out
}

// outside is the place of the first index that is not below n; -1: there is none.
func outside(a arrow.Array, n int64) int {
	switch a := a.(type) {
	case *array.Int8:
		return first(a.Int8Values(), n, math.MaxInt8)
	case *array.Int16:
		return first(a.Int16Values(), n, math.MaxInt16)
	case *array.Int32:
		return first(a.Int32Values(), n, math.MaxInt32)
	case *array.Int64:
		return first(a.Int64Values(), n, math.MaxInt64)
	case *array.Uint8:
		return first(a.Uint8Values(), n, math.MaxUint8)
	case *array.Uint16:
		return first(a.Uint16Values(), n, math.MaxUint16)
	case *array.Uint32:
		return first(a.Uint32Values(), n, math.MaxUint32)
	case *array.Uint64:
		return first(a.Uint64Values(), n, math.MaxInt64)
	}
	return -1
}

// first is the place of the first value that is negative or not below n; the type's values go up to most.
func first[T integer](in []T, n, most int64) int {
	bound := T(min(n, most))
	whole := n > most // then only negative ones are outside
	for i, v := range in {
		if v < 0 || v >= bound && !whole {
			return i
		}
	}
	return -1
}
