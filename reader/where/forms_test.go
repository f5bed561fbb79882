package where

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/cputime"
	"github.com/mtflight/mtflight/internal/fault"
)

// forms are columns of every kind that numexpr does not know, with their values.
type forms struct {
	scope []Column
	u     []uint64
	i     []int64
	f     []float64
	kind  []int32
	big   []uint64 // an enumeration over uint64
	when  []int64  // milliseconds, NaT
	utc   []int64  // nanoseconds of a zone
	took  []int64  // microseconds
	old   []int32  // seconds
	pack  []float64
	who   []string
	pos   [][3]int32
	tags  [][]float64
}

const formRows = 257

var formScope = []Column{
	{Name: "u", Kind: Uint64}, {Name: "i", Kind: Int64}, {Name: "f", Kind: Float64},
	{Name: "kind", Kind: Int32, Names: map[string]int64{"e": -1, "mu": 2, "the `tau`": 7}},
	{Name: "RT (min)", Kind: Uint64, Names: map[string]int64{"low": 0, "high": -1}}, // -1: the greatest
	{Name: "when", Kind: Int64, Time: &Time{Tick: 1e6}, Null: NaT},
	{Name: "utc", Kind: Int64, Time: &Time{Tick: 1, Zone: "UTC"}, Null: NaT},
	{Name: "took", Kind: Int64, Time: &Time{Tick: 1e3, Duration: true}, Null: NaT},
	{Name: "old", Kind: Int32, Time: &Time{Tick: 1e9}}, {Name: "pack", Kind: Float64, Time: &Time{Tick: 1e9}},
	{Name: "who", Kind: Bytes, Null: "nan"}, {Name: "pos", Kind: Int32, Shape: []int{3}}, {Name: "tags", Kind: Float64, Shape: []int{Any}},
	{Name: "m", Kind: Int32, Shape: []int{2, 3}}, {Name: "in", Kind: Bool},
}

func newForms(r *rand.Rand) *forms {
	d := &forms{scope: formScope}
	day := time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	some := func(values ...int64) int64 {
		if r.IntN(8) == 0 {
			return NaT
		}
		return values[r.IntN(len(values))] + r.Int64N(3) - 1
	}
	for range formRows {
		d.u = append(d.u, []uint64{0, 1, 5, 1 << 53, 1<<53 + 1, 1<<63 - 1, 1 << 63, 1<<63 + 1, math.MaxUint64, r.Uint64()}[r.IntN(10)])
		d.i = append(d.i, []int64{0, -1, 5, 1 << 53, 1<<53 + 1, math.MaxInt64, math.MinInt64, r.Int64()}[r.IntN(8)])
		d.f = append(d.f, []float64{0, -0.5, 4.5, 5, 1 << 53, 1 << 63, 1 << 64, math.NaN(), math.Inf(1), math.Inf(-1)}[r.IntN(10)])
		d.kind = append(d.kind, []int32{-1, 2, 7, 3}[r.IntN(4)])
		d.big = append(d.big, []uint64{0, math.MaxUint64, 7}[r.IntN(3)])
		d.when = append(d.when, some(day.UnixMilli(), day.UnixMilli()+500, 0, math.MaxInt64-1))
		d.utc = append(d.utc, some(day.UnixNano(), day.UnixNano()+500_000_000, 0))
		d.took = append(d.took, some(0, 5_400_000_000, -1_500_000))
		d.old = append(d.old, int32(some(day.Unix(), 0)))
		micros := []int64{day.UnixMicro(), day.UnixMicro() + 500_000, -1<<31*1_000_000 + 7, (1<<31-1)*1_000_000 + 999_999}[r.IntN(4)] + r.Int64N(3) - 1
		seconds := int64(math.Floor(float64(micros) / 1e6))
		low := float64(1e-6 * float64(micros-seconds*1_000_000))
		d.pack = append(d.pack, low+float64(seconds))
		d.who = append(d.who, []string{"ann", "nan", "", "zoë"}[r.IntN(4)])
		d.pos = append(d.pos, [3]int32{r.Int32N(3), r.Int32N(3), r.Int32N(3)})
		d.tags = append(d.tags, [][]float64{nil, {1}, {2, 1}, {math.NaN(), 0, 5}}[r.IntN(4)])
	}
	return d
}

