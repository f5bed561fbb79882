package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
)

// TestPlausible holds the bounds of what is stored for a chunk without a filter, of 100 elements of 8 bytes.
func TestPlausible(t *testing.T) {
	c := &chunked{Layout: Layout{Chunk: []int64{10, 10}, ElemSize: 8, End: 8 << 20}}
	for _, o := range []struct {
		chunk chunkindex.Chunk
		says  string // none: nothing is wrong
	}{
		{chunkindex.Chunk{Addr: 4096, Size: 800}, ""},
		{chunkindex.Chunk{Addr: 4096, Size: 801}, ""},
		{chunkindex.Chunk{Addr: 8<<20 - 800, Size: 800}, ""},
		{chunkindex.Chunk{Addr: 4096, Size: 799}, "799 bytes stored, a chunk has 800"},
		{chunkindex.Chunk{Addr: 8<<20 - 799, Size: 800}, "beyond the end of allocated space at 8388608"},
		{chunkindex.Chunk{Addr: 1<<64 - 1, Size: 800}, "beyond the end"},
		{chunkindex.Chunk{Addr: 0, Size: 4<<20 + 1}, "4194305 bytes stored for a chunk of 800"},
	} {
		err := c.plausible(stored{linear: 3, Chunk: o.chunk})
		if o.says == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, fault.DataLoss)
		require.ErrorContains(t, err, o.says)
		require.ErrorContains(t, err, "chunk 3 at address")
	}
}
