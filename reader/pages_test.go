package reader

import (
	"context"
	"os"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// again reads a dataset of sparse.h5 until its bytes are kept mapped, and once more. They are always the same.
func again(t *testing.T, f *File, name string) *Dataset {
	t.Helper()
	d := frameOf(t, f, name)
	_, first, err := digest(d, Request{})
	require.NoError(t, err)
	for range 60 {
		kept := f.eng.pages.Held()
		_, got, err := digest(d, Request{})
		require.NoError(t, err)
		require.Equal(t, first, got)
		if kept > 0 {
			return d
		}
	}
	t.Fatal("nothing is kept")
	return nil
}

func TestReadAgain(t *testing.T) {
	for _, name := range []string{"rows", "chunked", "cube", "blosc", "blosc2"} {
		t.Run(name, func(t *testing.T) {
			allRested(t)
			f := openedBy(t, unpacked(t, "testdata/sparse/sparse.h5.gz"), Config{InProcess: true, Memory: 64 << 20, Cache: -1})
			again(t, f, "/"+name)
			used, _ := f.eng.Memory()
			require.Zero(t, used, "what is kept can be had by who wants it")
			f.eng.Refresh(f.loc.Path)
			require.Zero(t, f.eng.pages.Held())
		})
	}
}

// TestCutOffWhileKept cuts a file off whose bytes are kept.
func TestCutOffWhileKept(t *testing.T) {
	allRested(t)
	path := unpacked(t, "testdata/sparse/sparse.h5.gz")
	p, err := again(t, opened(t, path, 64<<20), "/rows").Plan(context.Background(), Request{})
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, 4096))
	err = planned{p}.Each(context.Background(), func(arrow.Record) bool { return true })
	require.ErrorIs(t, err, fault.Changed)
}
