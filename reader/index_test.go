package reader

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/index"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/ptindex"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// indexed is the file of tables with indexes, in an engine with so much memory.
func indexed(t *testing.T, memory int64) *File {
	t.Helper()
	return opened(t, unpacked(t, "internal/ptindex/testdata/indexes.h5.gz"), memory)
}

func opened(t *testing.T, name string, memory int64) *File {
	t.Helper()
	return openedBy(t, name, Config{InProcess: true, Memory: memory})
}

func openedBy(t *testing.T, name string, cfg Config) *File {
	t.Helper()
	eng, err := NewEngine(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		used, _ := eng.Memory()
		require.Zero(t, used, "bytes still held")
		require.NoError(t, eng.Close())
	})
	f, err := eng.Open(context.Background(), location.Location{Path: name})
	require.NoError(t, err)
	return f
}

// column is a column's values as keys.
func column(t *testing.T, d *Dataset, r Request) ptindex.Keys {
	t.Helper()
	r.Options = index.AsValues
	p, err := d.Plan(context.Background(), r)
	require.NoError(t, err)
	var k ptindex.Keys
	require.NoError(t, planned{p}.Each(context.Background(), func(r arrow.Record) bool {
		require.NoError(t, index.AppendKeys(&k, r.Column(0)))
		return true
	}))
	return k
}

var tablesWithIndexes = []string{"ultralight0", "ultralight4", "ultralight6", "ultralight9", "light0", "light4", "light6", "light9",
	"medium0", "medium4", "medium6", "medium9", "full0", "full4", "full6", "full9", "grown", "behind", "old"}

func TestIndexFindsEveryRow(t *testing.T) {
	f := indexed(t, 64<<20)
	r := rand.New(rand.NewPCG(3, 4))
	for _, name := range tablesWithIndexes {
		d, err := f.Dataset(context.Background(), "/"+name)
		require.NoError(t, err)
		for _, col := range []string{"i4", "f8", "s", "n/t", "f4", "b", "i1"} {
			ix, why, err := d.indexes().Index(context.Background(), col)
			require.NoError(t, err)
			if name == "behind" && col[0] != 'i' && col != "f8" && col != "s" || name == "behind" && col == "i1" {
				require.Nil(t, ix)
				require.NotEmpty(t, why)
				continue
			}
			require.NotNil(t, ix, "%s %s: %s", name, col, why)
			keys := column(t, d, Request{Fields: []string{col}})
			for range drawn(20) {
				checkRanges(t, r, ix, keys, fmt.Sprint(name, " ", col))
			}
		}
	}
}

// checkRanges compares what an index finds for some ranges with what lies in them.
func checkRanges(t *testing.T, r *rand.Rand, ix *index.Index, keys ptindex.Keys, where string) {
	t.Helper()
	ctx := context.Background()
	var ranges []ptindex.Range
	want := map[int64]bool{}
	sum := int64(0)
	for range 1 + r.IntN(2) {
		rg, lo, hi := someRange(r, keys, ix.Class)
		ranges = append(ranges, rg)
		sum += ix.Estimate(rg.Lo, rg.Hi)
		for i := range keys.Len() {
			if (rg.Lo.Value == nil || inside(keys, i, lo, rg.Lo.Open, 1)) && (rg.Hi.Value == nil || inside(keys, i, hi, rg.Hi.Open, -1)) {
				want[int64(i)] = true
			}
		}
	}
	got, err := ix.Rows(ctx, ranges)
	require.NoError(t, err)
	require.True(t, slices.IsSorted(got))
	require.Len(t, slices.Compact(slices.Clone(got)), len(got), "repeated rows")
	require.LessOrEqual(t, int64(len(got)), sum, "%s %v: estimate", where, ranges)
	have := map[int64]bool{}
	for _, g := range got {
		require.True(t, g >= 0 && g < ix.TableRows)
		have[g] = true
	}
	for row := range want {
		require.True(t, have[row], "%s %v: row %d is missing", where, ranges, row)
	}
	exact := ix.Class == ptindex.Int
	if ix.Class == ptindex.Bytes { // a text's bound may be equal to others up to its NUL, which are left in
		exact = !slices.ContainsFunc(ranges, func(r ptindex.Range) bool { return r.Lo.Open })
	}
	if ix.IndexSize == 8 && ix.Indexed() == ix.TableRows && exact {
		require.Len(t, got, len(want), "%s %v: a full index is exact", where, ranges)
	}
}

