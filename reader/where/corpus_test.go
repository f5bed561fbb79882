package where

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// fixture is testdata/columns.json: floats are their bits, bytes hexadecimal.
type fixture struct {
	Rows    int
	Vars    map[string]json.RawMessage
	Columns []struct {
		Name, Dtype string
		Values      []json.RawMessage
	}
}

func decode[T any](t testing.TB, values []json.RawMessage) []T {
	out := make([]T, len(values))
	for i, v := range values {
		require.NoError(t, json.Unmarshal(v, &out[i]))
	}
	return out
}

func mapped[A, R any](in []A, f func(A) R) []R {
	out := make([]R, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

func vectorOf(t testing.TB, dtype string, raw []json.RawMessage) (Kind, Vector) {
	float := math.Float64frombits
	switch dtype {
	case "bool":
		return Bool, Vector{Bool: mapped(decode[int](t, raw), func(v int) byte { return byte(v) })}
	case "int32":
		return Int32, Vector{I32: decode[int32](t, raw)}
	case "int64":
		return Int64, Vector{I64: decode[int64](t, raw)}
	case "float32":
		return Float32, Vector{F32: mapped(decode[uint64](t, raw), func(v uint64) float32 { return float32(float(v)) })}
	case "float64":
		return Float64, Vector{F64: mapped(decode[uint64](t, raw), float)}
	case "complex128":
		return Complex128, Vector{C128: mapped(decode[[2]uint64](t, raw), func(v [2]uint64) complex128 {
			return complex(float(v[0]), float(v[1]))
		})}
	}
	require.Equal(t, "bytes", dtype)
	v := Vector{Off: []int32{0}}
	for _, s := range decode[string](t, raw) {
		b, err := hex.DecodeString(s)
		require.NoError(t, err)
		v.Bytes = append(v.Bytes, b...)
		v.Off = append(v.Off, int32(len(v.Bytes)))
	}
	return Bytes, v
}

func loadFixture(t testing.TB) (n int, scope []Column, vectors []Vector, vars map[string]any) {
	data, err := os.ReadFile("testdata/columns.json")
	require.NoError(t, err)
	var f fixture
	require.NoError(t, json.Unmarshal(data, &f))
	for _, c := range f.Columns {
		kind, v := vectorOf(t, c.Dtype, c.Values)
		scope, vectors = append(scope, Column{Name: c.Name, Kind: kind}), append(vectors, v)
	}
	vars = map[string]any{}
	for name, raw := range f.Vars {
		var v any
		require.NoError(t, json.Unmarshal(raw, &v))
		if i, ok := v.(float64); ok && !strings.Contains(string(raw), ".") {
			v = int64(i)
		}
		vars[name] = v
	}
	return f.Rows, scope, vectors, vars
}

func pickVectors(p *Program, all []Vector) []Vector {
	return mapped(p.Columns(), func(i int) Vector { return all[i] })
}

// rowsOf evaluates a program and packs the answer's bits in hexadecimal, row 0 lowest.
func rowsOf(p *Program, vectors []Vector, n int) string {
	out := make([]byte, n)
	p.NewEval().Eval(pickVectors(p, vectors), n, out)
	packed := make([]byte, (n+7)/8)
	for i, v := range out {
		packed[i/8] |= v << (i % 8)
	}
	return hex.EncodeToString(packed)
}

// corpus is testdata/conditions.tsv: the packed answer or "error", and the condition.
func corpus(t testing.TB) (lines [][2]string) {
	data, err := os.ReadFile("testdata/conditions.tsv")
	require.NoError(t, err)
	for line := range strings.Lines(string(data)) {
		want, text, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		require.True(t, ok)
		lines = append(lines, [2]string{want, text})
	}
	return lines
}

func conditions(t testing.TB) []string {
	return mapped(corpus(t), func(l [2]string) string { return l[1] })
}

// TestConditionsAsNumexpr compares thousands of random conditions with numexpr's answers (testdata/make.py).
func TestConditionsAsNumexpr(t *testing.T) {
	n, scope, vectors, vars := loadFixture(t)
	lines, good := corpus(t), 0
	for _, line := range lines {
		want, text := line[0], line[1]
		p, err := Compile(text, scope, vars)
		got := "error"
		if err == nil {
			got = rowsOf(p, vectors, n)
			good++
		} else {
			require.ErrorIs(t, err, fault.Invalid)
		}
		if got != want {
			t.Errorf("%s\n got %s (%v)\nwant %s", text, got, err, want)
		}
	}
	require.Greater(t, len(lines), 5000)
	require.Greater(t, good, 3000)
}
