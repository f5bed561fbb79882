package main

import (
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	duckdb "github.com/duckdb/duckdb-go-bindings"
)

// sameBytes are Arrow's types whose values DuckDB has in the same bytes.
var sameBytes = map[arrow.Type]duckdb.Type{
	arrow.INT8: duckdb.TypeTinyInt, arrow.INT16: duckdb.TypeSmallInt, arrow.INT32: duckdb.TypeInteger, arrow.INT64: duckdb.TypeBigInt,
	arrow.UINT8: duckdb.TypeUTinyInt, arrow.UINT16: duckdb.TypeUSmallInt, arrow.UINT32: duckdb.TypeUInteger, arrow.UINT64: duckdb.TypeUBigInt,
	arrow.FLOAT32: duckdb.TypeFloat, arrow.FLOAT64: duckdb.TypeDouble, arrow.DATE32: duckdb.TypeDate, arrow.DURATION: duckdb.TypeBigInt,
}

var timestamps = map[arrow.TimeUnit]duckdb.Type{
	arrow.Second: duckdb.TypeTimestampS, arrow.Millisecond: duckdb.TypeTimestampMS, arrow.Microsecond: duckdb.TypeTimestamp, arrow.Nanosecond: duckdb.TypeTimestampNS,
}

// typeOf is DuckDB's type of an Arrow type, the caller's own.
func typeOf(t arrow.DataType) (duckdb.LogicalType, bool) {
	switch t := t.(type) {
	case *arrow.BooleanType:
		return duckdb.CreateLogicalType(duckdb.TypeBoolean), true
	case *arrow.StringType:
		return duckdb.CreateLogicalType(duckdb.TypeVarchar), true
	case *arrow.BinaryType, *arrow.FixedSizeBinaryType:
		return duckdb.CreateLogicalType(duckdb.TypeBlob), true
	case *arrow.TimestampType:
		if t.TimeZone != "" && t.Unit == arrow.Microsecond {
			return duckdb.CreateLogicalType(duckdb.TypeTimestampTZ), true
		}
		return duckdb.CreateLogicalType(timestamps[t.Unit]), true
	case *arrow.ListType:
		of, ok := typeOf(t.Elem())
		if !ok {
			return of, false
		}
		defer duckdb.DestroyLogicalType(&of)
		return duckdb.CreateListType(of), true
	}
	same, ok := sameBytes[t.ID()]
	if !ok {
		return duckdb.LogicalType{}, false
	}
	return duckdb.CreateLogicalType(same), true
}

// fill puts n values of an array, from one on, into a vector of its type.
func fill(v duckdb.Vector, a arrow.ArrayData, from, n int) {
	if n == 0 {
		return
	}
	from += a.Offset()
	setNulls(v, a, from, n)
	data := duckdb.VectorGetData(v)
	switch t := a.DataType().(type) {
	case *arrow.BooleanType:
		out := unsafe.Slice((*bool)(data), n)
		for i := range out {
			out[i] = bitutil.BitIsSet(a.Buffers()[1].Bytes(), from+i)
		}
	case *arrow.StringType, *arrow.BinaryType:
		fillTexts(v, data, a, from, n)
	case *arrow.FixedSizeBinaryType:
		for i := range n {
			at := (from + i) * t.ByteWidth
			assign(v, data, i, a.Buffers()[1].Bytes()[at:at+t.ByteWidth])
		}
	case *arrow.ListType:
		fillLists(v, data, a, from, n)
	case arrow.FixedWidthDataType:
		w := t.BitWidth() / 8
		copy(unsafe.Slice((*byte)(data), n*w), a.Buffers()[1].Bytes()[from*w:])
	}
}

func setNulls(v duckdb.Vector, a arrow.ArrayData, from, n int) {
	if a.NullN() == 0 || a.Buffers()[0] == nil {
		return
	}
	duckdb.VectorEnsureValidityWritable(v)
	mask, valid := unsafe.Slice((*uint64)(duckdb.VectorGetValidity(v)), (n+63)/64), a.Buffers()[0].Bytes()
	for i := range mask {
		mask[i] = ^uint64(0)
	}
	for i := range n {
		if !bitutil.BitIsSet(valid, from+i) {
			mask[i/64] &^= 1 << (i % 64)
		}
	}
}

func fillTexts(v duckdb.Vector, data unsafe.Pointer, a arrow.ArrayData, from, n int) {
	offsets := arrow.Int32Traits.CastFromBytes(a.Buffers()[1].Bytes())[from : from+n+1]
	var bytes []byte
	if b := a.Buffers()[2]; b != nil {
		bytes = b.Bytes()
	}
	for i := range n {
		assign(v, data, i, bytes[offsets[i]:offsets[i+1]])
	}
}

// text is DuckDB's string_t of up to twelve bytes; longer ones are put into its own memory.
type text struct {
	size  uint32
	bytes [12]byte
}

func assign(v duckdb.Vector, data unsafe.Pointer, i int, s []byte) {
	if len(s) > len(text{}.bytes) {
		duckdb.UnsafeVectorAssignStringElementLen(v, duckdb.IdxT(i), s)
		return
	}
	t := (*text)(unsafe.Add(data, i*int(unsafe.Sizeof(text{}))))
	*t = text{size: uint32(len(s))}
	copy(t.bytes[:], s)
}

// entry is DuckDB's list_entry_t.
type entry struct{ offset, size uint64 }

func fillLists(v duckdb.Vector, data unsafe.Pointer, a arrow.ArrayData, from, n int) {
	offsets := arrow.Int32Traits.CastFromBytes(a.Buffers()[1].Bytes())[from : from+n+1]
	first, all := offsets[0], int(offsets[n]-offsets[0])
	duckdb.ListVectorReserve(v, duckdb.IdxT(all))
	entries := unsafe.Slice((*entry)(data), n)
	for i := range entries {
		entries[i] = entry{uint64(offsets[i] - first), uint64(offsets[i+1] - offsets[i])}
	}
	fill(duckdb.ListVectorGetChild(v), a.Children()[0], int(first), all)
	duckdb.ListVectorSetSize(v, duckdb.IdxT(all))
}
