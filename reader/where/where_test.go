package where

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/cputime"
	"github.com/mtflight/mtflight/internal/fault"
)

var events = []Column{{Name: "energy", Kind: Float64}, {Name: "t", Kind: Int32}, {Name: "name", Kind: Bytes},
	{Name: "ok", Kind: Bool}, {Name: "pos/x", Kind: Float32}, {Name: "id", Kind: None, Why: "numexpr has no uint64"},
	{Name: "pos", Kind: None, Why: "it is of type struct"}}

const inScope = "\nnames in scope: cut, energy, t, name, ok, pos/x"

func TestErrorsInFull(t *testing.T) {
	for text, want := range map[string]string{
		"enrgy > 2": `line 1, column 1: no column or variable enrgy (near: energy)
  enrgy > 2
  ^~~~~` + inScope,
		"(t > 1) &\n  (zeit == 2)": `line 1, column 10: the line ends outside brackets
  (t > 1) &
           ^`,
		"(t > 1 and\n  zeit == 2)": `line 2, column 3: no column or variable zeit
    zeit == 2)
    ^~~~` + inScope,
		"0 < t < 10": `line 1, column 7: chained comparison: write (a < b) & (b < c); & and | bind tighter than comparisons
  0 < t < 10
        ^`,
		"t = 1": `line 1, column 3: = is no comparison: write ==
  t = 1
    ^`,
		"t > nofunc(t)": `line 1, column 5: no function nofunc
  t > nofunc(t)
      ^~~~~~`,
		"t > abss(t)": `line 1, column 5: no function abss (near: abs)
  t > abss(t)
      ^~~~`,
		"t +": `line 1, column 4: the condition ends where something is missing
  t +
     ^`,
		"t": `line 1, column 1: the result is int32, not a truth value: compare it
  t
  ^`,
		"pos/x/2 > 1": `line 1, column 1: column pos cannot stand in a condition: it has members: write one, as pos/x, and blanks around a / that divides it
  pos/x/2 > 1
  ^~~`,
		"id == 1": `line 1, column 1: column id cannot stand in a condition: numexpr has no uint64
  id == 1
  ^~`,
		"name > 1": `line 1, column 6: > does not take bytes and int32
  name > 1
       ^`,
		"name + 1 > 1": `line 1, column 6: +: bytes go with bytes only
  name + 1 > 1
       ^`,
		"energy / 0.0 > 1": `line 1, column 8: /: division by zero
  energy / 0.0 > 1
         ^`,
		"t > 99999999999999999999": `line 1, column 5: 99999999999999999999 is beyond 64 bits
  t > 99999999999999999999
      ^~~~~~~~~~~~~~~~~~~~`,
		"True & ok": `line 1, column 6: &: a constant can't stand on the left of an expression: swap the operands
  True & ok
       ^`,
		"t in (1)": `line 1, column 6: in needs a list of values: write in (1,) for one
  t in (1)
       ^`,
		"ok && ok": `line 1, column 4: unexpected &&: write & or and
  ok && ok
     ^~`,
		"name == 'ab": `line 1, column 9: the string has no end
  name == 'ab
          ^`,
		"name == 'é' + b'é'": `line 1, column 15: bytes hold ASCII characters only: write '..' without b, or \x escapes
  name == 'é' + b'é'
                ^~~~`,
		"":            "line 1, column 1: the condition is empty\n  \n  ^",
		"sqrt(t, t)":  "line 1, column 1: sqrt takes 1 arguments, not 2\n  sqrt(t, t)\n  ^~~~",
		"t > 1; ok":   "line 1, column 6: unexpected ;\n  t > 1; ok\n       ^",
		"t > 012":     "line 1, column 5: not a number: 012\n  t > 012\n      ^~~",
		"t > 1 ok":    "line 1, column 7: unexpected ok\n  t > 1 ok\n        ^~",
		"t ** -1 > 1": "line 1, column 3: **: integers to negative integer powers are not allowed: write a float, x ** -1.0\n  t ** -1 > 1\n    ^~",
	} {
		_, err := Compile(text, events, map[string]any{"cut": 2.5})
		require.ErrorIs(t, err, fault.Invalid, text)
		require.Equal(t, "condition: "+want, err.Error(), text)
	}
}

