package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
)

// What appendHybrid writes is read by the words of Parquet's specification.
func TestHybrid(t *testing.T) {
	for width := 1; width <= 31; width++ {
		for range 50 {
			var want []int32
			for range rand.IntN(20) {
				v := rand.Int32N(math.MaxInt32>>(31-width)) + rand.Int32N(2)
				want = append(want, slices.Repeat([]int32{v}, 1+rand.IntN(1<<rand.IntN(11)))...)
				for range rand.IntN(30) {
					want = append(want, rand.Int32N(math.MaxInt32>>(31-width))+rand.Int32N(2))
				}
			}
			got := hybridValues(t, appendHybrid(nil, want, width), width)
			require.GreaterOrEqual(t, len(got), len(want))
			require.Equal(t, want, got[:len(want):len(want)], width)
			require.Less(t, len(got)-len(want), 8)
		}
	}
}

func hybridValues(t *testing.T, data []byte, width int) (out []int32) {
	for len(data) > 0 {
		head, n := binary.Uvarint(data)
		require.Positive(t, n)
		data = data[n:]
		if head&1 == 0 {
			var v [4]byte
			size := (width + 7) / 8
			copy(v[:], data[:size])
			out = append(out, slices.Repeat([]int32{int32(binary.LittleEndian.Uint32(v[:]))}, int(head>>1))...)
			data = data[size:]
			continue
		}
		for i := range int(head>>1) * 8 {
			v := int32(0)
			for b := range width {
				at := i*width + b
				v |= int32(data[at/8]>>(at%8)&1) << b
			}
			out = append(out, v)
		}
		data = data[int(head>>1)*width:]
	}
	return out
}

var mixed = arrow.NewSchema([]arrow.Field{
	{Name: "few", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "many", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "floats", Type: arrow.PrimitiveTypes.Float32},
	{Name: "small", Type: arrow.PrimitiveTypes.Uint16, Nullable: true},
	{Name: "flag", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "wide", Type: arrow.BinaryTypes.LargeString, Nullable: true},
	{Name: "fixed", Type: &arrow.FixedSizeBinaryType{ByteWidth: 5}, Nullable: true},
	{Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true},
	{Name: "array", Type: arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Int16)},
}, nil)

// mixedRecord has rows whose values differ in one of `distinct` ways, and a null in one of `nulls` rows, 0: none.
func mixedRecord(mem memory.Allocator, rows, distinct, nulls int) arrow.Record {
	b := array.NewRecordBuilder(mem, mixed)
	defer b.Release()
	for range rows {
		v := rand.IntN(distinct)
		for i, f := range mixed.Fields() {
			if f.Nullable && nulls > 0 && rand.IntN(nulls) == 0 {
				b.Field(i).AppendNull()
				continue
			}
			appendMixed(b.Field(i), v)
		}
	}
	return b.NewRecord()
}

func appendMixed(to array.Builder, v int) {
	switch b := to.(type) {
	case *array.Int64Builder:
		b.Append(int64(v % 100))
	case *array.Float64Builder:
		b.Append(float64(v) / 7)
	case *array.Float32Builder:
		b.Append(float32(v))
	case *array.Uint16Builder:
		b.Append(uint16(v))
	case *array.BooleanBuilder:
		b.Append(v%3 == 0)
	case *array.StringBuilder:
		b.Append(fmt.Sprintf("%0200d", v)) // a dictionary takes 5140
	case *array.LargeStringBuilder:
		b.Append(fmt.Sprint(v % 10))
	case *array.FixedSizeBinaryBuilder:
		b.Append([]byte(fmt.Sprintf("%05d", v%100000)))
	case *array.ListBuilder:
		b.Append(true)
		for i := range v % 3 {
			b.ValueBuilder().(*array.Int32Builder).Append(int32(v * i))
		}
	case *array.FixedSizeListBuilder:
		b.Append(true)
		for i := range 3 {
			b.ValueBuilder().(*array.Int16Builder).Append(int16(v + i))
		}
	}
}

