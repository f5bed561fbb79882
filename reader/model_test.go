package reader

import (
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
)

// The model draws requests, settings of an engine and faults, and compares each answer with what plain Go makes of the whole
// dataset, read once: an answer is right or an error, never wrong, and after each case nothing is held.
//
// MTFLIGHT_MODEL=20000 draws as many cases, MTFLIGHT_MODEL_SEED=N that one alone. Seeds of cases that failed once are in
// testdata/model/seeds.txt and come first.

// modelFiles are what is asked: with rows of many kinds, layouts and filters.
var modelFiles = []string{"../testdata/tables.h5", "../testdata/arrays.h5", "../testdata/layouts.h5", "../testdata/latest.h5", "../testdata/types.h5",
	"../testdata/pandas.h5", "testdata/plugins/own.h5"}

// plainAnswer is a whole dataset, a text for each value.
type plainAnswer struct {
	file, path string
	info       Info
	names      []string
	columns    [][]string
	whole      []string // of rows
	integers   []string // names of columns of integers, for conditions
}

var identifier = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// plainAnswers reads all datasets of the files, without anything that could go wrong.
func plainAnswers(t *testing.T) (all []*plainAnswer) {
	t.Helper()
	e, err := NewEngine(Config{Workers: 1, Memory: 256 << 20})
	require.NoError(t, err)
	defer e.Close()
	for _, name := range modelFiles {
		f, err := e.Open(context.Background(), Location{Path: name})
		require.NoError(t, err)
		tree, err := f.Tree(context.Background())
		require.NoError(t, err)
		paths := []string{}
		for _, d := range tree.Datasets {
			paths = append(paths, d.Path)
		}
		for _, g := range tree.Groups {
			if g.Frame != "" {
				paths = append(paths, g.Path)
			}
		}
		for _, path := range paths {
			if a := plainOf(t, f, path); a != nil {
				a.file = name
				all = append(all, a)
			}
		}
	}
	require.Greater(t, len(all), 60)
	return all
}

// plainOf is nil where a dataset is not served.
func plainOf(t *testing.T, f *File, path string) *plainAnswer {
	t.Helper()
	d, err := f.Dataset(context.Background(), path)
	require.NoError(t, err)
	p, err := d.Plan(context.Background(), Request{Options: plainOptions})
	if err != nil {
		return nil
	}
	a := &plainAnswer{path: path, info: d.Info()}
	for _, field := range p.Schema().Fields() {
		a.names = append(a.names, field.Name)
		if arrow.IsInteger(field.Type.ID()) && a.info.Type != "pandas fixed" && identifier.MatchString(field.Name) && len(a.info.Shape) <= 1 {
			a.integers = append(a.integers, field.Name)
		}
	}
	a.columns = make([][]string, len(a.names))
	run := p.Run(context.Background())
	defer run.Release()
	for run.Next() {
		for i, c := range run.Record().Columns() {
			for k := range c.Len() {
				a.columns[i] = append(a.columns[i], textOf(c, k))
			}
		}
	}
	require.NoError(t, run.Err())
	for k := range a.columns[0] {
		a.whole = append(a.whole, a.row(k, nil))
	}
	return a
}

var plainOptions = convert.Options{Strings: "binary", Enum: "int", Time: "numeric"}

func (a *plainAnswer) column(name string) []string { return a.columns[slices.Index(a.names, name)] }

func (a *plainAnswer) integer(name string, row int) *big.Int { // of 64 bits with or without a sign
	v, _ := new(big.Int).SetString(a.column(name)[row], 10)
	if v == nil {
		return new(big.Int)
	}
	return v
}

// row is the text of one, of some columns; nil: of all.
func (a *plainAnswer) row(k int, fields []string) string {
	if fields == nil {
		fields = a.names
	}
	values := make([]string, len(fields))
	for i, name := range fields {
		values[i] = a.column(name)[k]
	}
	return strings.Join(values, "|")
}

// modelCase is a request, with the rows that it has to give.
type modelCase struct {
	*plainAnswer
	request Request
	rows    []int // of the dataset, in the order of the result
}