// vector is what the caller of Eval gives for an input.
func (d *forms) vector(in Input) (v Vector) {
	switch d.scope[in.Column].Name {
	case "u":
		v.U64 = d.u
	case "RT (min)":
		v.U64 = d.big
	case "i":
		v.I64 = d.i
	case "f":
		v.F64 = d.f
	case "kind":
		v.I32 = d.kind
	case "when":
		v.I64 = d.when
	case "utc":
		v.I64 = d.utc
	case "took":
		v.I64 = d.took
	case "old":
		v.I32 = d.old
	case "pack":
		v.F64 = d.pack
	case "in":
		v.Bool = make([]byte, formRows)
	case "m":
		v.I32 = make([]int32, formRows)
	case "pos":
		v.I32 = mapped(d.pos, func(p [3]int32) int32 { return p[in.Item] })
	case "who":
		v.Off = []int32{0}
		for _, s := range d.who {
			v.Bytes = append(v.Bytes, s...)
			v.Off = append(v.Off, int32(len(v.Bytes)))
		}
	case "tags":
		for _, l := range d.tags {
			x, ok := at(l, in.Item)
			v.F64, v.Bool = append(v.F64, x), append(v.Bool, truth(!ok))
		}
	}
	return v
}

func at(l []float64, i int) (float64, bool) {
	if i < 0 {
		i += len(l)
	}
	if i < 0 || i >= len(l) {
		return 0, false
	}
	return l[i], true
}

// A test is a condition with what it says of a row, worked out in another way.
type test struct {
	text string
	of   func(row int) bool
}

// relation compares a with b, both exact; a NaN is nil and compares as nothing does.
func relation(op string, a, b *big.Rat) bool {
	if a == nil || b == nil {
		return op == "!="
	}
	return holds(op, a.Cmp(b))
}

func ofInt(v int64) *big.Rat { return new(big.Rat).SetInt64(v) }

func ofUint(v uint64) *big.Rat { return new(big.Rat).SetInt(new(big.Int).SetUint64(v)) }

// ofFloat is exact; infinities are beyond all else.
func ofFloat(v float64) *big.Rat {
	switch {
	case v != v:
		return nil
	case math.IsInf(v, 0):
		return ofFloat(math.Copysign(math.MaxFloat64, v))
	}
	return new(big.Rat).SetFloat64(v)
}

func ofTicks(v, nanos int64) *big.Rat {
	if v == NaT {
		return nil
	}
	return new(big.Rat).Mul(ofInt(v), ofInt(nanos))
}

var compareOps = []string{"==", "!=", "<", "<=", ">", ">="}

func (d *forms) draw(r *rand.Rand) test {
	op := compareOps[r.IntN(len(compareOps))]
	both := func(x, y string, a, b func(int) *big.Rat) test {
		if r.IntN(3) == 0 {
			return test{fmt.Sprintf("(%s %s %s)", y, flipped[op], x), func(row int) bool { return relation(op, a(row), b(row)) }}
		}
		return test{fmt.Sprintf("(%s %s %s)", x, op, y), func(row int) bool { return relation(op, a(row), b(row)) }}
	}
	u := func(row int) *big.Rat { return ofUint(d.u[row]) }
	fixed := func(v *big.Rat) func(int) *big.Rat { return func(int) *big.Rat { return v } }
	switch r.IntN(14) {
	case 0:
		text := []string{"0", "5", "-1", "9007199254740993", "9223372036854775807", "9223372036854775808", "18446744073709551615",
			"18446744073709551616", "-99999999999999999999", "0xffffffffffffffff"}[r.IntN(10)]
		v, _ := new(big.Int).SetString(text, 0)
		return both("u", text, u, fixed(new(big.Rat).SetInt(v)))
	case 1:
		return both("u", "i", u, func(row int) *big.Rat { return ofInt(d.i[row]) })
	case 2:
		return both("u", "f", u, func(row int) *big.Rat { return ofFloat(d.f[row]) })
	case 3:
		text := []string{"0.5", "9007199254740993.0", "9.3e18", "1e400", "-0.1", "9223372036854775808.0"}[r.IntN(6)]
		v, _ := parseNumber(text)
		return both("u", text, u, fixed(ofFloat(v.(float64))))
	case 4:
		return both("u", "limit", u, fixed(ofUint(1<<63+1)))
	case 5:
		mask := r.Uint64() >> r.IntN(64)
		return both(fmt.Sprintf("(u & %d)", mask), "5", func(row int) *big.Rat { return ofUint(d.u[row] & mask) }, fixed(ofInt(5)))
	case 6:
		return d.named(r)
	case 7:
		return d.timed(r, "when", "", func(row int) *big.Rat { return ofTicks(d.when[row], 1e6) })
	case 8:
		return d.timed(r, "utc", "+02:00", func(row int) *big.Rat { return ofTicks(d.utc[row], 1) })
	case 9:
		return d.timed(r, "old", "", func(row int) *big.Rat { return ofTicks(int64(d.old[row]), 1e9) })
	case 10:
		return d.timed(r, "pack", "", func(row int) *big.Rat { return ofTicks(int64(math.Round(d.pack[row]*1e6)), 1e3) })
	case 11:
		text := []string{"PT1H30M", "PT1H30M0.0000005S", "-PT1.5S", "P0D", "PT0S", "P1W", "-P1DT1H", "+PT5400,000001S"}[r.IntN(8)]
		nanos, _ := new(big.Rat).SetString(map[string]string{"PT1H30M": "5400e9", "PT1H30M0.0000005S": "5400000000500", "-PT1.5S": "-1500000000",
			"P0D": "0", "PT0S": "0", "P1W": "604800e9", "-P1DT1H": "-90000e9", "+PT5400,000001S": "5400000001000"}[text])
		return both("took", "'"+text+"'", func(row int) *big.Rat { return ofTicks(d.took[row], 1e3) }, fixed(nanos))
	case 12:
		k := r.IntN(6) - 3
		return both(fmt.Sprintf("pos[%d]", k), "1", func(row int) *big.Rat { return ofInt(int64(d.pos[row][(k+3)%3])) }, fixed(ofInt(1)))
	}
	k := r.IntN(8) - 4
	return both(fmt.Sprintf("tags[%d] * 2", k), "2", func(row int) *big.Rat {
		if x, ok := at(d.tags[row], k); ok {
			return ofFloat(x * 2)
		}
		return nil
	}, fixed(ofInt(2)))
}

