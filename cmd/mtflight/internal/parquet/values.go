package parquet

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"

	"github.com/mtflight/mtflight/internal/fault"
)

// write hands a leaf's levels and values to its column of a row group.
func (s shredded) write(to file.ColumnChunkWriter) (err error) {
	if s.data.DataType().ID() == arrow.DICTIONARY {
		if s, err = s.looked(); err != nil {
			return err
		}
	}
	switch to := to.(type) {
	case *file.BooleanColumnChunkWriter:
		_, err = to.WriteBatch(s.bools(), s.def, s.rep)
	case *file.Int32ColumnChunkWriter:
		_, err = to.WriteBatch(s.int32s(), s.def, s.rep)
	case *file.Int64ColumnChunkWriter:
		var values []int64
		if values, err = s.int64s(); err == nil {
			_, err = to.WriteBatch(values, s.def, s.rep)
		}
	case *file.Float32ColumnChunkWriter:
		_, err = to.WriteBatch(take(s, arrow.Float32Traits.CastFromBytes), s.def, s.rep)
	case *file.Float64ColumnChunkWriter:
		_, err = to.WriteBatch(take(s, arrow.Float64Traits.CastFromBytes), s.def, s.rep)
	case *file.ByteArrayColumnChunkWriter:
		err = s.writeBytes(to)
	case *file.FixedLenByteArrayColumnChunkWriter:
		_, err = to.WriteBatch(s.fixed(), s.def, s.rep)
	default:
		err = fmt.Errorf("parquet: no column takes %s", s.data.DataType())
	}
	return err
}

// looked are the values that a dictionary's indexes lead to.
func (s shredded) looked() (shredded, error) {
	d := s.data.(*array.Data)
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
	return shredded{data: dictionary, def: s.def, rep: s.rep, at: at, n: len(at)}, nil
}

var indexes = map[arrow.Type]func(shredded) []int32{
	arrow.INT8:   func(s shredded) []int32 { return widened(take(s, arrow.Int8Traits.CastFromBytes)) },
	arrow.INT16:  func(s shredded) []int32 { return widened(take(s, arrow.Int16Traits.CastFromBytes)) },
	arrow.INT32:  func(s shredded) []int32 { return widened(take(s, arrow.Int32Traits.CastFromBytes)) },
	arrow.UINT8:  func(s shredded) []int32 { return widened(take(s, arrow.Uint8Traits.CastFromBytes)) },
	arrow.UINT16: func(s shredded) []int32 { return widened(take(s, arrow.Uint16Traits.CastFromBytes)) },
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

// widened are new integers of 32 bits.
func widened[T int8 | int16 | int32 | uint8 | uint16](values []T) []int32 {
	out := make([]int32, len(values))
	for i, v := range values {
		out[i] = int32(v)
	}
	return out
}

// slots calls visit with the slot of each value.
func (s shredded) slots(visit func(i, slot int)) {
	for i := range s.n {
		slot := s.first + i
		if s.at != nil {
			slot = int(s.at[i])
		}
		visit(i, slot)
	}
}

func (s shredded) bools() []bool {
	out := make([]bool, s.n)
	s.slots(func(i, slot int) { out[i] = bitutil.BitIsSet(s.data.Buffers()[1].Bytes(), slot) })
	return out
}

func (s shredded) int32s() []int32 {
	switch s.data.DataType().ID() {
	case arrow.INT8:
		return widened(take(s, arrow.Int8Traits.CastFromBytes))
	case arrow.UINT8:
		return widened(take(s, arrow.Uint8Traits.CastFromBytes))
	case arrow.INT16:
		return widened(take(s, arrow.Int16Traits.CastFromBytes))
	case arrow.UINT16:
		return widened(take(s, arrow.Uint16Traits.CastFromBytes))
	case arrow.NULL:
		return nil
	}
	return take(s, arrow.Int32Traits.CastFromBytes) // unsigned ones too: Parquet's are the same bits
}

func (s shredded) int64s() ([]int64, error) {
	values := take(s, arrow.Int64Traits.CastFromBytes)
	t, ok := s.data.DataType().(*arrow.TimestampType)
	if !ok || t.Unit != arrow.Second {
		return values, nil
	}
	out := make([]int64, len(values))
	for i, v := range values {
		if v > math.MaxInt64/1000 || v < math.MinInt64/1000 {
			return nil, fault.New(fault.Unsupported, "parquet: the time %d s is beyond Parquet's milliseconds: take --time numeric, or write .arrow", v)
		}
		out[i] = v * 1000
	}
	return out, nil
}

func (s shredded) fixed() []parquet.FixedLenByteArray {
	out := make([]parquet.FixedLenByteArray, s.n)
	if s.n == 0 {
		return out
	}
	width, bytes := s.data.DataType().(arrow.FixedWidthDataType).Bytes(), s.data.Buffers()[1].Bytes()
	s.slots(func(i, slot int) { out[i] = bytes[slot*width : (slot+1)*width] })
	return out
}

// writeBytes hands over texts by their offsets where they lie side by side, else one by one.
func (s shredded) writeBytes(to *file.ByteArrayColumnChunkWriter) (err error) {
	if s.n == 0 {
		_, err = to.WriteBatch(nil, s.def, s.rep)
		return err
	}
	if s.data.DataType().Layout().Buffers[1].ByteWidth == arrow.Int64SizeBytes {
		_, err = to.WriteBatch(texts(s, arrow.Int64Traits.CastFromBytes), s.def, s.rep)
		return err
	}
	if s.at == nil && to.SupportsArrowOffsets() {
		offsets := arrow.Int32Traits.CastFromBytes(s.data.Buffers()[1].Bytes())[s.first : s.first+s.n+1]
		_, err = to.WriteBatchArrow(bytesOf(s.data, 2), offsets, s.def, s.rep)
		return err
	}
	_, err = to.WriteBatch(texts(s, arrow.Int32Traits.CastFromBytes), s.def, s.rep)
	return err
}

func texts[T int32 | int64](s shredded, cast func([]byte) []T) []parquet.ByteArray {
	out := make([]parquet.ByteArray, s.n)
	offsets, bytes := cast(s.data.Buffers()[1].Bytes()), bytesOf(s.data, 2)
	if s.at == nil {
		offsets = offsets[s.first : s.first+s.n+1]
		for i := range out {
			out[i] = bytes[offsets[i]:offsets[i+1]]
		}
		return out
	}
	for i, at := range s.at {
		out[i] = bytes[offsets[at]:offsets[at+1]]
	}
	return out
}

func bytesOf(d arrow.ArrayData, buffer int) []byte {
	if b := d.Buffers()[buffer]; b != nil {
		return b.Bytes()
	}
	return nil
}
