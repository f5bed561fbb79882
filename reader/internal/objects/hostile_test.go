package objects

import (
	"bytes"
	"context"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/gheap"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// TestHostile reads files that are made to cost much: few bytes that describe many. Time and memory stay bounded by
// the file's size, and what is not listed is said to be left out.
func TestHostile(t *testing.T) {
	for name, make := range hostile {
		t.Run(name, func(t *testing.T) {
			b := make()
			took, peak := cost(t, b)
			t.Logf("%d bytes: %v, %d MiB", len(b), took, peak>>20)
			require.Less(t, took, 2*time.Minute) // a processor that others use, too, takes three times as long as one alone, the race detector four times
			require.Less(t, peak, uint64(96<<20+64*len(b)))
		})
	}
}

// cost is what all there is to ask of a file takes: processor time, and the most memory at a time, as far as the garbage collector
// is not behind.
func cost(t *testing.T, b []byte) (time.Duration, uint64) {
	stop, done := make(chan struct{}), make(chan uint64)
	go func() { done <- watch(stop) }()
	start := used(t)
	everything(t, b)
	took := used(t) - start
	close(stop)
	return took, <-done
}

// used is the processor time of the test so far, the garbage collector's too: others may be at work beside it.
func used(t *testing.T) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// watch is the largest heap beyond that at the beginning.
func watch(stop chan struct{}) (peak uint64) {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	for {
		select {
		case <-stop:
			return peak
		case <-time.After(2 * time.Millisecond):
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc-min(before, m.HeapAlloc))
		}
	}
}

// everything asks for the tree, for the first objects and for the attributes that were not listed.
func everything(t testing.TB, b []byte) {
	ctx := context.Background()
	h5, err := h5file.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		expected(t, err)
		return
	}
	f := New(h5, gheap.New(h5, 1<<20))
	tree, err := f.Tree(ctx)
	require.NoError(t, err)
	_, err = f.Name(ctx, 1)
	expected(t, err)
	for _, d := range tree.Datasets[:min(3, len(tree.Datasets))] {
		_, err := f.Dataset(ctx, d.Path)
		expected(t, err)
		load(t, d.Attrs)
	}
	for _, g := range tree.Groups[:min(3, len(tree.Groups))] {
		_, err := f.Group(ctx, g.Path)
		expected(t, err)
		_, err = f.Groups(ctx, g.Path)
		expected(t, err)
		_, err = f.Dataset(ctx, g.Path+"/not there")
		expected(t, err)
		require.Error(t, err)
		load(t, g.Attrs)
	}
}

// load asks for the first values that were too large.
func load(t testing.TB, a meta.Attrs) {
	n := 0
	for _, x := range a.All {
		if x.Bytes > 0 && n < 3 {
			n++
			_, err := a.Load(x.Name)
			expected(t, err)
		}
	}
}

func expected(t testing.TB, err error) {
	if err == nil {
		return
	}
	kind := fault.Of(err)
	require.True(t, kind == fault.DataLoss || kind == fault.Unsupported || kind == fault.NotFound, "%v", err)
}