// named draws enumerations, texts that stand for null, and tests for null.
func (d *forms) named(r *rand.Rand) test {
	switch r.IntN(8) {
	case 0:
		return test{"(kind == 'mu')", func(row int) bool { return d.kind[row] == 2 }}
	case 1:
		return test{"('the `tau`' != kind)", func(row int) bool { return d.kind[row] != 7 }}
	case 2:
		return test{"(kind in ('e', chosen, 3))", func(row int) bool { return d.kind[row] != 7 }}
	case 3:
		return test{"(`RT (min)` == 'high')", func(row int) bool { return d.big[row] == math.MaxUint64 }}
	case 4:
		return test{"((kind is null) | (`RT (min)` is null))", func(row int) bool { return d.kind[row] == 3 || d.big[row] == 7 }}
	case 5:
		return test{"(who != 'ann')", func(row int) bool { return d.who[row] != "ann" }}
	case 6:
		return test{"contains(who, 'n')", func(row int) bool { return d.who[row] == "ann" }}
	}
	name := []string{"when", "utc", "took", "who", "tags[1]"}[r.IntN(5)]
	null := func(row int) bool {
		_, there := at(d.tags[row], 1)
		return map[string]bool{"when": d.when[row] == NaT, "utc": d.utc[row] == NaT, "took": d.took[row] == NaT, "who": d.who[row] == "nan", "tags[1]": !there}[name]
	}
	if r.IntN(2) == 0 {
		return test{"(" + name + " is not null)", func(row int) bool { return !null(row) }}
	}
	return test{"is_null(" + name + ")", null}
}

func (d *forms) timed(r *rand.Rand, name, zone string, of func(int) *big.Rat) test {
	op, day := compareOps[r.IntN(len(compareOps))], time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)
	whole := []time.Time{day, day.Add(time.Second), time.Unix(0, 0).UTC(), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(1901, 1, 1, 0, 0, 0, 0, time.UTC)}[r.IntN(5)]
	fraction := []string{"", ".5", ".500001", ".0005", ".000000001", ".4999999999999", ",000001"}[r.IntN(7)]
	nanos := new(big.Rat).Mul(ofInt(whole.Unix()), ofInt(1e9))
	if fraction != "" {
		part, _ := new(big.Rat).SetString("0." + fraction[1:])
		nanos.Add(nanos, part.Mul(part, ofInt(1e9)))
	}
	if zone != "" {
		nanos.Sub(nanos, ofInt(7200e9))
	}
	return test{fmt.Sprintf("(%s %s '%s%s%s')", name, op, whole.Format("2006-01-02T15:04:05"), fraction, zone),
		func(row int) bool { return relation(op, of(row), nanos) }}
}

