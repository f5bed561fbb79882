package reader

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/stretchr/testify/require"
)

// frameFile opens a file of testdata/frames in an engine with so much memory. At the end nothing may be in use.
func frameFile(t *testing.T, name string, memory int64) *File {
	t.Helper()
	path := unpacked(t, "testdata/frames/"+name+".gz")
	e, err := NewEngine(Config{Workers: 2, InProcess: true, Memory: memory})
	require.NoError(t, err)
	t.Cleanup(func() {
		used, _ := e.Memory()
		require.Zero(t, used)
		require.Zero(t, e.frames.Used())
		require.NoError(t, e.Close())
	})
	f, err := e.Open(context.Background(), location.Location{Path: path, Name: name})
	require.NoError(t, err)
	return f
}

func frameOf(t *testing.T, f *File, path string) *Dataset {
	t.Helper()
	d, err := f.Dataset(context.Background(), path)
	require.NoError(t, err)
	return d
}

// whole is what a request gives, one record in Go's heap, with the rows of each batch.
func whole(t *testing.T, d *Dataset, r Request) (arrow.Record, []int64) {
	t.Helper()
	p, err := d.Plan(context.Background(), r)
	require.NoError(t, err)
	run := p.Run(context.Background())
	defer run.Release()
	var batches []int64
	parts := make([][]arrow.Array, len(p.Schema().Fields()))
	total := int64(0)
	for run.Next() {
		rec := run.Record()
		require.True(t, rec.Schema().Equal(p.Schema()))
		require.Equal(t, run.Block().Rows, rec.NumRows())
		for i, c := range rec.Columns() {
			copied, err := array.Concatenate([]arrow.Array{c}, memory.DefaultAllocator)
			require.NoError(t, err)
			parts[i] = append(parts[i], copied)
		}
		batches, total = append(batches, rec.NumRows()), total+rec.NumRows()
	}
	require.NoError(t, run.Err())
	if p.Rows() >= 0 {
		require.Equal(t, p.Rows(), total)
	}
	columns := make([]arrow.Array, len(parts))
	for i, f := range p.Schema().Fields() {
		if columns[i] = array.MakeArrayOfNull(memory.DefaultAllocator, f.Type, 0); total > 0 {
			columns[i], err = array.Concatenate(parts[i], memory.DefaultAllocator)
			require.NoError(t, err)
		}
	}
	return array.NewRecord(p.Schema(), columns, total), batches
}

// told is a record as lines of "name type values".
func told(r arrow.Record) string {
	var b strings.Builder
	for i, f := range r.Schema().Fields() {
		fmt.Fprintf(&b, "%s %s %s\n", f.Name, f.Type, strings.Join(strings.Fields(r.Column(i).String()), " "))
	}
	return b.String()
}