func TestErrorsStayShort(t *testing.T) {
	many := make([]Column, 5000)
	for i := range many {
		many[i] = Column{Name: strings.Repeat("n", 300) + string(rune('a'+i%26)), Kind: Int32}
	}
	_, err := Compile(strings.Repeat("(1 < 2) & ", 2400)+"nope > 1", many, nil)
	require.ErrorIs(t, err, fault.Invalid)
	require.Less(t, len(err.Error()), 2500)
	require.Contains(t, err.Error(), "column 24001: no column or variable nope")
	require.Contains(t, err.Error(), "and 4980 more")
}

func TestLimits(t *testing.T) {
	for name, text := range map[string]string{
		"nodes":      strings.Repeat("ok & ", 20_000/2) + "ok",
		"text":       strings.Repeat("ok & ", 100_000) + "ok",
		"brackets":   strings.Repeat("(", 5000) + "ok" + strings.Repeat(")", 5000),
		"signs":      strings.Repeat("~", 10_000) + "ok",
		"powers":     strings.Repeat("2**", 5000) + "2 > t",
		"calls":      strings.Repeat("abs(", 5000) + "t" + strings.Repeat(")", 5000) + " > 1",
		"integer":    "t > 9**9**9",
		"shift":      "t > 1 << 99999999999",
		"arithmetic": "t" + strings.Repeat(" + t * 3", 1000) + " > 1",
		"digits":     "energy > " + strings.Repeat("9", 5000),
	} {
		_, err := Compile(text, events, nil)
		require.ErrorIs(t, err, fault.Invalid, name)
		require.Less(t, len(err.Error()), 1000, name)
	}
	p, err := Compile("t == 1"+strings.Repeat(" or t == 7", 2400), events, nil)
	require.NoError(t, err)
	out := make([]byte, 3)
	p.NewEval().Eval([]Vector{{I32: []int32{1, 2, 7}}}, 3, out)
	require.Equal(t, []byte{1, 0, 1}, out)
}

func TestSharedPowersStayLinear(t *testing.T) {
	text := "ok"
	for range 60 {
		text = "(" + text + ") ** 50"
	}
	p, err := Compile(text, events, nil)
	require.NoError(t, err)
	require.Empty(t, p.Ranges())
	require.True(t, p.May(func(int) (Bounds, bool) { return Bounds{}, false }))
}

func TestColumnsAreOnlyThoseThatDecide(t *testing.T) {
	for text, want := range map[string][]int{
		"True": nil, "1 < 2": nil, "t > 1": {1}, "(t > 1) & (energy > t)": {1, 0},
		"(t > 1) & is_null(energy)": nil, "(t > 1) | ~is_null(name)": nil, "where(True, t, energy) > 1": {1}, "pos/x > 1": {4},
	} {
		p, err := Compile(text, events, nil)
		require.NoError(t, err, text)
		require.Equal(t, want, p.Columns(), text)
	}
}

// Bytes of a name that are no UTF-8 are spelled as \xNN (package spell), which reads as letters; other backslashes do not.
func TestSpelledNames(t *testing.T) {
	columns := []Column{{Name: `m\xe9mber`, Kind: Int32}, {Name: `back\x5cxe9slash`, Kind: Int32}, {Name: `\xff`, Kind: Int32}, {Name: `pos/\xe9`, Kind: Int32},
		{Name: "pos", Kind: Int32}}
	for text, want := range map[string][]int{
		`m\xe9mber > 1`: {0}, `back\x5cxe9slash>1`: {1}, `(\xff<2)&(m\xe9mber==1)`: {2, 0}, `pos/\xe9 > 1`: {3}, "(m\\xe9mber >\\\n 1)": {0},
		`pos > 1`: {4},
	} {
		p, err := Compile(text, columns, nil)
		require.NoError(t, err, text)
		require.Equal(t, want, p.Columns(), text)
	}
	for text, says := range map[string]string{
		`m\xe8mber > 1`: `no column or variable m\xe8mber (near: m\xe9mber`, `m\xE9mber > 1`: `unexpected character '\\'`, `back\x5cslash > 1`: `unexpected character '\\'`,
		`pos/\xe9\xe9 > 1`: "no column or variable",
	} {
		_, err := Compile(text, columns, nil)
		require.ErrorIs(t, err, fault.Invalid)
		require.ErrorContains(t, err, says, text)
	}
}