// Values come back from pages of dictionaries that were outgrown in the middle of a row group, from row groups without
// one after that, and from pages where nulls came only later, or no more.
func TestPages(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	var records []arrow.Record
	for _, nulls := range []int{0, 3, 0, 0, 50} {
		for _, distinct := range []int{20, 1 << 30} {
			records = append(records, mixedRecord(mem, 4000, distinct, nulls))
			defer records[len(records)-1].Release()
		}
	}
	requireSame(t, mixed, written(t, mixed, "snappy", 25000, records...), records)
	for i, f := range mixed.Fields() {
		alone, parts := arrow.NewSchema([]arrow.Field{f}, nil), []arrow.Record(nil)
		for _, r := range records {
			parts = append(parts, array.NewRecord(alone, []arrow.Array{r.Column(i)}, r.NumRows()))
			defer parts[len(parts)-1].Release()
		}
		requireSame(t, alone, written(t, alone, "zstd", 30000, parts...), parts)
	}
}

// requireSame compares each leaf's levels and values, as they are read by arrow-go, with what Dremel's make of the records.
func requireSame(t *testing.T, s *arrow.Schema, data []byte, records []arrow.Record) {
	t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(data))
	require.NoError(t, err)
	defer r.Close()
	for i, l := range leavesOf(s) {
		var got, want []string
		for group := range r.NumRowGroups() {
			column, err := r.RowGroup(group).Column(i)
			require.NoError(t, err)
			got = append(got, allEntries(t, column)...)
		}
		for _, record := range records {
			text, err := record.Column(l.column).MarshalJSON()
			require.NoError(t, err)
			for _, value := range parsed(t, text).([]any) {
				want = appendEntries(want, value, s.Field(l.column), l.steps, 0, 0, 0)
			}
		}
		require.Len(t, got, len(want))
		for k := range want {
			if got[k] != want[k] && !sameNumber(got[k], want[k]) {
				require.Equal(t, want[k], got[k], "%s %d", s.Field(l.column), k)
			}
		}
	}
}

// sameNumber compares entries of floats, of which JSON has other spellings.
func sameNumber(a, b string) bool {
	var def, rep, def2, rep2 int
	var x, y float64
	n, _ := fmt.Sscan(a, &def, &rep, &x)
	m, _ := fmt.Sscan(b, &def2, &rep2, &y)
	return n == 3 && m == 3 && def == def2 && rep == rep2 && x == y
}

func allEntries(t *testing.T, column file.ColumnChunkReader) (out []string) {
	for column.HasNext() {
		out = append(out, entriesOf(t, column)...)
	}
	return out
}

// Numbers outgrow their dictionary at 1 MiB of them, alone in a file or not.
func TestOutgrown(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	s := arrow.NewSchema([]arrow.Field{{Name: "f", Type: arrow.PrimitiveTypes.Float64}, {Name: "i", Type: arrow.PrimitiveTypes.Int32, Nullable: true}}, nil)
	b := array.NewRecordBuilder(mem, s)
	defer b.Release()
	const n = 400_000
	for i := range n {
		b.Field(0).(*array.Float64Builder).Append(float64(i % 250_000))
		b.Field(1).(*array.Int32Builder).Append(int32(i % 300_000))
	}
	r := b.NewRecord()
	defer r.Release()
	lone := array.NewRecord(arrow.NewSchema(s.Fields()[:1], nil), r.Columns()[:1], n)
	defer lone.Release()
	for _, r := range []arrow.Record{r, lone} {
		in, err := file.NewParquetReader(bytes.NewReader(written(t, r.Schema(), "", 350_000, r)))
		require.NoError(t, err)
		var floats []float64
		for group := range in.NumRowGroups() {
			column, err := in.RowGroup(group).Column(0)
			require.NoError(t, err)
			for part := make([]float64, n); column.HasNext(); {
				_, got, err := column.(*file.Float64ColumnChunkReader).ReadBatch(n, part, nil, nil)
				require.NoError(t, err)
				floats = append(floats, part[:got]...)
			}
		}
		require.Equal(t, r.Column(0).(*array.Float64).Float64Values(), floats)
		first, err := in.MetaData().RowGroup(0).ColumnChunk(0)
		require.NoError(t, err)
		require.True(t, first.HasDictionaryPage())
		second, err := in.MetaData().RowGroup(1).ColumnChunk(0)
		require.NoError(t, err)
		require.False(t, second.HasDictionaryPage())
		require.NoError(t, in.Close())
	}
}

