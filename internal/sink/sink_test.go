package sink

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// record is of columns in JSON; the caller releases it.
func record(t *testing.T, mem memory.Allocator, columns map[string]arrow.DataType, text string) arrow.Record {
	t.Helper()
	var fields []arrow.Field
	for _, name := range []string{"a", "b", "c"} {
		if typ, ok := columns[name]; ok {
			fields = append(fields, arrow.Field{Name: name, Type: typ, Nullable: true})
		}
	}
	r, _, err := array.RecordFromJSON(mem, arrow.NewSchema(fields, nil), strings.NewReader(text))
	require.NoError(t, err)
	return r
}

func TestNPY(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	pair := arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int16)
	r := record(t, mem, map[string]arrow.DataType{"a": arrow.PrimitiveTypes.Int8, "b": pair, "c": arrow.FixedWidthTypes.Boolean},
		`[{"a": 1, "b": [2, 3], "c": true}, {"a": 4, "b": [5, 6], "c": false}, {"a": 7, "b": [8, 9], "c": true}]`)
	defer r.Release()
	part := r.NewSlice(1, 3)
	defer part.Release()
	var out bytes.Buffer
	s, err := New("npy", "", &out, r.Schema(), 2)
	require.NoError(t, err)
	require.NoError(t, s.Write(part))
	require.NoError(t, s.Close())
	header, rows, _ := strings.Cut(out.String(), "\n")
	require.Zero(t, (len(header)+1)%64)
	require.Contains(t, header, `{'descr': [('a', '|i1'), ('b', '<i2', (2,)), ('c', '|b1')], 'fortran_order': False, 'shape': (2,), }`)
	require.Equal(t, "\x04\x05\x00\x06\x00\x00\x07\x08\x00\x09\x00\x01", rows)
}

// TestNPYOfUnknownRows writes their number at the end, which a pipe cannot.
func TestNPYOfUnknownRows(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	r := record(t, mem, map[string]arrow.DataType{"a": arrow.PrimitiveTypes.Float64}, `[{"a": 1}, {"a": 2}]`)
	defer r.Release()
	path := filepath.Join(t.TempDir(), "x.npy")
	f, err := os.Create(path)
	require.NoError(t, err)
	s, err := New("npy", "", f, r.Schema(), -1)
	require.NoError(t, err)
	for range 6 {
		require.NoError(t, s.Write(r))
	}
	require.NoError(t, s.Close())
	require.NoError(t, f.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(whole), "'shape': (12,), }")
	require.Equal(t, byte('\n'), whole[len(whole)-12*8-1])
	_, err = New("npy", "", &bytes.Buffer{}, r.Schema(), -1)
	require.ErrorIs(t, err, fault.Invalid)
}

func TestNPYRefuses(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	text := arrow.NewSchema([]arrow.Field{{Name: "a", Type: arrow.BinaryTypes.String}}, nil)
	_, err := New("npy", "", &bytes.Buffer{}, text, 1)
	require.ErrorIs(t, err, fault.Unsupported)
	require.ErrorContains(t, err, `column "a"`)
	r := record(t, mem, map[string]arrow.DataType{"a": arrow.PrimitiveTypes.Int8}, `[{"a": null}]`)
	defer r.Release()
	s, err := New("npy", "", &bytes.Buffer{}, r.Schema(), 1)
	require.NoError(t, err)
	require.ErrorIs(t, s.Write(r), fault.Precondition)
}

func TestJSON(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	r := record(t, mem, map[string]arrow.DataType{"a": arrow.PrimitiveTypes.Float64, "b": arrow.BinaryTypes.String, "c": arrow.ListOf(arrow.PrimitiveTypes.Float32)},
		`[{"a": "NaN", "b": "x\"\u0007", "c": ["Inf", 1.5]}, {"a": 0.1, "b": null, "c": []}]`)
	defer r.Release()
	rows := `{"a": null, "b": "x\"\u0007", "c": [null,1.5]}` + "," + "\n" + `{"a": 0.1, "b": null, "c": []}`
	for format, want := range map[string]string{"json": "[\n" + rows + "\n]\n", "jsonl": strings.Replace(rows, ",\n", "\n", 1) + "\n"} {
		var out bytes.Buffer
		s, err := New(format, "", &out, r.Schema(), -1)
		require.NoError(t, err)
		require.NoError(t, s.Write(r))
		require.NoError(t, s.Close())
		require.Equal(t, want, out.String())
	}
	var out bytes.Buffer
	s, err := New("json", "", &out, r.Schema(), -1)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.Equal(t, "[]\n", out.String())
}
