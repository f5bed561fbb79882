package main

import (
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"
)

func TestShortTypes(t *testing.T) {
	names := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	for want, of := range map[string]arrow.DataType{
		"int64":                             arrow.PrimitiveTypes.Int64,
		"float32[3]":                        arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Float32),
		"list<int32>":                       arrow.ListOf(arrow.PrimitiveTypes.Int32),
		"dictionary<utf8>":                  names,
		"dictionary<utf8>[2]":               arrow.FixedSizeListOf(2, names),
		"list<uint8[4]>":                    arrow.ListOf(arrow.FixedSizeListOfNonNullable(4, arrow.PrimitiveTypes.Uint8)),
		"struct<x: float64, y: list<int8>>": arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Float64}, arrow.Field{Name: "y", Type: arrow.ListOf(arrow.PrimitiveTypes.Int8)}),
		"struct<x: utf8>[2]":                arrow.FixedSizeListOf(2, arrow.StructOf(arrow.Field{Name: "x", Type: arrow.BinaryTypes.String})),
	} {
		require.Equal(t, want, shortType(of.String()))
	}
	for h5, want := range map[string]string{"f64le": "float64", "u8": "uint8", "i16be": "int16 (big endian)", "i32le/prec20": "i32le/prec20", "str(4,nullterm,ascii)": "str(4,nullterm,ascii)"} {
		require.Equal(t, want, numberType(h5))
	}
	require.Equal(t, "int16", elementType(arrow.FixedSizeListOf(8, arrow.PrimitiveTypes.Int16).String()))
}