func TestBlocksOfEveryLength(t *testing.T) {
	p, err := Compile("(energy * 2 > t) & (name != b'x') | ok", events, nil)
	require.NoError(t, err)
	e := p.NewEval()
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 7, 8, BlockRows - 1, BlockRows, BlockRows + 1, 5000, 3, BlockRows, 1} {
		v := map[int]*Vector{0: {F64: make([]float64, n)}, 1: {I32: make([]int32, n)}, 2: {Off: make([]int32, n+1)}, 3: {Bool: make([]byte, n)}}
		want := make([]byte, n)
		for i := range n {
			v[0].F64[i], v[1].I32[i], v[3].Bool[i] = r.Float64(), int32(r.IntN(2)), byte(r.IntN(2))
			v[2].Bytes = append(v[2].Bytes, "xyz"[r.IntN(3)])
			v[2].Off[i+1] = int32(i + 1)
			want[i] = truth(v[0].F64[i]*2 > float64(v[1].I32[i]) && v[2].Bytes[i] != 'x' || v[3].Bool[i] != 0)
		}
		out := make([]byte, n)
		e.Eval(mapped(p.Columns(), func(c int) Vector { return *v[c] }), n, out)
		require.Equal(t, want, out, n)
	}
}

func TestEvalAllocatesNothing(t *testing.T) {
	n, scope, vectors, vars := loadFixture(t)
	p, err := Compile("(f * 2.5 + i > d ** 1.5) & contains(s, 'e') | (name in ('mu', 'e')) | (sin(l) < cut)", scope, vars)
	require.NoError(t, err)
	e, cols, out := p.NewEval(), pickVectors(p, vectors), make([]byte, n)
	require.Zero(t, testing.AllocsPerRun(20, func() { e.Eval(cols, n, out) }))
}

func TestVariables(t *testing.T) {
	_, err := Compile("x > 1", nil, map[string]any{"x": []int{1}})
	require.ErrorIs(t, err, fault.Invalid)
	p, err := Compile("t > 1", events, map[string]any{"t": int64(5)}) // hides the column
	require.NoError(t, err)
	require.Empty(t, p.Columns())
	out := []byte{9, 9}
	p.NewEval().Eval(nil, 2, out)
	require.Equal(t, []byte{1, 1}, out)
}

func TestPowersOfTenAreExact(t *testing.T) {
	for e := -22; e <= 22; e++ {
		require.Equal(t, float64(e), log10(math.Pow10(e)))
	}
}

func TestHyperbolicFunctionsReachTheirEnd(t *testing.T) {
	for _, x := range []float64{700.5, 710, 710.4, -710} {
		want := math.Exp(math.Abs(x)-math.Ln2-600) * math.Exp(600)
		require.InEpsilon(t, math.Copysign(want, x), floatFunction("sinh")(x), 1e-12)
		require.InEpsilon(t, want, floatFunction("cosh")(x), 1e-12)
	}
	require.True(t, math.IsInf(floatFunction("sinh")(-711), -1))
	require.True(t, math.IsInf(floatFunction("cosh")(711), 1))
}

// TestConstantPowers: those of whole exponents are products, others the C library's, as Python has them.
func TestConstantPowers(t *testing.T) {
	p, err := Compile("1j ** 3 == -1j", nil, nil)
	require.NoError(t, err)
	out := []byte{9}
	p.NewEval().Eval(nil, 1, out)
	require.Equal(t, []byte{1}, out)
	if loop, _ := libraryLoops("pow"); loop != nil {
		require.Equal(t, 3.1622776601209452e+16, floatPower(99999999999, 1.5))
	}
}

// TestWholeConstantsBeyond64Bits: NumPy leaves them to Python, for which they are whole already.
func TestWholeConstantsBeyond64Bits(t *testing.T) {
	for text, want := range map[string][]byte{
		"floor(10**20) <= energy": {0, 1}, "ceil(-10**20) <= energy": {1, 1}, "abs(-10**20) <= energy": {0, 1},
	} {
		p, err := Compile(text, events, nil)
		require.NoError(t, err, text)
		out := []byte{9, 9}
		p.NewEval().Eval([]Vector{{F64: []float64{1, 2e20}}}, 2, out)
		require.Equal(t, want, out, text)
	}
	_, err := Compile("floor(10**400) <= energy", events, nil)
	require.ErrorIs(t, err, fault.Invalid)
}

