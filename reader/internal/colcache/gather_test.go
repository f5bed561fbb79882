package colcache

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
)

var keptTypes = []arrow.DataType{
	arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Int64,
	arrow.FixedWidthTypes.Timestamp_us, &arrow.FixedSizeBinaryType{ByteWidth: 5}, arrow.BinaryTypes.String, arrow.BinaryTypes.Binary,
	arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Float64), arrow.FixedSizeListOf(2, arrow.FixedWidthTypes.Timestamp_ns),
}

// drawn is n values of a type, one in so many null (0: none).
func drawn(r *rand.Rand, mem memory.Allocator, t arrow.DataType, n, null int) arrow.Array {
	b := array.NewBuilder(mem, t)
	defer b.Release()
	for range n {
		draw(r, b, null)
	}
	return b.NewArray()
}

func draw(r *rand.Rand, b array.Builder, null int) {
	if _, list := b.(*array.FixedSizeListBuilder); !list && null > 0 && r.IntN(null) == 0 {
		b.AppendNull()
		return
	}
	switch b := b.(type) {
	case *array.BooleanBuilder:
		b.Append(r.IntN(2) == 0)
	case *array.Int8Builder:
		b.Append(int8(r.Int()))
	case *array.Uint16Builder:
		b.Append(uint16(r.Int()))
	case *array.Float32Builder:
		b.Append(r.Float32())
	case *array.Int64Builder:
		b.Append(r.Int64())
	case *array.Float64Builder:
		b.Append(r.Float64())
	case *array.TimestampBuilder:
		b.Append(arrow.Timestamp(r.Int64()))
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte{byte(r.Int()), 1, 2, byte(r.Int()), 4})
	case *array.StringBuilder:
		b.Append(string(make([]rune, r.IntN(5))))
	case *array.BinaryBuilder:
		b.Append(make([]byte, r.IntN(9)))
	case *array.FixedSizeListBuilder:
		b.Append(true)
		for range int(b.Type().(*arrow.FixedSizeListType).Len()) {
			draw(r, b.ValueBuilder(), null)
		}
	}
}

// TestRowsOfManyArrays compares rows that are found, in any order and several times, with Arrow's concatenation of them one by one.
func TestRowsOfManyArrays(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	r := rand.New(rand.NewPCG(19, 2))
	for _, typ := range keptTypes {
		require.True(t, keeps(typ))
		for null := range 4 {
			c := New(64 << 20)
			c.Know(1)
			d := Dataset{Cache: c, File: 1, Object: 2}
			all := drawn(r, mem, typ, 9000, null*3)
			for at := int64(0); at < 9000; {
				n := min(9000-at, 2000+r.Int64N(1000))
				part := array.NewSlice(all, at, at+n)
				d.Add([]string{"a"}, at, []arrow.Array{part})
				part.Release()
				at += n - r.Int64N(min(n, 50)) // some overlap
			}
			for range 5 {
				compareRows(t, mem, d, all, drawnRows(r, 9000))
			}
			require.Nil(t, d.FindRows([]string{"a"}, []int64{3, 9001}))
			require.False(t, d.HasRows([]string{"a"}, []int64{9001}))
			c.Close()
			all.Release()
		}
	}
}

func drawnRows(r *rand.Rand, n int64) []int64 {
	out := make([]int64, 1+r.IntN(500))
	for i := range out {
		out[i] = r.Int64N(n)
	}
	if r.IntN(2) == 0 {
		slices.Sort(out)
	}
	return out
}

func compareRows(t *testing.T, mem memory.Allocator, d Dataset, all arrow.Array, rows []int64) {
	t.Helper()
	require.True(t, d.HasRows([]string{"a"}, rows))
	found := d.FindRows([]string{"a", "a"}, rows)
	require.NotNil(t, found)
	defer found.Release()
	got, err := found.Arrays(mem, false)
	require.NoError(t, err)
	defer releaseAll(got)
	var parts []arrow.Array
	for _, row := range rows {
		parts = append(parts, array.NewSlice(all, row, row+1))
	}
	defer releaseAll(parts)
	want, err := array.Concatenate(parts, mem)
	require.NoError(t, err)
	defer want.Release()
	for _, g := range got {
		require.True(t, array.Equal(want, g), "%s", all.DataType())
	}
}