// joined draws a condition of several tests.
func (d *forms) joined(r *rand.Rand, depth int) test {
	if depth == 0 {
		return d.draw(r)
	}
	a, b := d.joined(r, r.IntN(depth)), d.joined(r, r.IntN(depth))
	switch r.IntN(3) {
	case 0:
		return test{"(" + a.text + " & (" + b.text + "))", func(row int) bool { return a.of(row) && b.of(row) }}
	case 1:
		return test{"(" + a.text + " or " + b.text + ")", func(row int) bool { return a.of(row) || b.of(row) }}
	}
	return test{"~(" + a.text + ")", func(row int) bool { return !a.of(row) }}
}

var formVars = map[string]any{"limit": uint64(1<<63 + 1), "chosen": "mu"}

// TestFormsAsWorkedOut compares random conditions with exact arithmetic, and May of each row alone with both.
func TestFormsAsWorkedOut(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 32))
	d, excluded := newForms(r), 0
	for range 3000 {
		c := d.joined(r, r.IntN(4))
		p, err := Compile(c.text, d.scope, formVars)
		require.NoError(t, err, c.text)
		out := make([]byte, formRows)
		p.NewEval().Eval(mapped(p.Inputs(), d.vector), formRows, out)
		for row, got := range out {
			require.Equal(t, truth(c.of(row)), got, "%s\nrow %d: u %d i %d f %v kind %d when %d utc %d took %d old %d pack %v who %s pos %v tags %v", c.text, row,
				d.u[row], d.i[row], d.f[row], d.kind[row], d.when[row], d.utc[row], d.took[row], d.old[row], d.pack[row], d.who[row], d.pos[row], d.tags[row])
		}
		for row := range formRows {
			if !p.May(func(c int) (Bounds, bool) { return d.bounds(c, row) }) {
				require.Zero(t, out[row], c.text)
				excluded++
			}
		}
		d.requireRanges(t, p, out)
	}
	require.Greater(t, excluded, 100_000)
}

// bounds are those of one row, as statistics have them: nothing of columns with nulls.
func (d *forms) bounds(c, row int) (Bounds, bool) {
	switch d.scope[c].Name {
	case "pos":
		p := d.pos[row]
		return Bounds{Lo: float64(slices.Min(p[:])), Hi: float64(slices.Max(p[:]))}, true
	case "u", "RT (min)":
		x := aroundUint64(d.vector(Input{Column: c}).U64[row])
		return Bounds{Lo: x.lo, Hi: x.hi}, true
	case "tags":
		return Bounds{}, false
	}
	v := d.vector(Input{Column: c})
	if v.I64 != nil && d.scope[c].Null != nil && v.I64[row] == NaT {
		return Bounds{}, false
	}
	return bounds(d.scope[c].Kind, v, row)
}

// requireRanges holds what every match satisfies against the matches.
func (d *forms) requireRanges(t *testing.T, p *Program, out []byte) {
	for _, g := range p.Ranges() {
		v := d.vector(Input{Column: g.Column})
		for row, match := range out {
			if match == 0 || g.Kind != Int64 || v.I32 == nil && v.I64 == nil {
				continue
			}
			var x int64
			if v.I32 != nil {
				x = int64(v.I32[row])
			} else {
				x = v.I64[row]
			}
			require.True(t, holds(g.Op, compareOrdered(x, g.Int)), "%s %s %d", d.scope[g.Column].Name, g.Op, g.Int)
		}
	}
}