// knownFrames are by file and group, as pandas and AnnData read them.
var knownFrames = map[string]string{
	"pandas.h5 /fixed": `x float64 [0.5 1.5 NaN 3.5]
n int64 [1 2 3 4]
y float64 [10 11 12 13]
ok bool [true false true true]
when timestamp[ns] [1704067200000000000 (null) 1704240000000000000 1704326400000000000]
local timestamp[s, tz=Europe/Berlin] [1717192800 1717279200 1717365600 1717452000]
took duration[us] [1000000 2000000 (null) 4000000]
key utf8 ["a" "b" (null) "d"]
`,
	"pandas.h5 /multi": `x float64 [0.5 1.5 NaN 3.5]
i int64 [1 1 2 2]
__index_level_1__ utf8 ["p" "q" "p" (null)]
`,
	"pandas.h5 /empty": `x float64 []
n int64 []
when timestamp[ns] []
key utf8 []
`,
	"pandas.h5 /labels": `0 float64 [1 0 0]
1 float64 [0 1 0]
2 float64 [0 0 1]
__index_level_0__ int64 [0 1 2]
`,
	"pandas.h5 /series": "n int64 [1 2 3 4]\nkey utf8 [\"a\" \"b\" (null) \"d\"]\n",
	"pandas.h5 /table": `x float64 [0.5 1.5 NaN 3.5]
n int64 [1 2 3 4]
y float64 [10 11 12 13]
ok bool [true false true true]
when timestamp[ns] [1704067200000000000 (null) 1704240000000000000 1704326400000000000]
local timestamp[s, tz=Europe/Berlin] [1717192800 1717279200 1717365600 1717452000]
took duration[us] [1000000 2000000 (null) 4000000]
who utf8 ["ann" (null) "nan" "zoë"]
kind dictionary<values=utf8, indices=int8, ordered=true> { dictionary: ["v" "u"] indices: [1 0 (null) 1] }
key utf8 ["a" "b" (null) "d"]
`,
	"pandas.h5 /texts": `x float64 [0.5 1.5 NaN 3.5]
who utf8 ["ann" (null) "nan" "zoë"]
a utf8 ["p" (null) "q" "p"]
b utf8 ["é" "" "nan" (null)]
__index_level_0__ int64 [0 1 2 3]
`,
	"pandas.h5 /names": "who utf8 [\"ann\" (null) \"nan\" \"zoë\"]\nkey utf8 [\"a\" \"b\" (null) \"d\"]\n",
	"pandas.h5 /older": "x float64 [0.5 1.5 NaN 3.5]\nkey utf8 [\"k\" \"l\" \"m\" \"k\"]\n",
	"pandas.h5 /deep/levels": `x float64 [0.5 1.5 NaN]
ok bool [true false true]
i int64 [1 1 2]
__index_level_1__ utf8 ["p" "q" "p"]
`,
	"anndata.h5ad /obs": `kind dictionary<values=utf8, indices=int8, ordered=true> { dictionary: ["v" "u"] indices: [1 0 (null)] }
n int32 [1 (null) 3]
good bool [true (null) false]
name utf8 ["a" (null) "c"]
x float64 [0.5 1.5 NaN]
text utf8 ["l" "m" "n"]
__index_level_0__ utf8 ["c0" "c1" "c2"]
`,
	"anndata.h5ad /var": "len int64 [7 8]\ngene utf8 [\"g0\" \"g1\"]\n",
}

func TestFrames(t *testing.T) {
	for path, want := range knownFrames {
		t.Run(path, func(t *testing.T) {
			name, path, _ := strings.Cut(path, " ")
			d := frameOf(t, frameFile(t, name, 0), path)
			got, _ := whole(t, d, Request{})
			require.Equal(t, want, told(got))
			require.Equal(t, "table", d.Info().Kind)
			require.EqualValues(t, got.NumRows(), d.Info().Rows)
			require.True(t, got.Schema().Equal(d.Info().Schema))
			require.NotEmpty(t, got.Schema().Metadata().ToMap()["pandas"])
		})
	}
}

func num(v int64) *int64 { return &v }

func TestFrameRows(t *testing.T) {
	d := frameOf(t, frameFile(t, "pandas.h5", 0), "/fixed")
	columns := []string{"key", "n", "when"}
	for name, k := range map[string]struct {
		r       Request
		n       string // values of column n
		batches []int64
	}{
		"start":       {Request{Start: num(1)}, "[2 3 4]", []int64{3}},
		"stop":        {Request{Stop: num(-1)}, "[1 2 3]", []int64{3}},
		"back":        {Request{Step: num(-2)}, "[4 2]", []int64{2}},
		"limit":       {Request{Limit: num(2)}, "[1 2]", []int64{2}},
		"offset":      {Request{Offset: 1, Limit: num(2)}, "[2 3]", []int64{2}},
		"past":        {Request{Offset: 4}, "[]", nil},
		"page blocks": {Request{Offset: 1, Stream: &Stream{BlockRows: 2, FromBlock: 1}}, "[4]", []int64{1}},
		"none":        {Request{Start: num(9)}, "[]", nil},
		"coordinates": {Request{Coordinates: []int64{3, 0, 3}}, "[4 1 4]", []int64{3}},
		"mask":        {Request{Mask: []byte{5}}, "[1 3]", []int64{2}},
		"batches":     {Request{BatchRows: 3}, "[1 2 3 4]", []int64{3, 1}},
		"blocks":      {Request{Stream: &Stream{BlockRows: 3, Remainder: rows.DropRemainder}}, "[1 2 3]", []int64{3}},
		"cycles":      {Request{Stream: &Stream{BlockRows: 3, Cyclic: true, Cycles: num(2)}}, "[1 2 3 4 1 2 3 4]", []int64{3, 3, 2}},
		"resumed":     {Request{Stream: &Stream{BlockRows: 3, FromBlock: 1, Unordered: true}}, "[4]", []int64{1}},
	} {
		t.Run(name, func(t *testing.T) {
			k.r.Fields = columns
			got, batches := whole(t, d, k.r)
			require.Equal(t, k.n, got.Column(1).String())
			require.Equal(t, k.batches, batches)
			require.Equal(t, columns, []string{got.ColumnName(0), got.ColumnName(1), got.ColumnName(2)})
		})
	}
}

