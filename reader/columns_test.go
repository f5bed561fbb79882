package reader

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/mtflight/mtflight/internal/arrowtest"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/reader/internal/location"
)

// cachedEngine opens a file in an engine that keeps so many bytes of columns.
func cachedEngine(t *testing.T, name string, cache int64) *File {
	return openedBy(t, name, Config{InProcess: true, Memory: 256 << 20, Cache: cache})
}

// records are a request's, until it ends or fails.
func records(t *testing.T, d *Dataset, r Request) ([]arrow.Record, error) {
	t.Helper()
	p, err := d.Plan(context.Background(), r)
	require.NoError(t, err)
	run := p.Run(context.Background())
	defer run.Release()
	var out []arrow.Record
	for run.Next() {
		rec := run.Record()
		rec.Retain()
		out = append(out, rec)
	}
	return out, run.Err()
}

func release(all []arrow.Record) {
	for _, r := range all {
		r.Release()
	}
}

// requireAlike compares a request's batches in two engines, and in the second twice more, for which large ones are kept.
func requireAlike(t *testing.T, want, got *Dataset, r Request) {
	t.Helper()
	a, failed := records(t, want, r)
	defer release(a)
	for range 3 {
		b, err := records(t, got, r)
		if failed != nil {
			require.EqualError(t, err, failed.Error())
			release(b)
			continue
		}
		require.NoError(t, err)
		require.Len(t, b, len(a), "%+v", r)
		for i := range a {
			require.True(t, arrowtest.Same(a[i], b[i]), "batch %d of %+v", i, r)
		}
		release(b)
	}
}

// drawnRequest asks a dataset for something, often for what another one has asked for in part.
func drawnRequest(r *rand.Rand, d *Dataset) (q Request) {
	n := d.shape[0]
	if d.source.Kind() == convert.Table && r.IntN(3) > 0 {
		all := d.source.Columns()
		for range 1 + r.IntN(3) {
			q.Fields = append(q.Fields, all[r.IntN(len(all))].Name)
		}
	}
	q.Options.Strings = []string{"", "binary"}[r.IntN(2)]
	q.Options.Plain = r.IntN(4) == 0 && len(q.Fields) == 0
	if r.IntN(4) == 0 {
		q.BatchRows = 1 + r.Int64N(n)
	}
	drawRows(r, d, &q)
	if q.Stream == nil && r.IntN(4) == 0 {
		limit := r.Int64N(n)
		q.Offset, q.Limit = r.Int64N(n), &limit
	}
	return q
}

// drawRows draws which rows a request wants, in which order.
func drawRows(r *rand.Rand, d *Dataset, q *Request) {
	n := d.shape[0]
	switch r.IntN(8) {
	case 0:
		start := r.Int64N(n)
		stop := start + 1 + r.Int64N(n-start)
		q.Start, q.Stop = &start, &stop
	case 1:
		q.Step = new([]int64{1, 2, 3, -1, -7}[r.IntN(5)])
	case 2:
		for range 1 + r.IntN(300) {
			q.Coordinates = append(q.Coordinates, r.Int64N(2*n)-n)
		}
	case 3:
		q.Mask, q.MaskRows = make([]byte, (n+7)/8), n
		for i := range n {
			q.Mask[i/8] |= byte(min(1, r.IntN(3))) << (i % 8)
		}
	case 4:
		q.Select = new(fmt.Sprintf("%d:%d:%d", r.Int64N(n), r.Int64N(n), 1+r.IntN(3)))
	default:
		drawQuestion(r, d, q)
	}
}

// drawQuestion draws a condition, an order, or both, of columns of integers.
func drawQuestion(r *rand.Rand, d *Dataset, q *Request) {
	var names []string
	for _, c := range d.source.Columns() {
		if d.source.Kind() == convert.Table && c.Type.Class == h5type.Integer {
			names = append(names, c.Name)
		}
	}
	if len(names) == 0 {
		return
	}
	what := r.IntN(4)
	if what != 0 {
		a, b := names[r.IntN(len(names))], names[r.IntN(len(names))]
		q.Where = new(fmt.Sprintf("(%s < %d) | (%s == %d)", a, r.Int64N(d.shape[0]), b, r.IntN(9)))
	}
	if what <= 1 {
		q.SortBy = names[r.IntN(len(names))]
		q.Step = []*int64{nil, new(int64(-1)), new(int64(5))}[r.IntN(3)]
	}
	q.Index = []string{"", "off"}[r.IntN(2)]
}

// plannable leaves out requests that are refused, whatever the cache.
func plannable(d *Dataset, r Request) bool {
	_, err := d.Plan(context.Background(), r)
	return err == nil
}

var columnFiles = map[string][]string{
	"../testdata/tables.h5":          {"/events", "/blosc"},
	"testdata/stats/clustered.h5.gz": {"/table"},
	"testdata/sparse/sparse.h5.gz":   {"/blosc", "/blosc2"},
	"../testdata/arrays.h5":          {"/wave/zlib", "/wave/checked"},
}