// TestMessagesNameTheCure: where, and what to write instead.
func TestMessagesNameTheCure(t *testing.T) {
	for text, says := range map[string]string{
		"u > 1 & i < 2":                  "column 7: & binds tighter than comparisons: put each in parentheses, (a > 1) & (b < 2)",
		"i > 1 | i":                      "column 7: | binds tighter",
		"f > 1 & f":                      "column 7: & binds tighter",
		"(f > 1) & f < 2":                "column 9: & binds tighter",
		"u > 1 & i is null":              "column 7: & binds tighter",
		"u is null & (i > 1)":            "column 11: & binds tighter than comparisons",
		"u in (1, 2) | (i > 1)":          "column 13: | binds tighter than comparisons",
		"u > 1 AND i < 2":                "column 7: unexpected AND: write and",
		"u > 1 Or i < 2":                 "column 7: unexpected Or: write or",
		"NOT u > 1":                      "column 1: unexpected NOT: write not",
		"NOT (u > 1)":                    "column 1: unexpected NOT: write not",
		"u > 1 AND (i < 2)":              "column 7: unexpected AND: write and",
		"u IN (1, 2)":                    "column 3: unexpected IN: write in",
		"u IS NULL":                      "column 3: unexpected IS: write is null",
		"who like 'a%'":                  "write startswith(x, 'a'), endswith(x, 'a') or contains(x, 'a')",
		"u between 1 and 2":              "column 3: unexpected between: write (x >= a) & (x <= b)",
		"pos.x > 1":                      "column 1: members of a column are written with /, as pos/x",
		"u = 1":                          "column 3: = is no comparison: write ==",
		"u <> 1":                         "column 3: <> is no comparison: write !=",
		"u > 1 && i < 2":                 "column 7: unexpected &&: write & or and",
		"u > 1 || i < 2":                 "unexpected ||: write | or or",
		"!(u > 1)":                       "column 1: unexpected !: write ~ or not",
		"u == None":                      "column 6: None is no value: write x is null",
		"u is None":                      "column 6: is goes with null only: write x is null, x is not null, or ==",
		"u is 3":                         "column 6: is goes with null only",
		"u == null":                      "column 6: null is no value: write x is null",
		"u > 1 is null":                  "column 7: chained comparison",
		"\"RT (min)\" > 1":               "column 12: >: unsupported operands: quotes make texts, backquotes names: write `RT (min)`",
		"'RT (min)' == f":                "quotes make texts, backquotes names: write `RT (min)`",
		"RT (min) > 1":                   "column 1: no function RT: a column's name that is no identifier is written in backquotes, `RT (min)`",
		"`RT (min) > 1":                  "column 1: the name has no end: close it with another `",
		"`` > 1":                         "column 1: a name in backquotes is missing",
		"`u`(1) > 1":                     "column 4: unexpected (",
		"`RT (mni)` > 1":                 "column 1: no column or variable `RT (mni)` (near: `RT (min)`)",
		"kind == 'muh'":                  `column 9: kind has no value "muh" (near: "mu")`,
		"kind in ('e', 'photon')":        "kind has no value \"photon\": it has \"e\", \"mu\", \"the `tau`\"",
		"kind < 'mu'":                    "column 6: <: the names of an enumeration have no order",
		"pos > 1":                        "column 1: column pos has lists of values: ask one, as pos[0]",
		"m[0] > 1":                       "column 1: m: values of shape (2, 3): write one index for each axis, as m[0, 0]",
		"m[0, 3] > 1":                    "index 3 is out of range for values of shape (2, 3)",
		"pos[-4] > 1":                    "index -4 is out of range for values of shape (3,)",
		"pos[99999999999999999999] > 1":  "index 99999999999999999999 is out of range for values of shape (3,)",
		"pos[0:2] > 1":                   "column 6: expected ], found :",
		"pos[f] > 1":                     "column 5: an index is an integer",
		"pos[] > 1":                      "column 5: an index is an integer",
		"u[0] > 1":                       "column 1: column u has single values: leave the index out",
		"limit[0] > 1":                   "column 1: variable limit has no elements",
		"tags[0, 1] > 1":                 "a list has one index: write tags[0]",
		"u + 1 > 2":                      "column 3: +: 64-bit unsigned integers take part in comparisons",
		"(u & -1) > 2":                   "64-bit unsigned integers take part",
		"sqrt(u) > 2":                    "sqrt: 64-bit unsigned integers",
		"u == True":                      "64-bit unsigned integers",
		"u == 'a'":                       "== does not take uint64 and bytes",
		"when > 'soon'":                  "column 8: when: soon is no time: write ISO 8601, as '2024-01-31' or '2024-01-31T12:30:00.5'",
		"when > '2023-02-29'":            "there is no time 2023-02-29",
		"when > '2024-01-01T24:00'":      "there is no time 2024-01-01T24:00",
		"when > '2024-01-01T12:00Z'":     "its times have no zone: leave Z out",
		"utc > '2024-01-01'":             "its times are of the zone UTC: write an offset, as 2024-01-01T00:00+02:00 or 2024-01-01T00:00Z",
		"utc > '2024-01-01T12:00+25:00'": "there is no time zone +25:00",
		"took > 'P1Y'":                   "years and months have no fixed length: write days",
		"took > 'PT'":                    "PT is no duration: write ISO 8601, as 'PT1H30M' or '-P1DT0.5S'",
		"took > 'PT1.5H1M'":              "is no duration", "took > 'P'": "is no duration", "took > 'PT1..5S'": "is no duration", "took > '1 day'": "is no duration",
		"when > took": "two columns of times with different units, or of times and durations",
		"when > utc":  "two columns of times with different units",
		"who > 5":     "> does not take bytes and int32",
	} {
		_, err := Compile(text, formScope, formVars)
		require.ErrorIs(t, err, fault.Invalid, text)
		require.Contains(t, err.Error(), says, text)
		require.Contains(t, err.Error(), "\n  ", text)
		require.Equal(t, strings.Contains(says, "no column or") || strings.Contains(says, "as pos/x"), strings.Contains(err.Error(), "names in scope: chosen, limit, u, i, f, kind, `RT (min)`, when"), text)
	}
}

