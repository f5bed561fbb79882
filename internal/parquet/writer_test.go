package parquet

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var deep = arrow.NewSchema([]arrow.Field{
	{Name: "plain", Type: arrow.PrimitiveTypes.Int64},
	{Name: "holes", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
	{Name: "flag", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "fixed", Type: &arrow.FixedSizeBinaryType{ByteWidth: 3}, Nullable: true},
	{Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true},
	{Name: "needed", Type: arrow.ListOfNonNullable(arrow.BinaryTypes.String)},
	{Name: "lists", Type: arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Int16)), Nullable: true},
	{Name: "struct", Type: arrow.StructOf(
		arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Float32},
		arrow.Field{Name: "in", Type: arrow.ListOf(arrow.StructOf(arrow.Field{Name: "y", Type: arrow.BinaryTypes.String, Nullable: true})), Nullable: true},
	), Nullable: true},
}, nil)

// random appends n values, with nulls where the field may have them.
func random(b array.Builder, f arrow.Field, n int) {
	for range n {
		if f.Nullable && rand.IntN(4) == 0 {
			b.AppendNull()
			continue
		}
		switch b := b.(type) {
		case *array.ListBuilder:
			b.Append(true)
			random(b.ValueBuilder(), f.Type.(*arrow.ListType).ElemField(), rand.IntN(4))
		case *array.StructBuilder:
			b.Append(true)
			for i, part := range f.Type.(*arrow.StructType).Fields() {
				random(b.FieldBuilder(i), part, 1)
			}
		case *array.FixedSizeBinaryBuilder:
			b.Append([]byte(fmt.Sprintf("%03d", rand.IntN(1000))))
		case *array.BooleanBuilder:
			b.Append(rand.IntN(2) == 0)
		default:
			if err := b.AppendValueFromString(fmt.Sprint(rand.IntN(100))); err != nil {
				panic(err)
			}
		}
	}
}

func randomRecord(mem memory.Allocator, s *arrow.Schema, rows int) arrow.Record {
	b := array.NewRecordBuilder(mem, s)
	defer b.Release()
	for i, f := range s.Fields() {
		random(b.Field(i), f, rows)
	}
	return b.NewRecord()
}

func written(t *testing.T, s *arrow.Schema, codec string, group int64, records ...arrow.Record) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewWriter(&out, s, codec)
	require.NoError(t, err)
	w.most = group
	for _, r := range records {
		require.NoError(t, w.Write(r))
	}
	require.NoError(t, w.Close())
	return out.Bytes()
}

// Nested values of records that are slices of others are where Dremel's levels say, in row groups that end in the middle
// of records.
func TestNested(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	for _, codec := range Codecs {
		for range 10 {
			all := randomRecord(mem, deep, 200)
			from := rand.Int64N(50)
			part := all.NewSlice(from, from+rand.Int64N(150))
			requireRead(t, written(t, deep, codec, 37, part, all), part, all)
			part.Release()
			all.Release()
		}
	}
}

// Columns without a single value have empty dictionaries and pages, which every codec takes.
func TestOnlyNulls(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	s := arrow.NewSchema([]arrow.Field{
		{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "number", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(mem, s)
	defer b.Release()
	for _, column := range b.Fields() {
		column.AppendNulls(50)
	}
	r := b.NewRecord()
	defer r.Release()
	for _, codec := range Codecs {
		requireRead(t, written(t, s, codec, 37, r), r)
	}
}

// requireRead compares each leaf's levels and values with those of the records, by JSON of their values.
func requireRead(t *testing.T, data []byte, records ...arrow.Record) {
	t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(data))
	require.NoError(t, err)
	defer r.Close()
	for i, l := range leavesOf(records[0].Schema()) {
		var got []string
		for group := range r.NumRowGroups() {
			column, err := r.RowGroup(group).Column(i)
			require.NoError(t, err)
			got = append(got, entriesOf(t, column)...)
		}
		var want []string
		for _, rec := range records {
			text, err := rec.Column(l.column).MarshalJSON()
			require.NoError(t, err)
			for _, value := range parsed(t, text).([]any) {
				want = appendEntries(want, value, rec.Schema().Field(l.column), l.steps, 0, 0, 0)
			}
		}
		require.Equal(t, want, got, records[0].Schema().Field(l.column))
	}
}

func entry(parts ...any) string { return strings.TrimSpace(fmt.Sprintln(parts...)) }

func parsed(t *testing.T, text []byte) (value any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&value))
	return value
}

// appendEntries takes one value apart as the paper says it.
func appendEntries(out []string, v any, f arrow.Field, way []step, def, rep, depth int) []string {
	if v == nil {
		return append(out, entry(def, rep))
	}
	if f.Nullable {
		def++
	}
	switch typ := f.Type.(type) {
	case *arrow.StructType:
		part := typ.Field(way[0].child)
		return appendEntries(out, v.(map[string]any)[part.Name], part, way[1:], def, rep, depth)
	case arrow.ListLikeType:
		for _, element := range v.([]any) {
			out = appendEntries(out, element, typ.ElemField(), way[1:], def+1, rep, depth+1)
			rep = depth + 1
		}
		if len(v.([]any)) == 0 {
			out = append(out, entry(def, rep))
		}
		return out
	}
	return append(out, entry(def, rep, v))
}