// inside compares key i with key j: on the side of sign, or equal to it.
func inside(keys ptindex.Keys, i, j int, open bool, sign int) bool {
	var c int
	if keys.Str != nil {
		c = bytes.Compare(keys.Str[i], keys.Str[j])
	} else {
		c = cmp.Compare(keys.Num[i], keys.Num[j])
	}
	return c*sign > 0 || c == 0 && !open
}

// someRange is between two of the values, which it gives too.
func someRange(r *rand.Rand, keys ptindex.Keys, c ptindex.Class) (rg ptindex.Range, lo, hi int) {
	pick := func() (int, ptindex.Bound) {
		for {
			i := r.IntN(keys.Len())
			if v := valueOf(keys, i, c); v == v {
				return i, ptindex.Bound{Value: v, Open: r.IntN(3) == 0}
			}
		}
	}
	lo, rg.Lo = pick()
	hi, rg.Hi = pick()
	switch r.IntN(6) {
	case 0:
		rg.Lo = ptindex.Bound{}
	case 1:
		rg.Hi = ptindex.Bound{}
	case 2:
		hi, rg.Hi = lo, ptindex.Bound{Value: rg.Lo.Value}
		rg.Lo.Open = false
	}
	return rg, lo, hi
}

func valueOf(keys ptindex.Keys, i int, c ptindex.Class) any {
	switch c {
	case ptindex.Bytes:
		return string(keys.Str[i])
	case ptindex.Int:
		return int64(keys.Num[i] ^ 1<<63)
	}
	b := keys.Num[i]
	if b>>63 != 0 {
		return math.Float64frombits(b ^ 1<<63)
	}
	return math.Float64frombits(^b)
}

// TestIndexesOfTheCorpus does the same for every index of the files below MTFLIGHT_CORPUS/pytables.
func TestIndexesOfTheCorpus(t *testing.T) {
	root := os.Getenv("MTFLIGHT_CORPUS")
	if root == "" {
		t.Skip("MTFLIGHT_CORPUS names no directory")
	}
	found := 0
	require.NoError(t, filepath.WalkDir(filepath.Join(root, "pytables"), func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() && filepath.Ext(name) == ".h5" {
			found += checkIndexes(t, name)
		}
		return err
	}))
	require.NotZero(t, found)
}

func checkIndexes(t *testing.T, name string) (found int) {
	t.Helper()
	ctx := context.Background()
	r := rand.New(rand.NewPCG(3, 4))
	f := opened(t, name, 64<<20)
	tree, err := f.listing(ctx)
	require.NoError(t, err)
	for _, m := range tree.Datasets {
		d, err := f.Dataset(ctx, m.Path)
		if err != nil || d.unsupported != nil || d.source.Class != "TABLE" {
			continue
		}
		for _, c := range d.Columns() {
			ix, _, err := d.indexes().Index(ctx, c.Name)
			require.NoError(t, err)
			if ix == nil {
				continue
			}
			found++
			keys := column(t, d, Request{Fields: []string{c.Name}})
			for i := 0; i < 20 && keys.Len() > 0; i++ {
				checkRanges(t, r, ix, keys, name+" "+c.Name)
			}
		}
	}
	return found
}

func TestIndexesThatMustNotBeUsed(t *testing.T) {
	f := indexed(t, 64<<20)
	for _, c := range []struct{ table, column, why string }{
		{"dirty", "i4", "dirty"},
		{"behind", "f4", "dirty"},
		{"behind", "n/t", "version"},
		{"plain", "i4", "no index"},
		{"full9", "row", "no index"},
		{"full9", "n/u8", "no index"},
		{"half", "f2", "bits"},
	} {
		d, err := f.Dataset(context.Background(), "/"+c.table)
		require.NoError(t, err)
		for range 2 { // the second time it is known
			ix, why, err := d.indexes().Index(context.Background(), c.column)
			require.NoError(t, err)
			require.Nil(t, ix)
			require.Contains(t, why, c.why)
		}
	}
}

func TestCheckCSI(t *testing.T) {
	f := indexed(t, 64<<20)
	for _, c := range []struct {
		table, column string
		ok            bool
	}{
		{"full9", "i4", true}, {"full9", "s", true}, {"full9", "f4", true}, {"full6", "f8", true}, {"full9", "b", true},
		{"full9", "row", false}, {"full0", "i4", false}, {"medium9", "i4", false}, {"grown", "i4", false},
		{"dirty", "i4", false}, {"behind", "i4", false}, {"plain", "i4", false}, {"half", "f2", false},
	} {
		d, err := f.Dataset(context.Background(), "/"+c.table)
		require.NoError(t, err)
		_, err = d.Plan(context.Background(), Request{SortBy: c.column, CheckCSI: true})
		if c.ok {
			require.NoError(t, err, "%s %s", c.table, c.column)
		} else {
			require.ErrorIs(t, err, fault.Precondition, "%s %s", c.table, c.column)
		}
	}
}

