package chunkindex_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/gheap"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/objects"
)

// faulty is a file of which one read fails.
type faulty struct {
	*bytes.Reader
	left int // reads until then; below zero: none does
}

func (f *faulty) ReadAt(b []byte, at int64) (int, error) {
	if f.left--; f.left == -1 {
		return 0, errors.New("input/output error")
	}
	return f.Reader.ReadAt(b, at)
}

// TestEveryReadMayFail: an index is as before or the error says that it cannot be read, whichever read fails; never a part of it.
func TestEveryReadMayFail(t *testing.T) {
	for _, name := range []string{"latest.h5", "layouts.h5"} {
		b, err := os.ReadFile("../../../testdata/" + name)
		require.NoError(t, err)
		disk := &faulty{Reader: bytes.NewReader(b), left: -1}
		h5, err := h5file.Open(disk, int64(len(b)))
		require.NoError(t, err)
		tree, err := objects.New(h5, gheap.New(h5, 1<<20)).Tree(context.Background())
		require.NoError(t, err)
		failed := 0
		for _, d := range tree.Datasets {
			want, err := walk(h5, d.Addr)
			require.NoError(t, err)
			for n := 0; ; n++ {
				disk.left = n
				got, err := walk(h5, d.Addr)
				if disk.left >= 0 {
					break // it takes no more reads
				}
				if err != nil {
					failed++
					require.Equal(t, fault.DataLoss, fault.Of(err), "%s %s, read %d: %v", name, d.Path, n, err)
				} else {
					require.Equal(t, want, got, "%s %s, read %d", name, d.Path, n)
				}
			}
			disk.left = -1
		}
		require.Greater(t, failed, 10, name)
	}
}

func walk(h5 *h5file.File, addr uint64) (map[uint64]chunkindex.Chunk, error) {
	o, err := chunkindex.Open(h5, addr)
	if err != nil || o.Layout.Class != chunkindex.Chunked {
		return nil, err
	}
	x, err := chunkindex.Walk(h5, o)
	if err != nil {
		return nil, err
	}
	return maps.Collect(x.All()), nil
}
