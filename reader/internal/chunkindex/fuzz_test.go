package chunkindex

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

func gunzip(t testing.TB, name string) []byte {
	file, err := os.Open(name)
	require.NoError(t, err)
	defer func() { _ = file.Close() }()
	z, err := gzip.NewReader(file)
	require.NoError(t, err)
	b, err := io.ReadAll(z)
	require.NoError(t, err)
	return b
}

// seeds adds the small fixtures, whole, with the address of each dataset.
func seeds(f *testing.F) {
	d := json.NewDecoder(bytes.NewReader(gunzip(f, "testdata/expected.json.gz")))
	for {
		var dump struct {
			File     string
			Datasets []struct{ Addr uint64 }
		}
		if d.Decode(&dump) != nil {
			break
		}
		if strings.HasPrefix(dump.File, "seed_") {
			b := gunzip(f, filepath.Join("testdata", dump.File+".h5.gz"))
			for _, x := range dump.Datasets {
				f.Add(b, x.Addr)
			}
		}
	}
}

// known are the kinds of error that a file can cause.
func known(err error) bool {
	kind := fault.Of(err)
	return kind == fault.DataLoss || kind == fault.Unsupported
}

// FuzzFile takes a whole file and the address of a dataset, as it is and with its checksums ignored.
func FuzzFile(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte, addr uint64) {
		file, err := h5file.Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			require.True(t, known(err), err)
			return
		}
		for _, unchecked := range []bool{false, true} {
			if unchecked {
				file.IgnoreChecksums()
			}
			o, err := Open(file, addr)
			if err != nil {
				require.True(t, known(err), err)
				continue
			}
			if o.Layout.Class != Chunked {
				continue
			}
			x, err := Walk(file, o)
			if err != nil {
				require.True(t, known(err), err)
				continue
			}
			checkIndex(t, x, len(b))
		}
	})
}

// checkIndex checks what holds of every index of a file of size bytes.
func checkIndex(t *testing.T, x *Index, size int) {
	require.LessOrEqual(t, x.Footprint(), int64(64*size+8192))
	n, next := 0, uint64(0)
	for at, c := range x.All() {
		require.GreaterOrEqual(t, at, next)
		next = at + 1
		got, ok := x.At(at)
		require.True(t, ok)
		require.Equal(t, c, got)
		_ = x.Unfiltered(at)
		if n++; n == 1000 {
			return
		}
	}
	require.Equal(t, x.Len(), n)
}