func (a *plainAnswer) draw(rng *rand.Rand) *modelCase {
	c := &modelCase{plainAnswer: a, request: Request{Options: plainOptions}}
	for k := range a.whole {
		c.rows = append(c.rows, k)
	}
	r := &c.request
	if len(a.names) > 1 && rng.IntN(2) == 0 {
		r.Fields = slices.Clone(a.names)
		rng.Shuffle(len(r.Fields), func(i, k int) { r.Fields[i], r.Fields[k] = r.Fields[k], r.Fields[i] })
		r.Fields = r.Fields[:1+rng.IntN(len(r.Fields))]
	}
	switch which := rng.IntN(8); {
	case which == 0 && len(a.whole) > 0:
		c.coordinates(rng)
	case which == 1 && len(a.whole) > 0:
		c.mask(rng)
	case which <= 4 && len(a.integers) > 0 && len(a.whole) > 0:
		c.byValue(rng)
	case which <= 6:
		c.slice(rng)
	}
	c.page(rng)
	if rng.IntN(3) == 0 {
		r.BatchRows = 1 + rng.Int64N(int64(len(a.whole)+1))
	}
	if rng.IntN(3) == 0 {
		c.stream(rng)
	}
	return c
}

func (c *modelCase) coordinates(rng *rand.Rand) {
	n := len(c.whole)
	c.rows, c.request.Coordinates = nil, []int64{}
	for range rng.IntN(200) {
		k := rng.IntN(2*n) - n
		c.request.Coordinates = append(c.request.Coordinates, int64(k))
		c.rows = append(c.rows, (k+n)%n)
	}
}

func (c *modelCase) mask(rng *rand.Rand) {
	set := make([]bool, len(c.whole))
	rows, share := []int(nil), 1+rng.IntN(50)
	for k := range set {
		if set[k] = rng.IntN(share) == 0; set[k] {
			rows = append(rows, k)
		}
	}
	c.request.SetMask(set)
	c.rows = rows
}

// slice takes a Python slice of the result, in the plain way: one index after the other.
func (c *modelCase) slice(rng *rand.Rand) {
	n := len(c.rows)
	step := []int64{1, 1, 2, 7, -1, -3}[rng.IntN(6)]
	start, stop := rng.Int64N(int64(n)+3)-1, rng.Int64N(int64(n)+3)-1
	c.request.Start, c.request.Stop, c.request.Step = &start, &stop, &step
	low, high := int64(0), int64(n)
	if step < 0 {
		low, high = -1, int64(n)-1
	}
	clip := func(v int64) int64 {
		if v < 0 {
			v += int64(n)
		}
		return min(max(v, low), high)
	}
	var rows []int
	for k, end := clip(start), clip(stop); step > 0 && k < end || step < 0 && k > end; k += step {
		rows = append(rows, c.rows[k])
	}
	c.rows = rows
}

// byValue asks with a condition, an order or both.
func (c *modelCase) byValue(rng *rand.Rand) {
	how := rng.IntN(3)
	c.request.Index = []string{"", IndexAuto, IndexOff}[rng.IntN(3)]
	if how != 1 && rng.IntN(2) == 0 && how == 0 {
		c.slice(rng) // says which rows are asked
	}
	if how != 1 {
		name := c.integers[rng.IntN(len(c.integers))]
		than := c.integer(name, rng.IntN(len(c.whole)))
		op := []string{"<", ">=", "==", "!="}[rng.IntN(4)]
		where := fmt.Sprintf("%s %s %s", name, op, than)
		c.request.Where = &where
		c.rows = slices.DeleteFunc(c.rows, func(k int) bool {
			v := c.integer(name, k).Cmp(than)
			return !map[string]bool{"<": v < 0, ">=": v >= 0, "==": v == 0, "!=": v != 0}[op]
		})
	}
	if how != 0 {
		name := c.integers[rng.IntN(len(c.integers))]
		c.request.SortBy = name
		slices.SortStableFunc(c.rows, func(a, b int) int { return c.integer(name, a).Cmp(c.integer(name, b)) })
		if rng.IntN(2) == 0 {
			c.slice(rng)
		}
	}
}

func (c *modelCase) page(rng *rand.Rand) {
	if rng.IntN(4) > 0 {
		return
	}
	c.request.Offset = rng.Int64N(int64(len(c.rows)) + 2)
	c.rows = c.rows[min(int(c.request.Offset), len(c.rows)):]
	limit := rng.Int64N(int64(len(c.rows)) + 2)
	c.request.Limit = &limit
	c.rows = c.rows[:min(int(limit), len(c.rows))]
}

