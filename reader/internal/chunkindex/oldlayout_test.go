package chunkindex

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// TestOldLayouts: messages of versions 1 and 2 (IV.A.2.i), which HDF5 before 1.6 wrote, byte by byte.
func TestOldLayouts(t *testing.T) {
	b, err := os.ReadFile("../../../testdata/layouts.h5")
	require.NoError(t, err)
	f, err := h5file.Open(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	head := func(rank, class byte) []byte { return []byte{2, rank, class, 0, 0, 0, 0, 0} }
	at := []byte{0, 8, 0, 0, 0, 0, 0, 0}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	int32Type := []byte{0x10, 0x08, 0, 0, 4, 0, 0, 0, 0, 0, 32, 0}
	parse := func(b []byte) (*Object, error) {
		o := &Object{Type: int32Type, Space: h5file.Space{Kind: h5file.Simple, Dims: []uint64{6}}}
		return o, parseLayout(&h5file.Source{File: f}, o, b)
	}

	o, err := parse(join(head(1, byte(Compact)), []byte{6, 0, 0, 0}, []byte{3, 0, 0, 0}, []byte("abc")))
	require.NoError(t, err)
	require.Equal(t, []byte("abc"), o.Layout.Data)

	o, err = parse(join(head(1, byte(Contiguous)), at, []byte{6, 0, 0, 0}))
	require.NoError(t, err)
	require.Equal(t, []uint64{0x800, 24}, []uint64{o.Layout.Addr, o.Layout.Size}, "six elements of four bytes")

	o, err = parse(join(head(2, byte(Chunked)), at, []byte{3, 0, 0, 0}, []byte{4, 0, 0, 0}))
	require.NoError(t, err)
	require.Equal(t, []uint64{3}, o.Layout.ChunkDims)

	for name, c := range map[string]struct {
		message []byte
		kind    error
	}{
		"no rank":       {join(head(0, byte(Contiguous)), at), fault.DataLoss},
		"too high":      {join(head(h5file.MaxRank+2, byte(Contiguous)), at), fault.DataLoss},
		"cut off":       {join(head(2, byte(Chunked)), at, []byte{3, 0}), fault.DataLoss},
		"other class":   {join(head(1, 9), at, []byte{6, 0, 0, 0}), fault.Unsupported},
		"other rank":    {join(head(3, byte(Chunked)), at, []byte{3, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0}), fault.DataLoss},
		"no extent":     {join(head(2, byte(Chunked)), at, []byte{0, 0, 0, 0}, []byte{4, 0, 0, 0}), fault.DataLoss},
		"other size":    {join(head(2, byte(Chunked)), at, []byte{3, 0, 0, 0}, []byte{5, 0, 0, 0}), fault.DataLoss},
		"other version": {[]byte{9, 1, 1}, fault.Unsupported},
	} {
		_, err := parse(c.message)
		require.Equal(t, c.kind, fault.Of(err), "%s: %v", name, err)
	}
}
