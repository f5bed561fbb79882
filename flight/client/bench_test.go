package client_test

import (
	"context"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/protocol"
)

// BenchmarkScan is a hundred batches of 3.6 MB.
func BenchmarkScan(b *testing.B) {
	const rows, count = 450_000, 100
	build := array.NewRecordBuilder(memory.DefaultAllocator, otherSchema)
	defer build.Release()
	build.Field(0).(*array.Int64Builder).AppendValues(make([]int64, rows), nil)
	rec := build.NewRecord()
	defer rec.Release()
	all := written(b, otherSchema, rec)
	for len(all) <= count {
		all = append(all, all[1])
	}
	c := (&stream{schema: otherSchema, messages: all}).served(b)
	b.SetBytes(count * rows * int64(arrow.Int64SizeBytes))
	b.ReportAllocs()
	for b.Loop() {
		got, err := c.Scan(context.Background(), protocol.Request{File: "a", Dataset: "/b"})
		require.NoError(b, err)
		n := int64(0)
		for got.Next() {
			n += got.Record().NumRows()
		}
		require.NoError(b, got.Err())
		require.EqualValues(b, count*rows, n)
		got.Release()
	}
}