// TestNamesInBackquotes: a backquote of the name is written twice; none of it is a word of the language.
func TestNamesInBackquotes(t *testing.T) {
	for name, text := range map[string]string{
		"RT (min)": "`RT (min)` > 3", "a`b": "`a``b` > 3", "`": "```` > 3", "in": "`in` > 3", "pos/x": "`pos/x` > 3", "True": "`True` > 3",
		"x": "(`x`) > 3", "a\nb": "`a\nb` > 3", "é!": "3 < `é!`", "class": "`class` > 3", "null": "null > 3", "a//b": "`a//b` > 3",
	} {
		p, err := Compile(text, []Column{{Name: name, Kind: Int32}}, nil)
		require.NoError(t, err, text)
		out := make([]byte, 2)
		p.NewEval().Eval([]Vector{{I32: []int32{3, 4}}}, 2, out)
		require.Equal(t, []byte{0, 1}, out)
		if !strings.ContainsAny(name, "\n/x") {
			_, err = Compile("nothing", []Column{{Name: name, Kind: Int32}}, nil)
			require.Contains(t, err.Error(), "names in scope: "+strings.TrimSuffix(strings.Trim(strings.Replace(text, "3 < ", "", 1), "()"), " > 3"))
		}
	}
}

// TestIntegersBeyond64Bits are decided for unsigned columns, and refused for signed ones as numexpr does.
func TestIntegersBeyond64Bits(t *testing.T) {
	_, err := Compile("i < 18446744073709551616", formScope, nil)
	require.ErrorContains(t, err, "18446744073709551616 is beyond 64 bits")
	p, err := Compile("u < 18446744073709551616", formScope, nil)
	require.NoError(t, err)
	require.Empty(t, p.Inputs())
}

func TestElementsAreBounded(t *testing.T) {
	text := "tags[0] > 1"
	for i := range 300 {
		text += fmt.Sprintf(" or tags[%d] > 1", i)
	}
	_, err := Compile(text, formScope, nil)
	require.ErrorContains(t, err, "over 250 elements of lists")
}

// FuzzForms takes any text over columns that numexpr does not know.
func FuzzForms(f *testing.F) {
	r := rand.New(rand.NewPCG(33, 34))
	d := newForms(r)
	for range 60 {
		f.Add(d.joined(r, 2).text)
	}
	for _, text := range []string{"`", "``", "u[", "pos[-", "pos[0", "pos[0][0]", "u is", "u is not", "m[0,1] > tags[-1]", "when > '2024-01-01T", "took < '-P'",
		"where(u > 1, tags[0], when) > 3", "-tags[9] is null", "(u >> 70) == 0", "u // 0 == u % 0", "kind == chosen", "when == 'nan'", "pos.x", "NOT"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		defer cputime.Below(t, time.Minute)()
		p, err := Compile(text, d.scope, formVars)
		if err != nil {
			require.ErrorIs(t, err, fault.Invalid)
			require.Less(t, len(err.Error()), 3000)
			return
		}
		out := make([]byte, formRows)
		p.NewEval().Eval(mapped(p.Inputs(), d.vector), formRows, out)
		for row, v := range out {
			require.LessOrEqual(t, v, byte(1))
			if row%16 == 0 && !p.May(func(c int) (Bounds, bool) { return d.bounds(c, row) }) {
				require.Zero(t, v)
			}
		}
		d.requireRanges(t, p, out)
	})
}