func TestRanges(t *testing.T) {
	for text, want := range map[string][]Range{
		"(t > 1) & (energy <= 2.5) & (name == 'mu')": {{Column: 1, Op: ">", Kind: Int64, Int: 1},
			{Column: 0, Op: "<=", Kind: Float64, Float: 2.5}, {Column: 2, Op: "==", Kind: Bytes, Bytes: []byte("mu")}},
		"3000000000 > t":                  {{Column: 1, Op: "<", Kind: Int64, Int: 3000000000}},
		"(t > 0.5) & ((t < 3) | ok) & ok": {{Column: 1, Op: ">", Kind: Float64, Float: 0.5}},
		"(t > 1) | ok":                    nil, "t + 1 > 2": nil, "t != 1": nil, "name < 'a'": nil, "ok == True": nil,
		"~(t > 1)":         {{Column: 1, Op: "<=", Kind: Int64, Int: 1}},
		"~(energy <= 2.5)": {{Column: 0, Op: ">", Kind: Float64, Float: 2.5}}, "~(2.5 > energy) & ok": {{Column: 0, Op: ">=", Kind: Float64, Float: 2.5}},
		"~(energy > 2.5)": nil, "~(t == 1)": nil, "~~(t > 1)": nil, "~((t > 1) | ok)": nil, // NaN matches the first
		"(energy > 2.5) | (energy != energy)": {{Column: 0, Op: ">", Kind: Float64, Float: 2.5}}, "(energy != energy) | ((energy >= 2) & (energy < 3) & ok)": {{Column: 0, Op: ">=", Kind: Float64, Float: 2}},
		"(energy < 2.5) | (energy != energy)": nil, "(energy > 2.5) | (pos/x != pos/x)": nil, "(energy > 2.5) | (energy == energy)": nil, "(energy > 2.5) | (energy != 3)": nil, "(energy == 2.5) | (energy != energy)": nil,
		"name == 'mu\\x00'":          {{Column: 2, Op: "==", Kind: Bytes, Bytes: []byte("mu")}}, // as if it were not there
		"name == void":               {{Column: 2, Op: "==", Kind: Bytes, Bytes: []byte{}}},
		"(pos/x == cut) & (cut > 2)": {{Column: 4, Op: "==", Kind: Float64, Float: 2.5}},
	} {
		p, err := Compile(text, events, map[string]any{"cut": 2.5, "void": ""})
		require.NoError(t, err, text)
		require.Equal(t, want, p.Ranges(), text)
	}
}

func TestMay(t *testing.T) {
	bounds := func(c int) (Bounds, bool) { // energy 1..2 or NaN, t 5, name b..d, ok false; pos/x unknown
		return []Bounds{{Lo: 1, Hi: 2, NaN: true}, {Lo: 5, Hi: 5}, {Min: []byte("b"), Max: []byte("d")}, {}, {}}[c], c != 4
	}
	for text, want := range map[string]bool{
		"energy > 2": false, "energy >= 2": true, "energy < 1": false, "energy == 3": false, "energy != 1.5": true,
		"~(energy < 3)": true /* NaN */, "t != 5": false, "~(t == 5)": false, "t == 5": true, "-energy > -1": false,
		"ok": false, "~ok": true, "ok | (t < 5)": false, "(energy < 3) & (t > 5)": false, "pos/x > 1e9": true,
		"name == 'a'": false, "'b' == name": true, "name == 'd\\x00'": true, "name == 'd\\x00d'": false, "name != 'a'": true, "~(name != 'e')": false,
		"name > 'z'": true, "name in ('a', 'e')": false, "name == ''": false, "contains(name, 'z')": true, "name == name": true, "t * 2 > 100": true, "t > 4.5": true, "t > 5.5": false, "(t > 5) ^ ok": true, "t in (1, 2)": false,
		"energy != energy": true, "(energy > 2) | (energy != energy)": true, "~(energy == energy)": true, "t != t": false, "(t > 5) | (t != t)": false, "t == t": true, "~(t == t)": false, "pos/x != pos/x": true,
		"True": true, "False": false, "energy > nan": false, "not (t == 5 and energy < 9)": true,
	} {
		p, err := Compile(text, events, map[string]any{"nan": math.NaN()})
		require.NoError(t, err, text)
		require.Equal(t, want, p.May(bounds), text)
	}
}

