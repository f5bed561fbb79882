package collection

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/float16"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

var numbers = []arrow.DataType{arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
	arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64,
	arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64}

// TestNumbersAreUnifiedExactly: every value of a type is the same number in what it is unified to, and what cannot be so is refused.
func TestNumbersAreUnifiedExactly(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	refused := 0
	for _, a := range numbers {
		for _, b := range numbers {
			to, ok := unified(a, b)
			back, also := unified(b, a)
			require.Equal(t, ok, also)
			if !ok {
				refused++
				continue
			}
			require.True(t, arrow.TypeEqual(to, back), "%s %s", a, b)
			values := drawn(mem, a)
			part := array.NewSlice(values, 3, int64(values.Len()))
			data, err := cast(mem, part.Data(), to)
			require.NoError(t, err)
			got := array.MakeFromData(data)
			for i := range part.Len() {
				require.Equal(t, part.IsNull(i), got.IsNull(i))
				require.Equal(t, text(part, i), text(got, i), "%s to %s", a, to)
			}
			got.Release()
			data.Release()
			part.Release()
			values.Release()
		}
	}
	require.Equal(t, 2*(4+3+3), refused) // uint64 with signed ones, 64 bits with floats
}

// text is a number in full.
func text(a arrow.Array, i int) any {
	switch a := a.(type) {
	case *array.Float16:
		return float64(a.Value(i).Float32())
	case *array.Float32:
		return float64(a.Value(i))
	case *array.Float64:
		return a.Value(i)
	case *array.Uint64:
		return float64(a.Value(i))
	}
	var v float64
	for _, c := range a.ValueStr(i) {
		if c == '-' || c == '(' { // (null)
			continue
		}
		v = 10*v + float64(c-'0')
	}
	if a.ValueStr(i)[0] == '-' {
		v = -v
	}
	return v
}

func drawn(mem memory.Allocator, t arrow.DataType) arrow.Array {
	r := rand.New(rand.NewPCG(1, uint64(t.ID())))
	b := array.NewBuilder(mem, t)
	defer b.Release()
	for i := range 100 {
		bits := r.Uint64()
		switch b := b.(type) {
		case *array.Int8Builder:
			b.Append(int8(bits))
		case *array.Int16Builder:
			b.Append(int16(bits))
		case *array.Int32Builder:
			b.Append(int32(bits))
		case *array.Int64Builder:
			b.Append(int64(bits))
		case *array.Uint8Builder:
			b.Append(uint8(bits))
		case *array.Uint16Builder:
			b.Append(uint16(bits))
		case *array.Uint32Builder:
			b.Append(uint32(bits))
		case *array.Uint64Builder:
			b.Append(bits)
		case *array.Float16Builder:
			b.Append(float16.New(float32(i)))
		case *array.Float32Builder:
			b.Append(float32(r.NormFloat64()))
		case *array.Float64Builder:
			b.Append(r.NormFloat64())
		}
	}
	return b.NewArray()
}

func TestTimesAreUnifiedWithinBounds(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	seconds, micro := &arrow.TimestampType{Unit: arrow.Second}, &arrow.TimestampType{Unit: arrow.Microsecond}
	to, ok := unified(seconds, micro)
	require.True(t, ok)
	require.Equal(t, arrow.Microsecond, to.(*arrow.TimestampType).Unit)
	_, ok = unified(seconds, &arrow.TimestampType{Unit: arrow.Second, TimeZone: "UTC"})
	require.False(t, ok)
	for value, fits := range map[arrow.Timestamp]bool{5: true, -5: true, math.MaxInt64 / 1_000_000: true, math.MaxInt64/1_000_000 + 1: false, math.MinInt64: false} {
		b := array.NewTimestampBuilder(mem, seconds)
		b.AppendValues([]arrow.Timestamp{math.MinInt64, value}, []bool{false, true}) // a NaT, as its file has it
		a := b.NewArray()
		data, err := cast(mem, a.Data(), to)
		if fits {
			require.NoError(t, err)
			got := array.NewTimestampData(data)
			require.True(t, got.IsNull(0))
			require.Equal(t, value*1_000_000, got.Value(1))
			got.Release()
			data.Release()
		} else {
			require.ErrorIs(t, err, fault.Precondition)
		}
		a.Release()
		b.Release()
	}
}

// TestNestedNumbersAreUnified: in lists, lists of fixed size and structs, of slices too.
func TestNestedNumbersAreUnified(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	of := func(t arrow.DataType) arrow.DataType {
		return arrow.StructOf(arrow.Field{Name: "l", Type: arrow.ListOf(t), Nullable: true}, arrow.Field{Name: "f", Type: arrow.FixedSizeListOf(2, t), Nullable: true})
	}
	to, ok := unified(of(arrow.PrimitiveTypes.Int16), of(arrow.PrimitiveTypes.Uint32))
	require.True(t, ok)
	require.True(t, arrow.TypeEqual(of(arrow.PrimitiveTypes.Int64), to))
	text := `[{"l": [1, -2], "f": [3, 4]}, {"l": [], "f": [5, 6]}, {"l": null, "f": null}, {"l": [7], "f": [8, 9]}]`
	a, _, err := array.FromJSON(mem, of(arrow.PrimitiveTypes.Int16), strings.NewReader(text))
	require.NoError(t, err)
	defer a.Release()
	for lo := range int64(3) {
		part := array.NewSlice(a, lo, 4)
		data, err := cast(mem, part.Data(), to)
		require.NoError(t, err)
		got := array.MakeFromData(data)
		require.Equal(t, part.String(), got.String())
		got.Release()
		data.Release()
		part.Release()
	}
}

// dirty is memory with something in it, as a pool's is.
type dirty struct{ memory.Allocator }

func (d dirty) Allocate(n int) []byte {
	b := d.Allocator.Allocate(n)
	for i := range b {
		b[i] = 0xa5
	}
	return b
}

// TestWhatIsMadeInUsedMemory: columns that files do not have are nulls, or the values that they should be, whatever the memory held before.
func TestWhatIsMadeInUsedMemory(t *testing.T) {
	checked := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer checked.AssertSize(t, 0)
	mem := dirty{checked}
	for _, dt := range append([]arrow.DataType{arrow.BinaryTypes.String, arrow.BinaryTypes.Binary, arrow.FixedWidthTypes.Boolean, merged,
		arrow.ListOf(arrow.PrimitiveTypes.Int16), arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Float32), arrow.FixedWidthTypes.Timestamp_ns,
		&arrow.FixedSizeBinaryType{ByteWidth: 5}, arrow.StructOf(arrow.Field{Name: "x", Type: arrow.BinaryTypes.String, Nullable: true})}, numbers...) {
		for _, n := range []int{0, 1, 7, 100, 1000} {
			a := nullsOf(mem, dt, n)
			require.Equal(t, n, a.NullN(), dt)
			for i := range n {
				require.True(t, a.IsNull(i), dt)
				require.Equal(t, "(null)", a.ValueStr(i), dt)
			}
			a.Release()
		}
	}
	words := textOf([]string{"a", "b"})
	defer words.Release()
	for _, n := range []int{1, 9, 300} {
		codes := recoded(mem, n, words, func(i int) int32 { return int32(i%3) - 1 })
		texts := repeated(mem, "abc", n)
		for i := range n {
			require.Equal(t, []string{"(null)", "a", "b"}[i%3], codes.ValueStr(i))
			require.Equal(t, "abc", texts.ValueStr(i))
		}
		codes.Release()
		texts.Release()
	}
}
