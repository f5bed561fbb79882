package convert

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert/h5type"
)

// TestStripped holds the words to the definition, byte by byte.
func TestStripped(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	bytesOf := []byte{0, 0, 1, ' ', ' ', 0x7f, 0x80, 0xff}
	for size := range 40 {
		for range 300 {
			v := make([]byte, size)
			for i := range v {
				v[i] = bytesOf[r.IntN(len(bytesOf))]
			}
			if n := r.IntN(size + 1); size > 0 {
				copy(v[n:], bytes.Repeat([]byte{[]byte{0, ' '}[r.IntN(2)]}, size))
			}
			first := bytes.IndexByte(v, 0)
			if first < 0 {
				first = size
			}
			require.Equal(t, first, stripped(v, h5type.NullTerm), "%q", v)
			require.Len(t, bytes.TrimRight(v, "\x00"), stripped(v, h5type.NullPad), "%q", v)
			require.Len(t, bytes.TrimRight(bytes.TrimRight(v, "\x00"), " "), stripped(v, h5type.SpacePad), "%q", v)
		}
	}
}

func TestMoveDown(t *testing.T) {
	for size := 1; size < 20; size++ {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			all := make([]byte, 5*size)
			for i := range all {
				all[i] = byte(i + 1)
			}
			before := bytes.Clone(all)
			want := []byte{}
			for i := range 5 {
				n := i * size / 5
				end := len(want)
				want = append(want, before[i*size:i*size+n]...)
				moveDown(all, end, i*size, size, n)
				require.Equal(t, before[(i+1)*size:], all[(i+1)*size:], "what is still to be moved")
			}
			require.Equal(t, want, all[:len(want)])
		})
	}
}

// TestTextsOfPyTables: null-terminated strings of a file that PyTables wrote are NumPy's wherever they are in a type.
func TestTextsOfPyTables(t *testing.T) {
	text := func(pad h5type.Pad) *h5type.Type { return &h5type.Type{Class: h5type.String, Size: 4, Pad: pad} }
	for name, c := range map[string]struct {
		typ        *h5type.Type
		data       string
		cut, whole string
	}{
		"alone":    {text(h5type.NullTerm), "a\x00b\x00", `["YQ=="]`, `["YQBi"]`},
		"array":    {&h5type.Type{Class: h5type.Array, Size: 8, Dims: []int{2}, Base: text(h5type.NullTerm)}, "a\x00b\x00\x00\x00\x00\x00", `[["YQ==",""]]`, `[["YQBi",""]]`},
		"compound": {recordOf(recordOf(text(h5type.NullTerm)), text(h5type.NullPad)), "a\x00b\x00a\x00b\x00", `[{"a":"YQ=="}]`, `[{"a":"YQBi"}]`},
		"padded":   {text(h5type.SpacePad), "a\x00b ", `["YQBi"]`, `["YQBi"]`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, class := range []string{"", "TABLE"} {
				for _, wrote := range []bool{false, true} {
					s := Source{Name: "x", Type: c.typ, Class: class, Wrote: wrote}
					require.Equal(t, class != "" && name != "padded", s.AsksWhoWrote())
					want := c.cut
					if class != "" && wrote {
						want = c.whole
					}
					require.JSONEq(t, want, firstColumn(t, s, []byte(c.data)))
				}
			}
		})
	}
}

func firstColumn(t *testing.T, s Source, data []byte) string {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	p, err := Compile(s, nil, Options{Strings: "binary"})
	require.NoError(t, err)
	n := len(data) / s.Type.Size
	b := p.NewBatch(mem, n, nil, 0)
	require.NoError(t, b.Put(0, 1, Elems{Data: data, N: n, Size: s.Type.Size}, 0, 1, n))
	rec, err := b.Record()
	require.NoError(t, err)
	defer rec.Release()
	told, err := rec.Column(0).MarshalJSON()
	require.NoError(t, err)
	return string(told)
}
