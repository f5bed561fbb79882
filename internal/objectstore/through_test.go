package objectstore_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/blockcache"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/objectstore/storetest"
)

// cached are blocks with a block cache in a directory, as a program of its own has them.
func cached(t *testing.T, dir string) *objectstore.Blocks {
	t.Helper()
	m := &bufpool.Memory{Budget: bufpool.NewBudget(64<<20, time.Minute), Pool: bufpool.NewPool(64 << 20)}
	disk, err := blockcache.Open(disks.New(disks.Config{Memory: m}), dir, blockcache.Least)
	require.NoError(t, err)
	b := objectstore.NewBlocks(m, 1<<20, disk)
	t.Cleanup(func() {
		b.Close()
		require.Zero(t, m.Budget.Used())
	})
	return b
}

// TestThroughTheBlockCache: what one program has read, another does not ask for again; each version has blocks of its own.
func TestThroughTheBlockCache(t *testing.T) {
	s, dir, data := storetest.New(t), t.TempDir(), drawn(3<<20+17)
	s.Put("a/x.h5", data)
	one, two := opened(t, s, cached(t, dir)), opened(t, s, cached(t, dir))
	whole := make([]byte, len(data)-5)
	require.NoError(t, one.Read(t.Context(), whole, 5))
	require.Equal(t, data[5:], whole)
	require.EqualValues(t, 3, s.Requests.Load(), "of the first block by two, and all others as one range")
	require.EqualValues(t, len(data)+256<<10, s.Bytes.Load())
	for range 50 {
		off := rand.IntN(len(data))
		p := make([]byte, rand.IntN(len(data)-off))
		require.NoError(t, two.Read(t.Context(), p, int64(off)))
		require.Equal(t, data[off:off+len(p)], p)
		n, err := two.ReadAt(t.Context(), p, int64(off))
		require.NoError(t, err)
		require.Equal(t, data[off:off+len(p)], p[:n])
	}
	require.EqualValues(t, 3, s.Requests.Load())

	newer := drawn(3<<20 + 18)[1:]
	s.Put("a/x.h5", newer)
	three := opened(t, s, cached(t, dir))
	require.NoError(t, three.Read(t.Context(), whole, 5))
	require.Equal(t, newer[5:], whole)
	require.NoError(t, two.Read(t.Context(), whole, 5), "the version that was opened is still there")
	require.Equal(t, data[5:], whole)
	s.Delete("a/x.h5")
	r, err := objectstore.Parse(s.Root("a/x.h5"))
	require.NoError(t, err)
	_, err = r.Open(t.Context(), nil, cached(t, dir), r.Place())
	require.ErrorIs(t, err, fault.NotFound, "who opens it asks the store")
}

// TestBlocksComeOnce: of many who want the same blocks at once one asks for each.
func TestBlocksComeOnce(t *testing.T) {
	s, data := storetest.New(t), drawn(8<<20)
	s.Put("a/x.h5", data)
	o := opened(t, s, cached(t, t.TempDir()))
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			off := i / 2 * 1_000_000
			p := make([]byte, 1_000_000)
			if err := o.Read(t.Context(), p, int64(off)); err != nil {
				t.Error(err)
			} else if string(p) != string(data[off:off+len(p)]) {
				t.Errorf("other bytes at %d", off)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 31*blockcache.BlockSize, s.Bytes.Load(), "8,000,000 bytes")
}

// TestQueriesNameOtherFiles: what a server of HTTP chooses a file by is part of its version, what signs a request is not.
func TestQueriesNameOtherFiles(t *testing.T) {
	s := storetest.New(t)
	s.Put("f", drawn(100))
	version := func(query string) string {
		r, err := objectstore.Parse(s.URL + "/data/f?" + query)
		require.NoError(t, err)
		o, err := r.Open(t.Context(), nil, nil, r.Place())
		require.NoError(t, err)
		require.NotContains(t, o.Version(), "hunter2")
		return o.Version()
	}
	require.NotEqual(t, version("id=1"), version("id=2"))
	require.Equal(t, version(""), version("X-Amz-Signature=hunter2&X-Amz-Date=1"))
	require.Equal(t, version("versionId=1&sig=hunter2"), version("versionId=1&sig=3&se=4"))
}
