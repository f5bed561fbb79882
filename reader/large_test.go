package reader

import (
	"context"
	"fmt"
	"hash/maphash"
	"math/rand"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/location"
)

// largeMemory is enough for a chunk of testdata/large, stored as large as it is, and batches.
const largeMemory = 32 << 20

// largeFile opens testdata/large; decoded counts the large chunks that were decoded.
func largeFile(t testing.TB, memory int64) (f *File, decoded func() int) {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	eng, err := NewEngine(Config{InProcess: true, Workers: 3, Memory: memory, MaxWait: time.Minute, Logger: zap.New(core)})
	require.NoError(t, err)
	t.Cleanup(func() {
		used, _ := eng.Memory()
		require.Zero(t, used, "bytes still held")
		require.Zero(t, eng.mem.Pool.InUse())
		require.NoError(t, eng.Close())
	})
	f, err = eng.Open(context.Background(), location.Location{Path: unpacked(t, "testdata/large/large.h5.gz")})
	require.NoError(t, err)
	return f, func() (n int) {
		for _, entry := range logs.TakeAll() {
			if entry.Message == "decoded a large chunk" {
				n++
			}
		}
		return n
	}
}

func largeDataset(t testing.TB, f *File, name string) *Dataset {
	t.Helper()
	d, err := f.Dataset(context.Background(), name)
	require.NoError(t, err)
	return d
}

var digestSeed = maphash.MakeSeed()

// digest reads a request: its rows, and a hash of their values in order.
func digest(d *Dataset, r Request) (rows int64, sums string, err error) {
	p, err := d.Plan(context.Background(), r)
	if err != nil {
		return 0, "", err
	}
	columns := make([]maphash.Hash, len(p.Schema().Fields()))
	for i := range columns {
		columns[i].SetSeed(digestSeed)
	}
	run := p.Run(context.Background())
	defer run.Release()
	for run.Next() {
		rec := run.Record()
		rows += rec.NumRows()
		for i := range columns {
			digestColumn(&columns[i], rec.Column(i))
		}
	}
	for i := range columns {
		sums += fmt.Sprintf(" %x", columns[i].Sum64())
	}
	return rows, sums, run.Err()
}

func digestColumn(h *maphash.Hash, a arrow.Array) {
	if w, ok := a.DataType().(arrow.FixedWidthDataType); ok && len(a.Data().Buffers()) == 2 && w.BitWidth()%8 == 0 {
		bytes := w.BitWidth() / 8
		_, _ = h.Write(a.Data().Buffers()[1].Bytes()[a.Data().Offset()*bytes:][:a.Len()*bytes])
		return
	}
	if l, ok := a.(interface{ ListValues() arrow.Array }); ok {
		digestColumn(h, l.ListValues())
		return
	}
	for i := range a.Len() {
		_, _ = h.WriteString(a.ValueStr(i))
	}
}

// watch looks at the budget until stop, which fails if more was in use at any time.
func watch(t testing.TB, e *Engine) (stop func()) {
	end, ended, most := make(chan struct{}), make(chan struct{}), int64(0)
	go func() {
		defer close(ended)
		for {
			most = max(most, e.mem.Budget.Used())
			select {
			case <-end:
				return
			case <-time.After(200 * time.Microsecond):
			}
		}
	}()
	return func() {
		close(end)
		<-ended
		require.LessOrEqual(t, most, e.mem.Budget.Limit())
	}
}

// largeRequests are of every way to say which rows.
func largeRequests(name string, rows int64) map[string]Request {
	rng := rand.New(rand.NewSource(3))
	far, list, mask := rows-100, make([]int64, 3000), make([]bool, rows)
	start, stop, back, few, seed := int64(5), int64(8), int64(-3), int64(100), int64(7)
	for i := range list {
		list[i] = rng.Int63n(rows)
	}
	for range 5000 {
		mask[rng.Int63n(rows)] = true
	}
	condition := name + " > 990"
	if name == "table" {
		condition = "(k > 100) & (x < 20000)"
	}
	all := map[string]Request{
		"all": {}, "few": {Start: &start, Stop: &stop}, "end": {Start: &far}, "backwards": {Step: &back},
		"small batches": {BatchRows: 1 << 15}, "listed": {Coordinates: list}, "masked": masking(mask),
		"blocks": {Stream: &Stream{BlockRows: 1 << 16, Shuffle: &seed, ShuffleRows: true}},
		"where":  {Where: &condition}, "limit": {Where: &condition, Limit: &few},
		"sorted": {SortBy: name, Step: &back, Limit: &few}, "where sorted": {Where: &condition, SortBy: name, Limit: &few},
	}
	switch name {
	case "table":
		for key, r := range all {
			if r.SortBy != "" {
				r.SortBy = "k"
				all[key] = r
			}
		}
		all["column"] = Request{Fields: []string{"k"}}
		all["sorted table"] = Request{SortBy: "k"}
	case "lzf", "szip", "checked", "plain", "blosc", "blosc2", "zstd", "bitshuffle":
		for _, key := range []string{"sorted", "where sorted", "blocks", "masked", "limit"} {
			delete(all, key)
		}
	case "wide":
		all["small batches"] = Request{BatchRows: 10}
		all["blocks"] = Request{Stream: &Stream{BlockRows: 64, Shuffle: &seed, ShuffleRows: true}}
		fallthrough
	case "text", "obs":
		for key, r := range all {
			if r.Where != nil || r.SortBy != "" {
				delete(all, key)
			}
		}
	}
	return all
}

