package chunkindex_test

import (
	"encoding/hex"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// fileDump is a line of testdata/dump.py.
type fileDump struct {
	File     string
	Error    string
	Datasets []datasetDump
}

type datasetDump struct {
	Path     string
	Error    string
	Addr     uint64
	Layout   string
	TypeSize *uint64 `json:"type_size"` // nil: variable-length, whose size in memory is another
	Space    string
	Dims     []uint64
	Max      []int64
	Filters  [][3]any
	Fill     struct {
		Defined int
		Value   string
	}
	External [][3]any
	Offset   *uint64
	Storage  uint64
	Chunk    []uint64
	Chunks   [][]uint64
}

// tally counts what was compared.
type tally struct{ files, unreadable, datasets, failed, chunked, chunks int }

func compareFile(t *testing.T, r io.ReaderAt, size int64, dump fileDump, total *tally) {
	f, err := h5file.Open(r, size)
	require.NoError(t, err)
	for _, want := range dump.Datasets {
		if want.Error != "" {
			total.failed++
			continue
		}
		total.datasets++
		total.chunks += len(want.Chunks)
		if want.Layout == "chunked" {
			total.chunked++
		}
		compareDataset(t, f, want)
	}
}

func compareDataset(t *testing.T, f *h5file.File, want datasetDump) {
	o, err := chunkindex.Open(f, want.Addr)
	require.NoError(t, err, want.Path)
	class := []string{"compact", "contiguous", "chunked", "virtual"}[o.Layout.Class]
	require.Equal(t, want.Layout, class, want.Path)
	space := []string{"simple", "scalar", "null"}[o.Space.Kind]
	require.Equal(t, want.Space, space, want.Path)
	if class == "virtual" { // libhdf5 derives the extent from the sources
		return
	}
	require.Equal(t, len(want.Dims), len(o.Space.Dims), want.Path)
	for i, n := range want.Dims {
		require.Equal(t, n, o.Space.Dims[i], want.Path)
	}
	for i, n := range want.Max {
		require.Equal(t, uint64(n), o.Space.Max[i], want.Path)
	}
	compareFilters(t, want, o)
	compareFill(t, want, o)
	compareExternal(t, want, o)
	switch class {
	case "contiguous":
		if want.Offset != nil {
			require.Equal(t, *want.Offset, o.Layout.Addr, want.Path)
			require.Equal(t, want.Storage, o.Layout.Size, want.Path)
		} else if len(want.External) == 0 && want.Storage == 0 {
			require.False(t, o.Layout.Addr != h5file.Undefined && o.Layout.Size > 0, want.Path)
		}
	case "chunked":
		require.Equal(t, want.Chunk, o.Layout.ChunkDims, want.Path)
		if want.TypeSize != nil {
			require.Equal(t, *want.TypeSize, uint64(o.Layout.ElemSize), want.Path)
		}
		compareChunks(t, f, want, o)
	}
}

func compareFilters(t *testing.T, want datasetDump, o *chunkindex.Object) {
	require.Len(t, o.Filters, len(want.Filters), want.Path)
	for i, w := range want.Filters {
		require.EqualValues(t, w[0], o.Filters[i].ID, want.Path)
		require.Equal(t, w[1].(float64) == 1, o.Filters[i].Optional, want.Path)
		params := w[2].([]any)
		require.Len(t, o.Filters[i].Params, len(params), want.Path)
		for j, p := range params {
			require.EqualValues(t, p, o.Filters[i].Params[j], want.Path)
		}
	}
}

func compareFill(t *testing.T, want datasetDump, o *chunkindex.Object) {
	require.Equal(t, want.Fill.Defined == 0, o.Fill.Undefined, want.Path)
	require.Equal(t, want.Fill.Defined == 2, o.Fill.Defined, want.Path)
	if want.Fill.Value != "" {
		require.Equal(t, want.Fill.Value, hex.EncodeToString(o.Fill.Value), want.Path)
	}
}

func compareExternal(t *testing.T, want datasetDump, o *chunkindex.Object) {
	require.Len(t, o.External, len(want.External), want.Path)
	for i, w := range want.External {
		require.Equal(t, w[0], o.External[i].Name, want.Path)
		require.Equal(t, int64(w[1].(float64)), int64(o.External[i].Offset), want.Path)
		if n := w[2].(float64); n >= 0 {
			require.EqualValues(t, n, o.External[i].Size, want.Path)
		} else {
			require.Equal(t, h5file.Unlimited, o.External[i].Size, want.Path)
		}
	}
}

// compareChunks checks all chunks both ways: by coordinates and in the order of All.
func compareChunks(t *testing.T, f *h5file.File, want datasetDump, o *chunkindex.Object) {
	x, err := chunkindex.Walk(f, o)
	require.NoError(t, err, want.Path)
	require.Equal(t, len(want.Chunks), x.Len(), want.Path)
	rank := len(want.Chunk)
	found := map[uint64]chunkindex.Chunk{}
	for _, w := range want.Chunks {
		scaled := make([]uint64, rank)
		linear := uint64(0)
		for i := range scaled {
			scaled[i] = w[i] / want.Chunk[i]
			linear = linear*x.Grid()[i] + scaled[i]
		}
		c, ok := x.At(linear)
		if w := (chunkindex.Chunk{Addr: w[rank], Size: w[rank+1], Mask: uint32(w[rank+2])}); !ok || c != w {
			require.Failf(t, "wrong chunk", "%s: chunk %d is %v (%v), not %v", want.Path, scaled, c, ok, w)
		}
		found[linear] = c
	}
	next := uint64(0)
	for at, c := range x.All() {
		if at < next || found[at] != c {
			require.Failf(t, "wrong order", "%s: chunk %d after %d is %v, not %v", want.Path, at, next, c, found[at])
		}
		next = at + 1
	}
}
