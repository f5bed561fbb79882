package reader

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/reader/where"
)

// vector is what a condition sees of a column as it was read.
func (o operand) vector(a arrow.Array) where.Vector {
	switch l := a.(type) {
	case *array.FixedSizeList:
		return picked(vector(l.ListValues()), fixedPlaces(l, o.item))
	case *array.List:
		at := listPlaces(l, o.item)
		if !o.missing {
			return picked(vector(l.ListValues()), at)
		}
		out := where.Vector{Bool: make([]byte, len(at))}
		for i, p := range at {
			out.Bool[i] = byte(btoi(p < 0))
		}
		return out
	}
	return vector(a)
}

// fixedPlaces are the places of an element of each list among all values.
func fixedPlaces(l *array.FixedSizeList, item int) []int {
	width := int(l.DataType().(*arrow.FixedSizeListType).Len())
	out := make([]int, l.Len())
	for i := range out {
		out[i] = (l.Data().Offset()+i)*width + max(item, 0)
	}
	return out
}

// listPlaces are the same of lists of any length, -1 where there is no such element.
func listPlaces(l *array.List, item int) []int {
	out := make([]int, l.Len())
	for i := range out {
		lo, hi := l.ValueOffsets(i)
		at := lo + int64(item)
		if item < 0 {
			at = hi + int64(item)
		}
		if out[i] = -1; at >= lo && at < hi {
			out[i] = int(at)
		}
	}
	return out
}

// picked is a vector of some values, zero where the place is -1.
func picked(v where.Vector, at []int) (out where.Vector) {
	out.Bool, out.I32, out.I64, out.U64 = pick(v.Bool, at), pick(v.I32, at), pick(v.I64, at), pick(v.U64, at)
	out.F32, out.F64, out.C128 = pick(v.F32, at), pick(v.F64, at), pick(v.C128, at)
	if v.Off == nil {
		return out
	}
	out.Off = make([]int32, 1, len(at)+1)
	for _, p := range at {
		if p >= 0 {
			out.Bytes = append(out.Bytes, v.Bytes[v.Off[p]:v.Off[p+1]]...)
		}
		out.Off = append(out.Off, int32(len(out.Bytes)))
	}
	return out
}

func pick[T any](values []T, at []int) []T {
	if values == nil {
		return nil
	}
	out := make([]T, len(at))
	for i, p := range at {
		if p >= 0 {
			out[i] = values[p]
		}
	}
	return out
}

// vector gives a column's values without a copy where their type is the condition's.
func vector(a arrow.Array) where.Vector {
	switch a := a.(type) {
	case *array.Boolean:
		return where.Vector{Bool: bools(a)}
	case *array.Int32:
		return where.Vector{I32: a.Int32Values()}
	case *array.Int64:
		return where.Vector{I64: a.Int64Values()}
	case *array.Float32:
		return where.Vector{F32: a.Float32Values()}
	case *array.Float64:
		return where.Vector{F64: a.Float64Values()}
	case *array.Uint64:
		return where.Vector{U64: a.Uint64Values()}
	case *array.Timestamp:
		return where.Vector{I64: orNaT(a, arrow.Int64Traits.CastFromBytes(arrow.TimestampTraits.CastToBytes(a.TimestampValues())))}
	case *array.Duration:
		return where.Vector{I64: orNaT(a, arrow.Int64Traits.CastFromBytes(arrow.DurationTraits.CastToBytes(a.DurationValues())))}
	case *array.Binary:
		return where.Vector{Off: a.ValueOffsets(), Bytes: a.ValueBytes()}
	}
	return widened(a)
}

func widened(a arrow.Array) where.Vector {
	switch a := a.(type) {
	case *array.Int8:
		return where.Vector{I32: widen[int32](a.Int8Values())}
	case *array.Int16:
		return where.Vector{I32: widen[int32](a.Int16Values())}
	case *array.Uint8:
		return where.Vector{I32: widen[int32](a.Uint8Values())}
	case *array.Uint16:
		return where.Vector{I32: widen[int32](a.Uint16Values())}
	case *array.Uint32:
		return where.Vector{I64: widen[int64](a.Uint32Values())}
	case *array.Float16:
		out := make([]float32, a.Len())
		for i, v := range a.Values() {
			out[i] = v.Float32()
		}
		return where.Vector{F32: out}
	case *array.Struct:
		return where.Vector{C128: complexes(a)}
	}
	return where.Vector{}
}

// orNaT gives nulls the value that conditions know them by.
func orNaT(a arrow.Array, values []int64) []int64 {
	if a.NullN() == 0 {
		return values
	}
	out := slices.Clone(values)
	for i := range out {
		if a.IsNull(i) {
			out[i] = where.NaT
		}
	}
	return out
}

type number interface {
	~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~float32 | ~float64
}

func widen[T, S number](in []S) []T {
	out := make([]T, len(in))
	for i, v := range in {
		out[i] = T(v)
	}
	return out
}

func bools(a *array.Boolean) []byte {
	out := make([]byte, a.Len())
	for i := range out {
		if a.Value(i) {
			out[i] = 1
		}
	}
	return out
}

func complexes(a *array.Struct) []complex128 {
	re, im := doubles(a.Field(0)), doubles(a.Field(1))
	out := make([]complex128, a.Len())
	for i := range out {
		out[i] = complex(re[i], im[i])
	}
	return out
}

func doubles(a arrow.Array) []float64 {
	switch a := a.(type) {
	case *array.Float64:
		return a.Float64Values()
	case *array.Float32:
		return widen[float64](a.Float32Values())
	}
	return widen[float64](widened(a).F32)
}