func TestFrameSplit(t *testing.T) {
	d := frameOf(t, frameFile(t, "pandas.h5", 0), "/fixed")
	p, err := d.Plan(context.Background(), Request{Fields: []string{"n"}})
	require.NoError(t, err)
	text := ""
	for _, r := range p.Split(2) {
		got, _ := whole(t, d, r)
		text += got.Column(0).String()
	}
	require.Equal(t, "[1 2][3 4]", text)
}

func TestFrameOptions(t *testing.T) {
	f := frameFile(t, "pandas.h5", 0)
	numbers, plain := Request{Fields: []string{"when", "took"}}, Request{Fields: []string{"kind"}}
	numbers.Options.Time, plain.Options.Plain = "numeric", true
	got, _ := whole(t, frameOf(t, f, "/table"), numbers)
	require.Equal(t, "when int64 [1704067200000000000 -9223372036854775808 1704240000000000000 1704326400000000000]\n"+
		"took int64 [1000000 2000000 -9223372036854775808 4000000]\n", told(got))
	got, _ = whole(t, frameOf(t, f, "/table"), plain)
	require.Equal(t, "kind utf8 [\"u\" \"v\" (null) \"u\"]\n", told(got))
}

// A frame in one table can be asked with that table's own names.
func TestFrameCondition(t *testing.T) {
	where := `(n > 1) & (who != b'zo\xc3\xab')`
	got, _ := whole(t, frameOf(t, frameFile(t, "pandas.h5", 0), "/table"), Request{Where: &where, Fields: []string{"n", "who", "kind"}})
	require.Equal(t, `n int64 [2 3]
who utf8 [(null) "nan"]
kind dictionary<values=utf8, indices=int8, ordered=true> { dictionary: ["v" "u"] indices: [0 (null)] }
`, told(got))
}

func TestFrameRefusals(t *testing.T) {
	f := frameFile(t, "pandas.h5", 0)
	where, all, rows := "n > 1", ":", Request{}
	rows.Options.Layout = "rows"
	for name, k := range map[string]struct {
		path string
		r    Request
		kind error
		says string
	}{
		"pickled":        {"/pickled", Request{}, ErrUnsupported, "/pickled/block1_values"},
		"pickled column": {"/pickled", Request{Fields: []string{"who"}}, ErrUnsupported, "fields: x, key"},
		"misspelt":       {"/fixed", Request{Fields: []string{"wen"}}, ErrNotFound, `near: "when"`},
		"where":          {"/fixed", Request{Where: &where}, ErrUnsupported, "where"},
		"sort_by":        {"/fixed", Request{SortBy: "n"}, ErrUnsupported, "sort_by"},
		"select":         {"/table", Request{Select: &all}, ErrUnsupported, "select is not served for a frame: ask the raw node /table"},
		"rows":           {"/table", rows, ErrUnsupported, "layout"},
		"follow":         {"/table", Request{Stream: &Stream{Follow: true}}, ErrUnsupported, "follow"},
		"coordinates":    {"/fixed", Request{Coordinates: []int64{4}}, ErrOutOfRange, "4"},
		"step":           {"/fixed", Request{Step: num(0)}, ErrInvalid, "step"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := frameOf(t, f, k.path).Plan(context.Background(), k.r)
			require.ErrorIs(t, err, k.kind)
			require.ErrorContains(t, err, k.says)
		})
	}
	_, err := f.Dataset(context.Background(), "/deep")
	require.ErrorIs(t, err, ErrNotFound, "a group that is no frame")
	got, _ := whole(t, frameOf(t, f, "/pickled"), Request{Fields: []string{"key", "x"}})
	require.EqualValues(t, 4, got.NumRows())
}