// entriesOf reads a leaf.
func entriesOf(t *testing.T, column file.ColumnChunkReader) (out []string) {
	t.Helper()
	const most = 10000
	def, rep, values := make([]int16, most), make([]int16, most), []any{}
	n := int64(0)
	switch c := column.(type) {
	case *file.BooleanColumnChunkReader:
		n, values = read(t, c.ReadBatch, def, rep)
	case *file.Int32ColumnChunkReader:
		n, values = read(t, c.ReadBatch, def, rep)
	case *file.Int64ColumnChunkReader:
		n, values = read(t, c.ReadBatch, def, rep)
	case *file.Float32ColumnChunkReader:
		n, values = read(t, c.ReadBatch, def, rep)
	case *file.Float64ColumnChunkReader:
		n, values = read(t, c.ReadBatch, def, rep)
	case *file.ByteArrayColumnChunkReader:
		n, values = read(t, c.ReadBatch, def, rep)
	case *file.FixedLenByteArrayColumnChunkReader:
		n, values = read(t, c.ReadBatch, def, rep)
		for i, v := range values {
			values[i] = base64.StdEncoding.EncodeToString(v.(parquet.FixedLenByteArray))
		}
	}
	top := column.Descriptor().MaxDefinitionLevel()
	for i := range n {
		here := []any{def[i], rep[i]}
		if def[i] == top {
			here = append(here, values[0])
			values = values[1:]
		}
		out = append(out, entry(here...))
	}
	return out
}

func read[T any](t *testing.T, batch func(int64, []T, []int16, []int16) (int64, int, error), def, rep []int16) (int64, []any) {
	t.Helper()
	room := make([]T, len(def))
	n, found, err := batch(int64(len(def)), room, def, rep)
	require.NoError(t, err)
	values := make([]any, found)
	for i := range values {
		values[i] = room[i]
	}
	return n, values
}

// A null list may have elements, which are not there for readers.
func TestNullListWithElements(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	b := array.NewInt32Builder(mem)
	defer b.Release()
	b.AppendValues([]int32{1, 2, 3, 4}, nil)
	elements := b.NewInt32Array()
	defer elements.Release()
	s := arrow.NewSchema([]arrow.Field{{Name: "l", Type: arrow.ListOfNonNullable(arrow.PrimitiveTypes.Int32), Nullable: true}}, nil)
	data := array.NewData(s.Field(0).Type, 3, []*memory.Buffer{memory.NewBufferBytes([]byte{0b101}),
		memory.NewBufferBytes(arrow.Int32Traits.CastToBytes([]int32{0, 1, 3, 4}))}, []arrow.ArrayData{elements.Data()}, 1, 0)
	defer data.Release()
	list := array.NewListData(data)
	defer list.Release()
	r := array.NewRecord(s, []arrow.Array{list}, 3)
	defer r.Release()
	require.Equal(t, []string{"2 0 1", "0 0", "2 0 4"}, leafOfFile(t, written(t, s, "none", groupRows, r)))
}

// leafOfFile reads the first leaf of a file's first row group.
func leafOfFile(t *testing.T, data []byte) []string {
	t.Helper()
	r, err := file.NewParquetReader(bytes.NewReader(data))
	require.NoError(t, err)
	defer r.Close()
	column, err := r.RowGroup(0).Column(0)
	require.NoError(t, err)
	return entriesOf(t, column)
}

// The values of a dictionary that changes from record to record are written, not its indexes.
func TestDictionaries(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	s := arrow.NewSchema([]arrow.Field{{Name: "d", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, Nullable: true}}, nil)
	var records []arrow.Record
	for _, texts := range [][]string{{"a", "b", "a"}, {"c", "b"}} {
		b := array.NewDictionaryBuilder(mem, s.Field(0).Type.(*arrow.DictionaryType)).(*array.BinaryDictionaryBuilder)
		for _, text := range texts {
			require.NoError(t, b.AppendString(text))
		}
		b.AppendNull()
		column := b.NewArray()
		records = append(records, array.NewRecord(s, []arrow.Array{column}, int64(column.Len())))
		column.Release()
		b.Release()
		defer records[len(records)-1].Release()
	}
	require.Equal(t, []string{"1 0 a", "1 0 b", "1 0 a", "0 0", "1 0 c", "1 0 b", "0 0"}, leafOfFile(t, written(t, s, "gzip", groupRows, records...)))
}

func TestRefuses(t *testing.T) {
	for _, typ := range []arrow.DataType{arrow.FixedWidthTypes.MonthInterval, &arrow.FixedSizeBinaryType{}, arrow.StructOf()} {
		_, err := NewWriter(io.Discard, arrow.NewSchema([]arrow.Field{{Name: "c", Type: typ}}, nil), "")
		require.ErrorIs(t, err, fault.Unsupported)
		require.ErrorContains(t, err, `column "c"`)
	}
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	s := arrow.NewSchema([]arrow.Field{{Name: "when", Type: arrow.FixedWidthTypes.Timestamp_s}}, nil)
	b := array.NewRecordBuilder(mem, s)
	defer b.Release()
	b.Field(0).(*array.TimestampBuilder).Append(1 << 60)
	r := b.NewRecord()
	defer r.Release()
	w, err := NewWriter(io.Discard, s, "")
	require.NoError(t, err)
	require.ErrorContains(t, w.Write(r), "--time numeric")
}

// What is written ends with the disk: the error says so, and no goroutine is left.
func TestWriteFails(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	r := randomRecord(mem, deep, 1000)
	defer r.Release()
	w, err := NewWriter(&full{left: 5000}, deep, "none")
	require.NoError(t, err)
	w.most = 100
	require.ErrorContains(t, w.Write(r), "no space left")
}

type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, fmt.Errorf("no space left")
	}
	return len(p), nil
}
