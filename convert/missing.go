package convert

import (
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/float16"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/mtflight/mtflight/convert/h5type"
)

// missing reports whether the numbers of a source that stand for none become null: options.netcdf over an array of
// integers or floats that names such.
func (s Source) missing(o Options) ([]any, error) {
	t := s.Type
	for t.Class == h5type.Array {
		t = t.Base
	}
	if !o.NetCDF || s.Kind() != Array || (t.Class != h5type.Integer && t.Class != h5type.Float) {
		return nil, nil
	}
	return s.Missing, s.MissingErr
}

// nullable is flat with null where a value is one of the missing ones.
func nullable(mem memory.Allocator, typ arrow.DataType, n int, values *buffer, missing []any) arrow.ArrayData {
	defer values.Release()
	is := among(typ, values.Bytes(), missing)
	valid, nulls := validity(mem, n, values.Bytes(), func(i int) bool { return !is(i) })
	if valid != nil {
		defer valid.Release()
	}
	return array.NewData(typ, n, []*buffer{valid, values}, nil, nulls, 0)
}

// among tells which values of a numeric type are missing.
func among(typ arrow.DataType, b []byte, missing []any) func(i int) bool {
	switch typ.ID() {
	case arrow.INT8:
		return amongInts(arrow.Int8Traits.CastFromBytes(b), missing)
	case arrow.INT16:
		return amongInts(arrow.Int16Traits.CastFromBytes(b), missing)
	case arrow.INT32:
		return amongInts(arrow.Int32Traits.CastFromBytes(b), missing)
	case arrow.INT64:
		return amongInts(arrow.Int64Traits.CastFromBytes(b), missing)
	case arrow.UINT8:
		return amongInts(arrow.Uint8Traits.CastFromBytes(b), missing)
	case arrow.UINT16:
		return amongInts(arrow.Uint16Traits.CastFromBytes(b), missing)
	case arrow.UINT32:
		return amongInts(arrow.Uint32Traits.CastFromBytes(b), missing)
	case arrow.UINT64:
		return amongInts(arrow.Uint64Traits.CastFromBytes(b), missing)
	case arrow.FLOAT32:
		return amongFloats(arrow.Float32Traits.CastFromBytes(b), missing)
	case arrow.FLOAT64:
		return amongFloats(arrow.Float64Traits.CastFromBytes(b), missing)
	case arrow.FLOAT16:
		return amongHalves(arrow.Float16Traits.CastFromBytes(b), missing)
	}
	return func(int) bool { return false }
}

// amongInts compares exactly: a number that the type can't hold is never met.
func amongInts[T int8 | int16 | int32 | int64 | uint8 | uint16 | uint32 | uint64](v []T, missing []any) func(i int) bool {
	var of []T
	for _, m := range missing {
		switch m := m.(type) {
		case int64:
			if x := T(m); int64(x) == m && (x < 0) == (m < 0) {
				of = append(of, x)
			}
		case uint64:
			if x := T(m); uint64(x) == m && x >= 0 {
				of = append(of, x)
			}
		case float64:
			if m == math.Trunc(m) && math.Abs(m) < 1<<53 && float64(T(int64(m))) == m {
				of = append(of, T(int64(m)))
			}
		}
	}
	return func(i int) bool {
		for _, m := range of {
			if v[i] == m {
				return true
			}
		}
		return false
	}
}

func amongFloats[T float32 | float64](v []T, missing []any) func(i int) bool {
	var of []T
	nan := false
	for _, m := range missing {
		x := T(asFloat(m))
		nan = nan || x != x
		of = append(of, x)
	}
	return func(i int) bool {
		for _, m := range of {
			if v[i] == m {
				return true
			}
		}
		return nan && v[i] != v[i]
	}
}

func amongHalves(v []float16.Num, missing []any) func(i int) bool {
	wide := make([]float32, len(v))
	rounded := make([]any, len(missing))
	for i, h := range v {
		wide[i] = h.Float32()
	}
	for i, m := range missing {
		rounded[i] = float64(float16.New(float32(asFloat(m))).Float32())
	}
	return amongFloats(wide, rounded)
}

func asFloat(m any) float64 {
	switch m := m.(type) {
	case int64:
		return float64(m)
	case uint64:
		return float64(m)
	case float64:
		return m
	}
	return math.NaN()
}
