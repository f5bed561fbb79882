package match

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/reader/where"
)

// listRows are the rows at a time of which elements are taken out of lists.
const listRows = 1 << 14

// vector is what a condition sees of a column as it was read, in some of its rows. all is the column's own vector where
// it holds no lists.
func (o operand) vector(a arrow.Array, all where.Vector, from, to int) where.Vector {
	switch l := a.(type) {
	case *array.FixedSizeList:
		return vector(l.ListValues(), fixedPlaces(l, o.item, from, to))
	case *array.List:
		at := listPlaces(l, o.item, from, to)
		if !o.missing {
			return vector(l.ListValues(), at)
		}
		out := where.Vector{Bool: make([]byte, len(at))}
		for i, p := range at {
			out.Bool[i] = byte(btoi(p < 0))
		}
		return out
	}
	return all.Window(from, to)
}

// inLists tells whether a column's values are taken out of lists.
func inLists(a arrow.Array) bool {
	return a.DataType().ID() == arrow.FIXED_SIZE_LIST || a.DataType().ID() == arrow.LIST
}

// fixedPlaces are the places of an element of each list among all values.
func fixedPlaces(l *array.FixedSizeList, item, from, to int) []int {
	width := int(l.DataType().(*arrow.FixedSizeListType).Len())
	out := make([]int, to-from)
	for i := range out {
		out[i] = (l.Data().Offset()+from+i)*width + max(item, 0)
	}
	return out
}

// listPlaces are the same of lists of any length, -1 where there is no such element.
func listPlaces(l *array.List, item, from, to int) []int {
	out := make([]int, to-from)
	for i := range out {
		lo, hi := l.ValueOffsets(from + i)
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

// vector gives a column's values, or those at some places (zero at -1), without a copy where they are all and their type
// is the condition's.
func vector(a arrow.Array, at []int) where.Vector {
	switch a := a.(type) {
	case *array.Boolean:
		return where.Vector{Bool: bools(a, at)}
	case *array.Int32:
		return where.Vector{I32: pick(a.Int32Values(), at)}
	case *array.Int64:
		return where.Vector{I64: pick(a.Int64Values(), at)}
	case *array.Float32:
		return where.Vector{F32: pick(a.Float32Values(), at)}
	case *array.Float64:
		return where.Vector{F64: pick(a.Float64Values(), at)}
	case *array.Uint64:
		return where.Vector{U64: pick(a.Uint64Values(), at)}
	case *array.Timestamp:
		return where.Vector{I64: orNaT(a, arrow.Int64Traits.CastFromBytes(arrow.TimestampTraits.CastToBytes(a.TimestampValues())), at)}
	case *array.Duration:
		return where.Vector{I64: orNaT(a, arrow.Int64Traits.CastFromBytes(arrow.DurationTraits.CastToBytes(a.DurationValues())), at)}
	case *array.Binary:
		return texts(a, at)
	}
	return widened(a, at)
}

func widened(a arrow.Array, at []int) where.Vector {
	switch a := a.(type) {
	case *array.Int8:
		return where.Vector{I32: widen[int32](pick(a.Int8Values(), at))}
	case *array.Int16:
		return where.Vector{I32: widen[int32](pick(a.Int16Values(), at))}
	case *array.Uint8:
		return where.Vector{I32: widen[int32](pick(a.Uint8Values(), at))}
	case *array.Uint16:
		return where.Vector{I32: widen[int32](pick(a.Uint16Values(), at))}
	case *array.Uint32:
		return where.Vector{I64: widen[int64](pick(a.Uint32Values(), at))}
	case *array.Float16:
		values := pick(a.Values(), at)
		out := make([]float32, len(values))
		for i, v := range values {
			out[i] = v.Float32()
		}
		return where.Vector{F32: out}
	case *array.Struct: // not in lists
		return where.Vector{C128: complexes(a)}
	}
	return where.Vector{}
}

// pick is the values at some places, zero at -1; all for nil.
func pick[T any](values []T, at []int) []T {
	if at == nil {
		return values
	}
	out := make([]T, len(at))
	for i, p := range at {
		if p >= 0 {
			out[i] = values[p]
		}
	}
	return out
}

func texts(a *array.Binary, at []int) where.Vector {
	if at == nil {
		return where.Vector{Off: a.ValueOffsets(), Bytes: a.ValueBytes()}
	}
	out := where.Vector{Off: make([]int32, 1, len(at)+1)}
	for _, p := range at {
		if p >= 0 {
			out.Bytes = append(out.Bytes, a.Value(p)...)
		}
		out.Off = append(out.Off, int32(len(out.Bytes)))
	}
	return out
}

// orNaT gives nulls the value that conditions know them by.
func orNaT(a arrow.Array, values []int64, at []int) []int64 {
	out := pick(values, at)
	if a.NullN() == 0 {
		return out
	}
	out = slices.Clone(out)
	for i := range out {
		p := i
		if at != nil {
			p = at[i]
		}
		if p >= 0 && a.IsNull(p) {
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

func bools(a *array.Boolean, at []int) []byte {
	if at == nil {
		out := make([]byte, a.Len())
		for i := range out {
			out[i] = byte(btoi(a.Value(i)))
		}
		return out
	}
	out := make([]byte, len(at))
	for i, p := range at {
		out[i] = byte(btoi(p >= 0 && a.Value(p)))
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
	return widen[float64](widened(a, nil).F32)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