// TestLargeChunks gives the same with memory for one chunk and batches as with much, and takes no more than that.
func TestLargeChunks(t *testing.T) {
	pick := sampled(11)
	much, _ := largeFile(t, 1<<30)
	little, decoded := largeFile(t, largeMemory)
	for _, name := range []string{"one", "two", "lzf", "szip", "checked", "plain", "blosc", "blosc2", "zstd", "bitshuffle",
		"wide", "table", "text", "joined", "obs"} {
		t.Run(name, func(t *testing.T) {
			stop := watch(t, little.eng)
			defer stop()
			a, b := largeDataset(t, much, "/"+name), largeDataset(t, little, "/"+name)
			for what, r := range largeRequests(name, int64(a.info.Rows)) {
				if !pick() {
					continue
				}
				rows, want, err := digest(a, r)
				require.NoError(t, err, what)
				n, have, err := digest(b, r)
				require.NoError(t, err, what)
				require.Equal(t, rows, n, what)
				require.Equal(t, want, have, what)
			}
			decoded()
		})
	}
}

// TestLargeChunksAreDecodedOnce counts: a scan, a condition and its rows, what is sorted, share the decoded chunk.
func TestLargeChunksAreDecodedOnce(t *testing.T) {
	f, decoded := largeFile(t, largeMemory)
	pick := sampled(12)
	for name, chunks := range map[string]int{"one": 1, "two": 2, "table": 1, "joined": 2, "szip": 1} {
		d := largeDataset(t, f, "/"+name)
		for what, r := range largeRequests(name, int64(d.info.Rows)) {
			if name != "table" && r.SortBy != "" || what != "all" && !pick() {
				continue
			}
			_, _, err := digest(d, r)
			require.NoError(t, err, what)
			n := decoded()
			if chunks == 1 || what == "all" || what == "small batches" {
				require.LessOrEqual(t, n, chunks, "%s: %s", name, what)
			}
			if what == "all" {
				require.Equal(t, chunks, n, name)
			}
		}
	}
}

// TestLargeChunksSideBySide: requests whose chunks don't fit beside each other take turns, a slow one too.
func TestLargeChunksSideBySide(t *testing.T) {
	f, _ := largeFile(t, largeMemory)
	stop := watch(t, f.eng)
	defer stop()
	var wg sync.WaitGroup
	for i, name := range []string{"one", "two", "table", "szip", "joined", "obs", "wide", "one"} {
		d := largeDataset(t, f, "/"+name)
		wg.Go(func() {
			n, _, err := digest(d, Request{})
			if err != nil || n != int64(d.info.Rows) {
				t.Error(i, name, n, err)
			}
		})
	}
	wg.Wait()
}

// TestLargeChunkOfAClientThatSleeps: a client that stops in the middle of a chunk doesn't keep others from theirs, and goes on.
func TestLargeChunkOfAClientThatSleeps(t *testing.T) {
	f, decoded := largeFile(t, largeMemory)
	p, err := largeDataset(t, f, "/one").Plan(context.Background(), Request{})
	require.NoError(t, err)
	run := p.Run(context.Background())
	defer run.Release()
	require.True(t, run.Next())
	rows := run.Record().NumRows()
	_, _, err = digest(largeDataset(t, f, "/two"), Request{})
	require.NoError(t, err)
	for run.Next() {
		rows += run.Record().NumRows()
	}
	require.NoError(t, run.Err())
	require.EqualValues(t, 2<<20, rows)
	require.LessOrEqual(t, decoded(), 4)
}

// TestLargeChunkThatNeverFits is told with what would help, which does.
func TestLargeChunkThatNeverFits(t *testing.T) {
	condition := "k > 5"
	for name, requests := range map[string][]Request{
		"one": {{}}, "plain": {{}}, "joined": {{}}, "obs": {{}}, "table": {{Where: &condition}, {SortBy: "k"}},
	} {
		f, _ := largeFile(t, 9<<20)
		for _, r := range requests {
			_, _, err := digest(largeDataset(t, f, "/"+name), r)
			require.ErrorIs(t, err, fault.Exhausted)
			require.ErrorContains(t, err, "chunk 0")
			require.ErrorContains(t, err, "8388608 decoded")
			require.NotContains(t, err.Error(), "smaller batches")
			_, text, found := strings.Cut(err.Error(), "--memory ")
			require.True(t, found, err)
			setting, scanned := strconv.ParseInt(strings.TrimSuffix(text, "MB"), 10, 64)
			require.NoError(t, scanned)
			g, _ := largeFile(t, setting<<20)
			_, _, err = digest(largeDataset(t, g, "/"+name), r)
			require.NoError(t, err)
		}
	}
}

// TestLargeChunkLeftEarly: a run that is given up while its chunk is decoded gives everything back.
func TestLargeChunkLeftEarly(t *testing.T) {
	f, _ := largeFile(t, largeMemory)
	for _, name := range []string{"one", "joined", "obs", "wide"} {
		for i := range 6 {
			p, err := largeDataset(t, f, "/"+name).Plan(context.Background(), Request{})
			require.NoError(t, err)
			run := p.Run(context.Background())
			for range i {
				run.Next()
				runtime.Gosched()
			}
			run.Release()
		}
	}
}
