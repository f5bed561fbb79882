package reader

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader/internal/location"
)

// pageByPage asks for a result page by page, in an engine that keeps nothing and one that does: they say the same.
func pageByPage(t *testing.T, off, on *Dataset, q Request, size int64) {
	t.Helper()
	for q.Offset = 0; q.Offset < 4*size; q.Offset += size {
		q.Limit = &size
		requireAlike(t, off, on, q)
	}
	q.Limit, q.Offset = nil, size/2
	requireAlike(t, off, on, q)
}

// TestAnswersAreKeptAlike: pages of conditions and orders are those of an engine that keeps nothing, forwards and back, under pressure, too.
func TestAnswersAreKeptAlike(t *testing.T) {
	allRested(t)
	name := "../testdata/tables.h5"
	off, on := cachedEngine(t, name, -1), cachedEngine(t, name, 0)
	r := rand.New(rand.NewPCG(19, 3))
	for _, dataset := range []string{"/events", "/blosc", "/plain"} {
		a, b := frameOf(t, off, dataset), frameOf(t, on, dataset)
		for range 12 {
			q := Request{Fields: []string{"id", "energy", "good"}}
			switch r.IntN(3) {
			case 0:
				q.SortBy = "run"
			case 1:
				q.SortBy, q.Where = "gain", new(fmt.Sprintf("channel < %d", r.IntN(900)))
			default:
				q.Where = new(fmt.Sprintf("(id %% 7 == %d) | (energy > %d)", r.IntN(7), r.IntN(99)))
			}
			q.Step = []*int64{nil, new(int64(-1)), new(int64(3))}[r.IntN(3)]
			q.Index = []string{"", "off"}[r.IntN(2)]
			pageByPage(t, a, b, q, 1+r.Int64N(400))
			if r.IntN(3) == 0 {
				on.eng.columns.Give()
			}
		}
	}
	hits, _ := on.eng.columns.Answered()
	require.NotZero(t, hits)
}

// TestAPageBehindAnotherReadsNoMoreThanItHasTo: what a condition or an order has found is not found again, and explain says so.
func TestAPageBehindAnotherReadsNoMoreThanItHasTo(t *testing.T) {
	allRested(t)
	f := cachedEngine(t, "../testdata/tables.h5", 0)
	d := frameOf(t, f, "/plain")
	for _, q := range []Request{{Where: new("id % 2 == 0")}, {SortBy: "energy"}, {SortBy: "energy", Where: new("id > 10")}} {
		q.Fields, q.Limit = []string{"id"}, new(int64(50))
		require.EqualValues(t, -1, foundBy(t, d, q))
		readOnce(t, d, q)
		require.EqualValues(t, 50, foundBy(t, d, q))
		_, before := f.eng.columns.Answered()
		hits, _ := f.eng.columns.Answered()
		readOnce(t, d, q)
		q.Offset = 20
		require.EqualValues(t, map[bool]int64{true: 30, false: 50}[q.SortBy == ""], foundBy(t, d, q))
		readOnce(t, d, q)
		now, misses := f.eng.columns.Answered()
		require.Greater(t, now, hits)
		require.Equal(t, before, misses)
	}
}

func readOnce(t *testing.T, d *Dataset, q Request) {
	t.Helper()
	all, err := records(t, d, q)
	require.NoError(t, err)
	release(all)
}

func foundBy(t *testing.T, d *Dataset, q Request) int64 {
	t.Helper()
	p, err := d.Plan(context.Background(), q)
	require.NoError(t, err)
	x, err := p.Explain(context.Background())
	require.NoError(t, err)
	return x.Found
}

// TestAnswersOfAnotherFile: what was found in one state of a file says nothing of another, nor does what a cancelled request had found.
func TestAnswersOfAnotherFile(t *testing.T) {
	allRested(t)
	path := filepath.Join(t.TempDir(), "f.h5")
	copied(t, "../testdata/tables.h5", path)
	f := cachedEngine(t, path, 0)
	q := Request{Where: new("id > 1000"), Fields: []string{"id"}}
	p, err := frameOf(t, f, "/events").Plan(context.Background(), q)
	require.NoError(t, err)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	run := p.Run(gone)
	require.False(t, run.Next())
	run.Release()
	require.EqualValues(t, -1, foundBy(t, frameOf(t, f, "/events"), q))
	readOnce(t, frameOf(t, f, "/events"), q)
	require.NotEqualValues(t, -1, foundBy(t, frameOf(t, f, "/events"), q))
	copied(t, unpacked(t, "testdata/stats/clustered.h5.gz"), path)
	g, err := f.eng.Open(context.Background(), location.Location{Path: path})
	require.NoError(t, err)
	require.Zero(t, f.eng.columns.Held())
	copied(t, "../testdata/tables.h5", path)
	g, err = g.eng.Open(context.Background(), location.Location{Path: path})
	require.NoError(t, err)
	require.EqualValues(t, -1, foundBy(t, frameOf(t, g, "/events"), q))
}

// TestAnswersOfColumns: the order of the rows that a condition on columns beside has found is not kept as that of all rows.
func TestAnswersOfColumns(t *testing.T) {
	allRested(t)
	name := "../testdata/layouts.h5"
	off, on := cachedEngine(t, name, -1), cachedEngine(t, name, 0)
	of := func(f *File) *Dataset {
		d, err := f.SideBySide(context.Background(), []string{"/line", "/contiguous", "/chunked"})
		require.NoError(t, err)
		return d
	}
	for _, q := range []Request{
		{SortBy: "line", Where: new("(contiguous[0] > 500) & (line > 100)")}, {SortBy: "line", Where: new("contiguous[1] > 500")}, {SortBy: "line"},
		{SortBy: "line", Where: new("line > 500")}, {SortBy: "line", Where: new("(contiguous[0] < 300) | (chunked[2] < 9)")}, {Where: new("line > 500")}, {SortBy: "line", Where: new("1 < 2")},
	} {
		requireAlike(t, of(off), of(on), q)
		requireAlike(t, frameOf(t, off, "/line"), frameOf(t, on, "/line"), Request{SortBy: "line"})
	}
	hits, _ := on.eng.columns.Answered()
	require.NotZero(t, hits)
}
