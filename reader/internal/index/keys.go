package index

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/ptindex"
)

// AsValues are the options with which columns come as conditions, sorting and statistics take them: as PyTables has them.
var AsValues = convert.Options{Strings: "binary", Enum: "int", Time: "numeric"}

// ClassOf is how a column's values are ordered, false if they are not.
func ClassOf(of convert.Source, column string) (ptindex.Class, bool, error) {
	t, err := TypeAsValue(of, column)
	if err != nil {
		return 0, false, err
	}
	c, ok := ClassOfType(t)
	return c, ok, nil
}

// TypeAsValue is the type a column comes as for conditions and sorting.
func TypeAsValue(of convert.Source, column string) (arrow.DataType, error) {
	program, err := convert.Compile(of, []string{column}, AsValues)
	if err != nil {
		return nil, err
	}
	return program.Schema(arrow.Metadata{}).Field(0).Type, nil
}

// ClassOfType is the order of a column that comes as a type, false if it has none.
func ClassOfType(t arrow.DataType) (ptindex.Class, bool) {
	switch t.ID() {
	case arrow.BOOL, arrow.INT8, arrow.INT16, arrow.INT32, arrow.INT64, arrow.UINT8, arrow.UINT16, arrow.UINT32:
		return ptindex.Int, true
	case arrow.UINT64:
		return ptindex.Uint, true
	case arrow.FLOAT16, arrow.FLOAT32:
		return ptindex.Float32, true
	case arrow.FLOAT64:
		return ptindex.Float64, true
	case arrow.BINARY:
		return ptindex.Bytes, true
	}
	return 0, false
}

// AppendKeys adds a column's values as keys, those of lists one by one. Byte strings are copied.
func AppendKeys(k *ptindex.Keys, a arrow.Array) error {
	switch a := a.(type) {
	case *array.FixedSizeList:
		return AppendKeys(k, a.ListValues())
	case *array.Binary:
		k.Str = appendStrings(k.Str, a)
	case *array.Boolean:
		for i := range a.Len() {
			v := int64(0)
			if a.Value(i) {
				v = 1
			}
			k.Num = append(k.Num, ptindex.OfInt(v))
		}
	case *array.Uint64:
		k.Num = append(k.Num, a.Uint64Values()...)
	case *array.Float16:
		for _, v := range a.Values() {
			k.Num = append(k.Num, ptindex.OfFloat(float64(v.Float32())))
		}
	case *array.Float32:
		k.Num = appendFloats(k.Num, a.Float32Values())
	case *array.Float64:
		k.Num = appendFloats(k.Num, a.Float64Values())
	default:
		return appendInts(k, a)
	}
	return nil
}

func appendInts(k *ptindex.Keys, a arrow.Array) error {
	switch a := a.(type) {
	case *array.Int8:
		k.Num = appendSigned(k.Num, a.Int8Values())
	case *array.Int16:
		k.Num = appendSigned(k.Num, a.Int16Values())
	case *array.Int32:
		k.Num = appendSigned(k.Num, a.Int32Values())
	case *array.Int64:
		k.Num = appendSigned(k.Num, a.Int64Values())
	case *array.Uint8:
		k.Num = appendSigned(k.Num, a.Uint8Values())
	case *array.Uint16:
		k.Num = appendSigned(k.Num, a.Uint16Values())
	case *array.Uint32:
		k.Num = appendSigned(k.Num, a.Uint32Values())
	default:
		return fault.New(fault.Unsupported, "values of %s have no order", a.DataType())
	}
	return nil
}

func appendSigned[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32](out []uint64, in []T) []uint64 {
	for _, v := range in {
		out = append(out, ptindex.OfInt(int64(v)))
	}
	return out
}

func appendFloats[T float32 | float64](out []uint64, in []T) []uint64 {
	for _, v := range in {
		out = append(out, ptindex.OfFloat(float64(v)))
	}
	return out
}

// appendStrings copies strings, without the zeros they may be padded with, which NumPy doesn't compare.
func appendStrings(out [][]byte, a *array.Binary) [][]byte {
	own := append([]byte{}, a.ValueBytes()...)
	offsets := a.ValueOffsets()
	for i := range a.Len() {
		lo, hi := offsets[i]-offsets[0], offsets[i+1]-offsets[0]
		for hi > lo && own[hi-1] == 0 {
			hi--
		}
		out = append(out, own[lo:hi:hi])
	}
	return out
}