// The dictionaries of a table of many columns, which are made side by side, stay small together.
func TestManyDictionaries(t *testing.T) {
	for columns, want := range map[int]int{1: dictBytes, 64: dictBytes, 1000: allDictBytes / 1000} {
		w, err := NewWriter(io.Discard, arrow.NewSchema(slices.Repeat([]arrow.Field{{Name: "c", Type: arrow.PrimitiveTypes.Int32}}, columns), nil), "")
		require.NoError(t, err)
		require.Equal(t, want, w.columns[columns-1].limit)
	}
}

// Zeros of either sign and NaNs of every kind keep their bits, in a dictionary too.
func TestBitsOfFloats(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	s := arrow.NewSchema([]arrow.Field{{Name: "f", Type: arrow.PrimitiveTypes.Float64}}, nil)
	b := array.NewRecordBuilder(mem, s)
	defer b.Release()
	want := []float64{0, math.Copysign(0, -1), math.NaN(), math.Float64frombits(0x7ff8000000000123), math.Inf(-1), 0}
	b.Field(0).(*array.Float64Builder).AppendValues(want, nil)
	r := b.NewRecord()
	defer r.Release()
	in, err := file.NewParquetReader(bytes.NewReader(written(t, s, "snappy", groupRows, r)))
	require.NoError(t, err)
	defer in.Close()
	column, err := in.RowGroup(0).Column(0)
	require.NoError(t, err)
	got := make([]float64, len(want))
	_, _, err = column.(*file.Float64ColumnChunkReader).ReadBatch(int64(len(got)), got, nil, nil)
	require.NoError(t, err)
	for i := range want {
		require.Equal(t, math.Float64bits(want[i]), math.Float64bits(got[i]), i)
	}
}

// Tables give equal values equal indexes, and new ones the next, however often they grow.
func TestTables(t *testing.T) {
	var numbers numberTable[uint64]
	var texts textTable
	put := func(out, v []byte) []byte { return append(out, v...) }
	seen := map[uint64]int32{}
	for range 50000 {
		v := uint64(rand.IntN(20000)) << rand.IntN(50)
		want, ok := seen[v]
		if !ok {
			want = int32(len(seen))
			seen[v] = want
		}
		require.Equal(t, []int32{want}, numbers.look(nil, []uint64{v}))
		require.Equal(t, want, texts.index([]byte(fmt.Sprint(v)), put))
	}
	require.Len(t, numbers.values, len(seen))
	require.LessOrEqual(t, bits.Len(uint(len(numbers.slots))), bits.Len(uint(len(seen)))+2)
}

// The memory of a row group's pages is used again by the next one.
func TestArena(t *testing.T) {
	var a arena
	first := a.keep([]byte("one"))
	large := a.keep(bytes.Repeat([]byte("x"), blockBytes+1))
	require.Equal(t, "two", string(a.keep([]byte("two"))))
	require.Equal(t, "one", string(first))
	require.Len(t, large, blockBytes+1)
	blocks := len(a.blocks)
	a.reset()
	again := a.keep([]byte("new"))
	require.Same(t, &first[0], &again[0])
	a.keep(bytes.Repeat([]byte("y"), blockBytes+1))
	require.Equal(t, "z", string(a.keep([]byte("z"))))
	require.Len(t, a.blocks, blocks)
}
