package sparse

import (
	"encoding/binary"
	"encoding/json"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func attributes(values ...string) (out meta.Attrs) {
	for i := 0; i < len(values); i += 2 {
		out.All = append(out.All, meta.Attr{Name: values[i], Value: json.RawMessage(values[i+1])})
	}
	return out
}

func TestFormat(t *testing.T) {
	for want, attrs := range map[string]meta.Attrs{
		"csr": attributes("encoding-type", `"csr_matrix"`), "csc": attributes("h5sparse_format", `"csc"`),
		"": attributes("encoding-type", `7`, "h5sparse_format", `"coo"`),
	} {
		got, err := Format(attrs)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := Format(meta.Attrs{All: []meta.Attr{{Name: "encoding-type", Err: "gone"}}})
	require.ErrorIs(t, err, fault.DataLoss)
	_, err = Read(meta.Attrs{All: []meta.Attr{{Name: "encoding-type", Value: json.RawMessage(`"csr_matrix"`)}, {Name: "shape", Err: "gone"}}})
	require.ErrorIs(t, err, fault.DataLoss)
}

func TestMatrixAxes(t *testing.T) {
	for format, major := range map[string]int64{"csr": 3, "csc": 5} {
		m := Matrix{Format: format, Shape: [2]int64{3, 5}}
		require.Equal(t, major, m.Major())
		require.Equal(t, 8-major, m.Minor())
	}
}

// TestPlaces: each row's own pointer and the one behind it, those of rows that follow each other once.
func TestPlaces(t *testing.T) {
	for _, k := range []struct {
		of   []rows.Run
		want []int64
	}{
		{nil, nil},
		{[]rows.Run{{Src: 4, Step: 1, N: 3}}, []int64{4, 5, 6, 7}},
		{[]rows.Run{{Src: 4, Step: -2, N: 2}}, []int64{4, 5, 2, 3}},
		{[]rows.Run{{Src: 7, Step: 0, N: 2}, {Src: 0, Step: 1, N: 1}}, []int64{7, 8, 7, 8, 0, 1}},
	} {
		at := places(k.of)
		require.Equal(t, k.want, rows.Expand(nil, at.Runs(nil, 0, at.Len(), 0)))
	}
}

// TestOutside holds the kernels of all types to one answer, with bounds beyond each type.
func TestOutside(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	for _, typ := range []arrow.DataType{arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int16, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
		arrow.PrimitiveTypes.Uint8, arrow.PrimitiveTypes.Uint16, arrow.PrimitiveTypes.Uint32, arrow.PrimitiveTypes.Uint64} {
		for text, want := range map[string]map[int64]int{
			`[0, 5, 127]`: {0: 0, 5: 1, 6: 2, 127: 2, 128: -1, 1 << 40: -1, 1<<63 - 1: -1}, `[]`: {0: -1, 7: -1}, `[-1]`: {1: 0, 1 << 62: 0},
		} {
			if text == "[-1]" && arrow.IsUnsignedInteger(typ.ID()) {
				continue
			}
			b := array.NewBuilder(mem, typ)
			require.NoError(t, b.UnmarshalJSON([]byte(text)))
			a := b.NewArray()
			for n, at := range want {
				require.Equal(t, at, outside(a, n), "%s %s %d", typ, text, n)
			}
			a.Release()
			b.Release()
		}
	}
	b := array.NewUint64Builder(mem)
	defer b.Release()
	b.Append(1 << 63)
	a := b.NewArray()
	defer a.Release()
	require.Equal(t, 0, outside(a, 1<<63-1))
	require.Equal(t, []int64{-1 << 63}, appendIntegers(nil, a), "which no row begins with")
}

// FuzzPointers: whatever the pointers are, rows that are taken lie in the data, and are cut into batches that have each once.
func FuzzPointers(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0}, int64(4), int64(64), false)
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64}, int64(1)<<62, int64(0), true)
	f.Fuzz(func(t *testing.T, raw []byte, stored, bytes int64, exact bool) {
		p := &Plan{Stored: max(0, stored), Cut: Cut{Exact: exact, Bytes: max(0, bytes)}, width: 12}
		var window []stretch
		for i := 0; i+16 <= len(raw); i += 8 {
			lo, hi := int64(binary.LittleEndian.Uint64(raw[i:])), int64(binary.LittleEndian.Uint64(raw[i+8:]))
			s, err := p.stretch(int64(i/8), lo, hi)
			require.Equal(t, err == nil, 0 <= lo && lo <= hi && hi <= p.Stored)
			if err == nil {
				require.LessOrEqual(t, s.lo+s.n, p.Stored)
				window = append(window, s)
			}
		}
		for len(window) > 0 {
			n, err := p.cut(window)
			if err != nil {
				require.ErrorIs(t, err, fault.Precondition)
				return
			}
			require.True(t, 0 < n && n <= int64(len(window)) && (!exact || n == int64(len(window))))
			total := int64(0)
			for _, s := range window[:n] {
				total += s.n
			}
			require.LessOrEqual(t, total, int64(maxBytes/12))
			window = window[n:]
		}
	})
}
