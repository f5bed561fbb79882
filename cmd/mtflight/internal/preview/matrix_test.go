package preview

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
)

// counted is an array of 0, 1, 2, .. of a shape, as the rows of a record that the caller releases.
func counted(t *testing.T, mem memory.Allocator, shape ...int32) arrow.Record {
	t.Helper()
	typ, next := arrow.DataType(arrow.PrimitiveTypes.Int64), 0
	for i := len(shape) - 1; i > 0; i-- {
		typ = arrow.FixedSizeListOf(shape[i], typ)
	}
	var text func(axis int) string
	text = func(axis int) string {
		if axis == len(shape) {
			next++
			return fmt.Sprint(next - 1)
		}
		parts := make([]string, shape[axis])
		for i := range parts {
			parts[i] = text(axis + 1)
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	a, _, err := array.FromJSON(mem, typ, strings.NewReader(text(0)))
	require.NoError(t, err)
	defer a.Release()
	return array.NewRecord(arrow.NewSchema([]arrow.Field{{Name: "x", Type: typ}}, nil), []arrow.Array{a}, int64(shape[0]))
}

// corners gives a Matrix the rows that it wants.
func corners(t *testing.T, width int, shape ...int32) string {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	r := counted(t, mem, shape...)
	defer r.Release()
	var out bytes.Buffer
	m := NewMatrix(&out, terminal.Screen{Width: width}, r.Schema(), r.NumRows())
	require.NotNil(t, m)
	head, tail := m.Ends()
	for _, part := range [][2]int64{{0, head}, {tail, r.NumRows()}} {
		m.From(part[0])
		slice := r.NewSlice(part[0], part[1])
		require.NoError(t, m.Write(slice))
		slice.Release()
	}
	require.NoError(t, m.Close())
	return out.String()
}

func TestMatrix(t *testing.T) {
	require.Equal(t, "   0  1  2\n0  0  1  2\n1  3  4  5\n2x3 of int64 (--select chooses, `mtflight stats` tells bounds)\n", corners(t, 80, 2, 3))
	text := corners(t, 40, 100, 60)
	lines := strings.Split(text, "\n")
	require.Len(t, lines, 14, text)
	require.Regexp(t, `^ +0 +1 .* … .* 59$`, lines[0])
	require.Regexp(t, `^ 0 +0 +1 .* … .* 59$`, lines[1])
	require.Regexp(t, `^ …( +…)+$`, lines[6])
	require.Regexp(t, `^99 +5940 +5941 .* … .* 5999$`, lines[11])
	for _, line := range lines[:12] {
		require.LessOrEqual(t, terminal.Width(line), 40)
	}
}

func TestMatrixOfMoreAxes(t *testing.T) {
	text := corners(t, 80, 6, 2, 2)
	require.Contains(t, text, "[0, :, :]\n   0  1\n0  0  1\n1  2  3\n[5, :, :]\n    0   1\n0  20  21\n1  22  23\n")
	text = corners(t, 80, 3, 4, 1, 2)
	require.Contains(t, text, "[0, 0, :, :]\n   0  1\n0  0  1\n[2, 3, :, :]\n    0   1\n0  22  23\n3x4x1x2 of int64")
	require.Equal(t, 2, strings.Count(text, ":, :]"))
}

func TestMatrixIsOfArrays(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	r := counted(t, mem, 3)
	defer r.Release()
	require.Nil(t, NewMatrix(nil, terminal.Screen{}, r.Schema(), 3))
	two := counted(t, mem, 3, 2)
	defer two.Release()
	require.Nil(t, NewMatrix(nil, terminal.Screen{}, two.Schema(), -1))
}