func (c *modelCase) stream(rng *rand.Rand) {
	s := &Stream{Unordered: rng.IntN(2) == 0, BlockRows: 1 + rng.Int64N(int64(len(c.rows)/2+1)), Remainder: Remainder(rng.IntN(2))}
	if len(c.rows) > 500 {
		s.BlockRows += 20
	}
	c.request.Stream, c.request.BatchRows = s, 0
	if rng.IntN(2) == 0 {
		cycles := 1 + rng.Int64N(3)
		s.Cyclic, s.Cycles = true, &cycles
	}
	if rng.IntN(2) == 0 {
		seed := rng.Int64()
		s.Shuffle, s.ShuffleRows = &seed, rng.IntN(2) == 0
	}
}

// gives is how many rows a whole answer has.
func (c *modelCase) gives() int {
	s, n := c.request.Stream, len(c.rows)
	if s == nil {
		return n
	}
	cycles, block := 1, int(s.BlockRows)
	if s.Cyclic {
		cycles = int(*s.Cycles)
	}
	switch {
	case s.Remainder == KeepRemainder:
		return cycles * n
	case s.Shuffle != nil:
		return cycles * (n / block * block)
	}
	return cycles * n / block * block
}

// String tells a case in a failure.
func (c *modelCase) String() string {
	r := c.request
	text := fmt.Sprintf("%s %s fields %v index %q offset %d batch %d %d coordinates, mask of %d", c.file, c.path, r.Fields, r.Index, r.Offset, r.BatchRows,
		len(r.Coordinates), r.MaskRows)
	for name, p := range map[string]*int64{"start": r.Start, "stop": r.Stop, "step": r.Step, "limit": r.Limit} {
		if p != nil {
			text += fmt.Sprintf(" %s %d", name, *p)
		}
	}
	if r.Where != nil {
		text += " where " + *r.Where
	}
	if r.Stream != nil {
		text += fmt.Sprintf(" stream %+v", *r.Stream)
	}
	return text + " sort " + r.SortBy
}

func TestModel(t *testing.T) {
	plugins := t.TempDir()
	compile(t, filepath.Join(plugins, "libflip.so"), "-DID=399")
	t.Setenv("HDF5_PLUGIN_PATH", plugins)
	all := plainAnswers(t)
	if one := os.Getenv("MTFLIGHT_MODEL_SEED"); one != "" {
		seed, err := strconv.ParseUint(one, 10, 64)
		require.NoError(t, err)
		modelRun(t, all, seed)
		return
	}
	kept, err := os.ReadFile("testdata/model/seeds.txt")
	require.NoError(t, err)
	for _, line := range strings.Fields(string(kept)) {
		seed, err := strconv.ParseUint(line, 10, 64)
		require.NoError(t, err)
		modelRun(t, all, seed)
	}
	n, first := 40, uint64(1)
	if asked := os.Getenv("MTFLIGHT_MODEL"); asked != "" {
		n, err = strconv.Atoi(asked)
		require.NoError(t, err)
		first = rand.Uint64() >> 1
		t.Logf("seeds from %d on", first)
	}
	for k := range n {
		modelRun(t, all, first+uint64(k))
	}
	t.Logf("faults, and how often the answer was an error: %v", faultsMet)
}

// kindOf is what an error is called in counts.
func kindOf(err error) string {
	if kind := fault.Of(err); kind != nil {
		return kind.Error()
	}
	return err.Error()
}

// textOf is a value as text; JSON, which Arrow would make of lists, has no NaN.
func textOf(a arrow.Array, i int) string {
	if x, ok := a.(array.ExtensionArray); ok {
		a = x.Storage()
	}
	var parts []string
	switch x := a.(type) {
	case array.ListLike:
		for from, to := x.ValueOffsets(i); from < to; from++ {
			parts = append(parts, textOf(x.ListValues(), int(from)))
		}
	case *array.Struct:
		for k := range x.NumField() {
			parts = append(parts, textOf(x.Field(k), i))
		}
	default:
		return a.ValueStr(i)
	}
	return fmt.Sprintf("%v%q", a.IsValid(i), parts)
}