func TestSortedByIndexOrNot(t *testing.T) {
	f := indexed(t, 64<<20)
	for _, name := range append([]string{"dirty", "plain"}, tablesWithIndexes...) {
		d, err := f.Dataset(context.Background(), "/"+name)
		require.NoError(t, err)
		for _, col := range []string{"i4", "f8", "s", "n/t", "n/u8", "f4", "b", "i1"} {
			checkSorted(t, d, col, name != "grown" && name != "dirty" && name != "behind")
		}
	}
}

func TestSortedOnDisk(t *testing.T) {
	f := indexed(t, 4<<20)
	d, err := f.Dataset(context.Background(), "/long")
	require.NoError(t, err)
	for _, col := range []string{"i4", "s", "f4"} {
		checkSorted(t, d, col, true)
	}
}

// checkSorted compares slices of a table in the order of a column with the sorted values; unique: column row has each
// number once.
func checkSorted(t *testing.T, d *Dataset, col string, unique bool) {
	t.Helper()
	where := d.asked + " " + col
	r := rand.New(rand.NewPCG(5, 6))
	all := column(t, d, Request{Fields: []string{col}})
	values := column(t, d, Request{Fields: []string{col}})
	sortKeys(all)
	rows := column(t, d, Request{Fields: []string{"row"}, SortBy: col})
	require.Len(t, rows.Num, all.Len())
	for i, n := range rows.Num {
		if unique {
			row := int(n ^ 1<<63)
			require.Equal(t, all.Slice(i, i+1), values.Slice(row, row+1), "%s: the row of place %d", where, i)
		}
	}
	slices.Sort(rows.Num)
	if unique {
		require.Len(t, slices.Compact(rows.Num), all.Len(), "%s: a row twice", where)
	}
	for range 5 {
		start, stop, step := r.Int64N(900)-400, r.Int64N(900)-400, []int64{1, -1, 3, -7}[r.IntN(4)]
		got := column(t, d, Request{Fields: []string{col}, SortBy: col, Start: &start, Stop: &stop, Step: &step, BatchRows: 1 + r.Int64N(99)})
		require.Equal(t, sliced(t, all, start, stop, step), got, "%s [%d:%d:%d]", where, start, stop, step)
	}
}

func sortKeys(k ptindex.Keys) {
	slices.Sort(k.Num)
	slices.SortFunc(k.Str, bytes.Compare)
}

func sliced(t *testing.T, k ptindex.Keys, start, stop, step int64) ptindex.Keys {
	t.Helper()
	s, err := rows.Slice(&start, &stop, &step, int64(k.Len()))
	require.NoError(t, err)
	var out ptindex.Keys
	for i := range s.N {
		at := int(s.Start + i*s.Step)
		if k.Str != nil {
			out.Str = append(out.Str, k.Str[at])
		} else {
			out.Num = append(out.Num, k.Num[at])
		}
	}
	return out
}

func TestFilteredThenSortedThenSliced(t *testing.T) {
	f := indexed(t, 64<<20)
	d, err := f.Dataset(context.Background(), "/full9")
	require.NoError(t, err)
	where := "(i4 > 10) & (b == 1)"
	all := column(t, d, Request{Fields: []string{"f8"}, Where: &where})
	sortKeys(all)
	start, stop, step, limit := int64(-3), int64(2), int64(-2), int64(20)
	got := column(t, d, Request{Fields: []string{"f8"}, Where: &where, SortBy: "f8", Start: &start, Stop: &stop, Step: &step, Limit: &limit})
	want := sliced(t, all, start, stop, step)
	require.Equal(t, want.Num[:20], got.Num)
}

func TestIndexes(t *testing.T) {
	eng, err := NewEngine(Config{InProcess: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, eng.Close()) }()
	f, err := eng.Open(context.Background(), location.Location{Path: "../testdata/tables.h5"})
	require.NoError(t, err)
	for path, want := range map[string][]string{"/events": {}, "/plain": {"run"}} {
		d, err := f.Dataset(context.Background(), path)
		require.NoError(t, err)
		got, err := d.Indexes(context.Background())
		require.NoError(t, err)
		require.ElementsMatch(t, want, got)
	}
}