// TestColumnsAreKeptAlike draws requests and asks each twice of engines that keep nothing, much, little, and much that is taken
// away again and again: all say the same.
func TestColumnsAreKeptAlike(t *testing.T) {
	drawn, err := strconv.Atoi(cmp.Or(os.Getenv("MTFLIGHT_REQUESTS"), "12"))
	require.NoError(t, err)
	for name, datasets := range columnFiles {
		if filepath.Ext(name) == ".gz" {
			name = unpacked(t, name)
		}
		allRested(t)
		off := cachedEngine(t, name, -1)
		for what, cache := range map[string]int64{"much": 0, "little": 64 << 10, "taken": 0} {
			on := cachedEngine(t, name, cache)
			stop := make(chan struct{})
			var wg sync.WaitGroup
			if what == "taken" {
				wg.Go(func() { takeAway(on.eng, stop) })
			}
			r := rand.New(rand.NewPCG(19, uint64(len(what))))
			for _, dataset := range datasets {
				a, b := frameOf(t, off, dataset), frameOf(t, on, dataset)
				for range drawn {
					if q := drawnRequest(r, a); plannable(a, q) {
						requireAlike(t, a, b, q)
					}
				}
			}
			close(stop)
			wg.Wait()
			hits, _ := on.eng.columns.Asked()
			require.True(t, hits > 0 || what != "much", "%s: nothing was found", name)
			require.LessOrEqual(t, on.eng.columns.Held(), max(cache, on.eng.cfg.Memory/4))
		}
		require.Zero(t, off.eng.columns.Held())
	}
}

// takeAway wants what is kept now and then, and in turn has all memory that is free, so that requests wait.
func takeAway(e *Engine, stop chan struct{}) {
	b := e.mem.Budget
	for turn := 0; ; turn++ {
		held := b.Limit() - b.Used()
		if turn%2 == 0 || !b.TryAcquire(held) {
			held = 0
			e.columns.Give()
		}
		select {
		case <-stop:
			b.Return(held)
			return
		case <-time.After(200 * time.Microsecond):
			b.Return(held)
		}
	}
}

// TestColumnsGiveWay: memory that somebody waits for comes out of the cache, and what is held is part of the budget once.
func TestColumnsGiveWay(t *testing.T) {
	allRested(t)
	f := cachedEngine(t, waves, 0)
	d := frameOf(t, f, "/wave/zlib")
	all, err := records(t, d, Request{})
	require.NoError(t, err)
	release(all)
	held := f.eng.columns.Held()
	require.NotZero(t, held)
	require.GreaterOrEqual(t, f.eng.mem.Budget.Used(), held)
	most := f.eng.mem.Budget.Limit()
	require.NoError(t, f.eng.Acquire(context.Background(), most))
	require.Zero(t, f.eng.columns.Held())
	f.eng.Release(most)
}

// TestColumnsOfAnotherFile: what is kept belongs to one state of a file.
func TestColumnsOfAnotherFile(t *testing.T) {
	allRested(t)
	path := filepath.Join(t.TempDir(), "f.h5")
	copied(t, waves, path)
	f := cachedEngine(t, path, 0)
	first, err := records(t, frameOf(t, f, "/wave/zlib"), Request{})
	require.NoError(t, err)
	release(first)
	require.NotZero(t, f.eng.columns.Held())
	copied(t, unpacked(t, "testdata/sparse/sparse.h5.gz"), path)
	g, err := f.eng.Open(context.Background(), location.Location{Path: path})
	require.NoError(t, err)
	require.NotSame(t, f, g)
	require.Zero(t, f.eng.columns.Held(), "of the file that is no more")
	other := cachedEngine(t, path, -1)
	requireAlike(t, frameOf(t, other, "/blosc"), frameOf(t, g, "/blosc"), Request{})
}

// TestColumnsOfALongScan are kept once they were asked for a second time, those of one that goes round at once.
func TestColumnsOfALongScan(t *testing.T) {
	allRested(t)
	f := cachedEngine(t, waves, 1<<20) // of which an eighth is a small result
	d := frameOf(t, f, "/wave/zlib")
	held := []int64{}
	for range 2 {
		all, err := records(t, d, Request{BatchRows: 4096})
		require.NoError(t, err)
		release(all)
		held = append(held, f.eng.columns.Held())
	}
	require.Zero(t, held[0])
	require.NotZero(t, held[1])
	again := cachedEngine(t, waves, 1<<20)
	all, err := records(t, frameOf(t, again, "/wave/zlib"), Request{Stream: &Stream{BlockRows: 20, Cyclic: true, Cycles: new(int64(2))}})
	require.NoError(t, err)
	release(all)
	require.NotZero(t, again.eng.columns.Held())
}
