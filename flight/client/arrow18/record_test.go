package arrow18

import (
	"bytes"
	"strings"
	"testing"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	arrow15 "github.com/apache/arrow/go/v15/arrow"
	array15 "github.com/apache/arrow/go/v15/arrow/array"
	ipc15 "github.com/apache/arrow/go/v15/arrow/ipc"
	memory15 "github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
)

var (
	words  = &arrow15.DictionaryType{IndexType: arrow15.PrimitiveTypes.Int16, ValueType: arrow15.BinaryTypes.String}
	struc  = arrow15.StructOf(arrow15.Field{Name: "a", Type: arrow15.PrimitiveTypes.Int32, Nullable: true}, arrow15.Field{Name: "w", Type: words, Nullable: true})
	schema = arrow15.NewSchema([]arrow15.Field{
		{Name: "bool", Type: arrow15.FixedWidthTypes.Boolean, Nullable: true},
		{Name: "half", Type: arrow15.FixedWidthTypes.Float16, Nullable: true},
		{Name: "double", Type: arrow15.PrimitiveTypes.Float64, Nullable: true, Metadata: arrow15.NewMetadata([]string{"k"}, []string{"v"})},
		{Name: "text", Type: arrow15.BinaryTypes.String, Nullable: true},
		{Name: "large", Type: arrow15.BinaryTypes.LargeBinary, Nullable: true},
		{Name: "fixed", Type: &arrow15.FixedSizeBinaryType{ByteWidth: 3}, Nullable: true},
		{Name: "when", Type: &arrow15.TimestampType{Unit: arrow15.Nanosecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "words", Type: words, Nullable: true},
		{Name: "lists", Type: arrow15.ListOf(struc), Nullable: true},
		{Name: "tensor", Type: arrow15.FixedSizeListOf(2, arrow15.FixedSizeListOf(3, arrow15.PrimitiveTypes.Uint8)), Nullable: true},
		{Name: "map", Type: arrow15.MapOf(arrow15.BinaryTypes.String, arrow15.PrimitiveTypes.Int64), Nullable: true},
		{Name: "null", Type: arrow15.Null, Nullable: true},
	}, new(arrow15.NewMetadata([]string{"hdf5.kind"}, []string{"table"})))
)

const rows = `[
{"bool": true, "half": 1.5, "double": 2.25, "text": "é", "large": "AAE=", "fixed": "YWJj", "when": "2026-01-02T03:04:05.000000006", "words": "x",
 "lists": [{"a": 1, "w": "p"}, {"a": null, "w": null}], "tensor": [[1, 2, 3], [4, 5, 6]], "map": [{"key": "k", "value": 1}], "null": null},
{"bool": null, "half": null, "double": null, "text": null, "large": null, "fixed": null, "when": null, "words": null, "lists": null,
 "tensor": null, "map": null, "null": null},
{"bool": false, "half": -1, "double": 0, "text": "", "large": "", "fixed": "AAAA", "when": "1970-01-01", "words": "y", "lists": [],
 "tensor": [[0, 0, 0], [7, 8, 9]], "map": [], "null": null},
{"bool": false, "half": 0, "double": -0.5, "text": "last", "large": "Ag==", "fixed": "enp6", "when": "1969-12-31", "words": "x",
 "lists": [{"a": 5, "w": "q"}], "tensor": [[1, 1, 1], [1, 1, 1]], "map": [{"key": "a", "value": 2}, {"key": "b", "value": null}], "null": null}]`

func made(t *testing.T, mem memory15.Allocator) arrow15.Record {
	t.Helper()
	r, _, err := array15.RecordFromJSON(mem, schema, strings.NewReader(rows))
	require.NoError(t, err)
	return r
}

// throughIPC is a record in v18 by a copy.
func throughIPC(t *testing.T, r arrow15.Record, mem memory.Allocator) *ipc.Reader {
	t.Helper()
	var b bytes.Buffer
	w := ipc15.NewWriter(&b, ipc15.WithSchema(r.Schema()))
	require.NoError(t, w.Write(r))
	require.NoError(t, w.Close())
	in, err := ipc.NewReader(&b, ipc.WithAllocator(mem))
	require.NoError(t, err)
	require.True(t, in.Next())
	return in
}

// TestRecord holds records, whole and sliced, to what Arrow's own format makes of them, over the same bytes.
func TestRecord(t *testing.T) {
	for _, cut := range [][2]int64{{0, 4}, {1, 4}, {1, 3}, {2, 2}} {
		mem15, mem := memory15.NewCheckedAllocator(memory15.NewGoAllocator()), memory.NewCheckedAllocator(memory.NewGoAllocator())
		whole := made(t, mem15)
		part := whole.NewSlice(cut[0], cut[1])
		copied := throughIPC(t, whole, mem)
		want := copied.RecordBatch().NewSlice(cut[0], cut[1])
		copied.Release()
		whole.Release()
		got, err := Record(part)
		require.NoError(t, err)
		require.True(t, want.Schema().Equal(got.Schema()), "%v\n%v", want.Schema(), got.Schema())
		require.Equal(t, want.Schema().Metadata(), got.Schema().Metadata())
		require.True(t, array.RecordEqual(want, got), "%v\n%v", want, got)
		for i, c := range got.Columns() {
			for k, b := range c.Data().Buffers() {
				if b != nil && b.Len() > 0 {
					require.Same(t, unsafe.SliceData(part.Column(i).Data().Buffers()[k].Bytes()), unsafe.SliceData(b.Bytes()), "copied")
				}
			}
		}
		want.Release()
		part.Release()
		require.NotZero(t, mem15.CurrentAlloc(), "v18 holds v15's bytes")
		kept := got.Column(8) // outlives its record
		kept.Retain()
		got.Release()
		require.NotZero(t, mem15.CurrentAlloc())
		kept.Release()
		mem15.AssertSize(t, 0)
		mem.AssertSize(t, 0)
	}
}

// given is v15's records with an error at their end.
type given struct {
	array15.RecordReader
	err error
}

func (g given) Err() error { return g.err }

func TestReader(t *testing.T) {
	mem := memory15.NewCheckedAllocator(memory15.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	r := made(t, mem)
	in15, err := array15.NewRecordReader(schema, []arrow15.Record{r, r})
	require.NoError(t, err)
	r.Release()
	in, err := NewReader(given{in15, bytes.ErrTooLarge})
	require.NoError(t, err)
	require.Equal(t, 12, in.Schema().NumFields())
	require.True(t, in.Next())
	kept := in.RecordBatch()
	kept.Retain()
	require.True(t, in.Next())
	require.True(t, array.RecordEqual(kept, in.Record()))
	require.False(t, in.Next())
	require.ErrorIs(t, in.Err(), bytes.ErrTooLarge)
	in.Retain()
	in.Release()
	in.Release()
	require.EqualValues(t, 4, kept.NumRows())
	require.Equal(t, arrow.PrimitiveTypes.Float64, kept.Column(2).DataType())
	kept.Release()
}