// TestMayNeverLoses holds May against every condition of the corpus, with the bounds of every row alone.
func TestMayNeverLoses(t *testing.T) {
	n, scope, vectors, vars := loadFixture(t)
	excluded := 0
	for _, text := range conditions(t) {
		p, err := Compile(text, scope, vars)
		if err != nil {
			continue
		}
		e, out := p.NewEval(), make([]byte, n)
		e.Eval(pickVectors(p, vectors), n, out)
		for row := range n {
			may := p.May(func(c int) (Bounds, bool) { return bounds(scope[c].Kind, vectors[c], row) })
			require.False(t, !may && out[row] != 0, "%s at row %d", text, row)
			if !may {
				excluded++
			}
		}
	}
	require.Greater(t, excluded, 50_000)
}

// bounds are those of one row.
func bounds(k Kind, v Vector, row int) (b Bounds, ok bool) {
	var x float64
	switch k {
	case Bool:
		x = float64(v.Bool[row])
	case Int32:
		x = float64(v.I32[row])
	case Int64:
		r := aroundInt64(v.I64[row])
		return Bounds{Lo: r.lo, Hi: r.hi}, true
	case Float32:
		x = float64(v.F32[row])
	case Float64:
		x = v.F64[row]
	case Bytes:
		cell := trimmed(v.cell(row))
		return Bounds{Min: cell, Max: cell}, true
	default:
		return b, false
	}
	if math.IsNaN(x) {
		return Bounds{Lo: math.Inf(1), Hi: math.Inf(-1), NaN: true}, true
	}
	return Bounds{Lo: x, Hi: x}, true
}

func FuzzCompile(f *testing.F) {
	for i, text := range conditions(f) {
		if i%40 == 0 {
			f.Add(text)
		}
	}
	for _, text := range []string{"(", "'", "b'\\x", "0x", "1e", "t in (", "#", "\\\n", "ok\n", "9**9**9", "t >> -1 == 1", "\xff"} {
		f.Add(text)
	}
	n, scope, vectors, vars := loadFixture(f)
	f.Fuzz(func(t *testing.T, text string) {
		defer cputime.Below(t, time.Minute)()
		p, err := Compile(text, scope, vars)
		if err != nil {
			require.ErrorIs(t, err, fault.Invalid)
			require.Less(t, len(err.Error()), 3000)
			return
		}
		out := make([]byte, n)
		p.NewEval().Eval(pickVectors(p, vectors), n, out)
		for _, v := range out {
			require.LessOrEqual(t, v, byte(1))
		}
		p.Ranges()
		p.May(func(int) (Bounds, bool) { return Bounds{Lo: -1, Hi: 1, Min: []byte("a"), Max: []byte("n")}, true })
	})
}

func BenchmarkTwoComparisons(b *testing.B) {
	const n = 1 << 20
	r := rand.New(rand.NewPCG(1, 2))
	x, y, out := make([]float64, n), make([]float64, n), make([]byte, n)
	for i := range n {
		x[i], y[i] = r.Float64(), r.Float64()
	}
	b.Run("loop", func(b *testing.B) {
		b.SetBytes(16 * n)
		for b.Loop() {
			for i := range out {
				out[i] = truth(x[i] > 0.5) & truth(y[i] < 0.3)
			}
		}
	})
	p, err := Compile("(x > 0.5) & (y < 0.3)", []Column{{Name: "x", Kind: Float64}, {Name: "y", Kind: Float64}}, nil)
	require.NoError(b, err)
	b.Run("program", func(b *testing.B) {
		e, cols := p.NewEval(), []Vector{{F64: x}, {F64: y}}
		b.SetBytes(16 * n)
		b.ReportAllocs()
		for b.Loop() {
			e.Eval(cols, n, out)
		}
	})
}