// TestFrameOfLargePickles asks for texts that are pickled in as many bytes as are read, and in one more.
func TestFrameOfLargePickles(t *testing.T) {
	f := frameFile(t, "pickles.h5", 256<<20)
	got, _ := whole(t, frameOf(t, f, "/most"), Request{Fields: []string{"who"}})
	who := got.Column(0).(*array.String)
	require.Equal(t, "u", who.Value(1))
	require.Equal(t, strings.Repeat("t", len(who.Value(0))), who.Value(0))
	require.InDelta(t, 16<<20, len(who.Value(0)), 1000, "about as large as may be")

	more := frameOf(t, f, "/more")
	for _, fields := range [][]string{nil, {"who"}, {"x", "who"}} {
		_, err := more.Plan(context.Background(), Request{Fields: fields})
		require.ErrorIs(t, err, ErrUnsupported)
		require.ErrorContains(t, err, "/more/block1_values: 16777217 bytes are pickled in one piece, at most 16 MiB are read")
	}
	got, _ = whole(t, more, Request{Fields: []string{"x"}})
	require.Equal(t, "[1.5 2.5]", got.Column(0).String())
}

// Frames are listed beside the raw nodes, which stay as they are.
func TestFrameListing(t *testing.T) {
	f := frameFile(t, "pandas.h5", 0)
	tree, err := f.Tree(context.Background())
	require.NoError(t, err)
	formats := map[string]string{}
	for _, g := range tree.Groups {
		if g.Frame != "" {
			formats[g.Path] = g.Frame
		}
	}
	require.Equal(t, "pandas fixed", formats["/fixed"])
	require.Equal(t, "pandas table", formats["/table"])
	for _, d := range tree.Datasets {
		require.NotContains(t, formats, d.Path)
	}
	all, err := f.Frames(context.Background())
	require.NoError(t, err)
	require.Len(t, all, len(formats))
	for _, d := range all {
		require.Equal(t, "table", d.Kind, d.Path)
	}
}

// Many frames at once in little memory wait for each other and all come to their end.
func TestFramesInLittleMemory(t *testing.T) {
	f := frameFile(t, "pandas.h5", 2<<20)
	d := frameOf(t, f, "/fixed")
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			p, err := d.Plan(context.Background(), Request{BatchRows: 1})
			if err != nil {
				t.Error(err)
				return
			}
			run := p.Run(context.Background())
			defer run.Release()
			n := 0
			for run.Next() {
				n++
			}
			if run.Err() != nil || n != 4 {
				t.Errorf("%d batches: %v", n, run.Err())
			}
		})
	}
	wg.Wait()
}

// A run that is left early gives everything back, which frameFile checks.
func TestFrameLeftEarly(t *testing.T) {
	d := frameOf(t, frameFile(t, "pandas.h5", 0), "/fixed")
	p, err := d.Plan(context.Background(), Request{BatchRows: 1})
	require.NoError(t, err)
	run := p.Run(context.Background())
	require.True(t, run.Next())
	rec := run.Record()
	rec.Retain()
	run.Release()
	require.EqualValues(t, 1, rec.NumRows())
	rec.Release()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	run = p.Run(ctx)
	require.False(t, run.Next())
	require.ErrorIs(t, run.Err(), context.Canceled)
	run.Release()
}

// TestFrameInHostileBlocks: what a run of a frame holds is counted without overflow.
func TestFrameInHostileBlocks(t *testing.T) {
	f := frameFile(t, "pandas.h5", 64<<20)
	d := frameOf(t, f, "/fixed")
	for bits := range 63 {
		got, _ := whole(t, d, Request{Stream: &Stream{BlockRows: 1 << bits}})
		require.Equal(t, int64(d.info.Rows), got.NumRows())
		got.Release()
	}
	got, _ := whole(t, d, Request{Stream: &Stream{BlockRows: 1 << 62}})
	defer got.Release()
	require.Equal(t, int64(d.info.Rows), got.NumRows())
}
