package parquet

import (
	"fmt"
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/internal/fault"
)

// numbers32 are the values of a leaf whose Parquet type has four bytes.
func numbers32(s shredded) ([]uint32, error) {
	s, err := s.looked()
	if err != nil || s.n == 0 {
		return nil, err
	}
	switch s.data.DataType().ID() {
	case arrow.INT8:
		return widened[uint32](take(s, arrow.Int8Traits.CastFromBytes)), nil
	case arrow.UINT8:
		return widened[uint32](take(s, arrow.Uint8Traits.CastFromBytes)), nil
	case arrow.INT16:
		return widened[uint32](take(s, arrow.Int16Traits.CastFromBytes)), nil
	case arrow.UINT16:
		return widened[uint32](take(s, arrow.Uint16Traits.CastFromBytes)), nil
	}
	return take(s, arrow.Uint32Traits.CastFromBytes), nil // the bits of signed ones and floats
}

// numbers64 are those whose Parquet type has eight. It has no times in seconds.
func numbers64(s shredded) ([]uint64, error) {
	s, err := s.looked()
	if err != nil {
		return nil, err
	}
	values := take(s, arrow.Uint64Traits.CastFromBytes)
	t, ok := s.data.DataType().(*arrow.TimestampType)
	if !ok || t.Unit != arrow.Second {
		return values, nil
	}
	out := make([]uint64, len(values))
	for i, v := range values {
		seconds := int64(v)
		if seconds > math.MaxInt64/1000 || seconds < math.MinInt64/1000 {
			return nil, fault.New(fault.Unsupported, "parquet: the time %d s is beyond Parquet's milliseconds: take --time numeric, or write .arrow", seconds)
		}
		out[i] = uint64(seconds * 1000)
	}
	return out, nil
}

// looked are the values that a dictionary's indexes lead to, where there is one.
func (s shredded) looked() (shredded, error) {
	d, ok := s.data.(*array.Data)
	if !ok || d.DataType().ID() != arrow.DICTIONARY {
		return s, nil
	}
	dictionary := d.Dictionary()
	if validity(dictionary) != nil {
		return s, fault.New(fault.Unsupported, "parquet: a dictionary with a null value: write .arrow")
	}
	index, ok := indexes[d.DataType().(*arrow.DictionaryType).IndexType.ID()]
	if !ok {
		return s, fmt.Errorf("parquet: no dictionary is indexed by %s", d.DataType())
	}
	at := index(s)
	for i := range at {
		if at[i] < 0 || int(at[i]) >= dictionary.Len() {
			return s, fmt.Errorf("parquet: index %d is outside of its dictionary", at[i])
		}
		at[i] += int32(dictionary.Offset())
	}
	s.data, s.at, s.n = dictionary, at, len(at)
	return s, nil
}

var indexes = map[arrow.Type]func(shredded) []int32{
	arrow.INT8:   func(s shredded) []int32 { return widened[int32](take(s, arrow.Int8Traits.CastFromBytes)) },
	arrow.INT16:  func(s shredded) []int32 { return widened[int32](take(s, arrow.Int16Traits.CastFromBytes)) },
	arrow.INT32:  func(s shredded) []int32 { return widened[int32](take(s, arrow.Int32Traits.CastFromBytes)) },
	arrow.UINT8:  func(s shredded) []int32 { return widened[int32](take(s, arrow.Uint8Traits.CastFromBytes)) },
	arrow.UINT16: func(s shredded) []int32 { return widened[int32](take(s, arrow.Uint16Traits.CastFromBytes)) },
}

// take gives the leaf's values, in its own buffer where they lie side by side there.
func take[T any](s shredded, cast func([]byte) []T) []T {
	if s.n == 0 {
		return nil
	}
	all := cast(s.data.Buffers()[1].Bytes())
	if s.at == nil {
		return all[s.first : s.first+s.n]
	}
	out := make([]T, len(s.at))
	for i, at := range s.at {
		out[i] = all[at]
	}
	return out
}

// widened are integers of 32 bits.
func widened[U int32 | uint32, T int8 | int16 | int32 | uint8 | uint16](values []T) []U {
	out := make([]U, len(values))
	for i, v := range values {
		out[i] = U(v)
	}
	return out
}

// slot is where a value lies.
func (s *shredded) slot(i int) int {
	if s.at != nil {
		return int(s.at[i])
	}
	return s.first + i
}

func bytesOf(d arrow.ArrayData, buffer int) []byte {
	if b := d.Buffers()[buffer]; b != nil {
		return b.Bytes()
	}
	return nil
}
