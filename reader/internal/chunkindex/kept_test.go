package chunkindex

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// keptObject is of a grid of chunks of 10 elements.
func keptObject(extents ...uint64) *Object {
	o := &Object{Space: h5file.Space{Kind: h5file.Simple, Dims: extents}}
	o.Layout = Layout{Class: Chunked, ChunkBytes: 80}
	for range extents {
		o.Layout.ChunkDims = append(o.Layout.ChunkDims, 10)
	}
	return o
}

// walked is an index as a walk makes it, of chunks at random.
func walked(t *testing.T, rng *rand.Rand, o *Object, share float64, sized, masked bool) *Index {
	t.Helper()
	g, err := newGrid(o.Space.Dims, o.Layout.ChunkDims)
	require.NoError(t, err)
	x := &Index{grid: g, bytes: o.Layout.ChunkBytes}
	for _, at := range rng.Perm(int(g.total)) {
		if rng.Float64() > share {
			continue
		}
		size, mask := o.Layout.ChunkBytes, uint32(0)
		if sized {
			size = 1 + rng.Uint64N(100)
		}
		if masked {
			mask = rng.Uint32N(3)
		}
		x.add(uint64(at), rng.Uint64N(1<<40), size, mask)
	}
	x.finish()
	return x
}

// TestRestore: an index that was kept answers as the one that was walked.
func TestRestore(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for round := range 200 {
		o := keptObject(1+rng.Uint64N(300), 1+rng.Uint64N(60))
		x := walked(t, rng, o, []float64{1, .6, .2, .01}[round%4], round%3 > 0, round%5 > 2)
		if !x.Kept() {
			continue
		}
		b := x.Bytes()
		require.LessOrEqual(t, int64(len(b)), MostBytes(o, int64(8*x.Len())))
		y := Restore(o, b)
		require.NotNil(t, y)
		require.Equal(t, x.Len(), y.Len())
		require.Equal(t, x.Stored(), y.Stored())
		require.Equal(t, x.Grid(), y.Grid())
		for at := range x.grid.total + 2 {
			a, inA := x.At(at)
			b, inB := y.At(at)
			require.Equal(t, inA, inB)
			require.Equal(t, a, b)
		}
		require.Equal(t, slices.Collect(x.Numbers()), slices.Collect(y.Numbers()))
		for cut := range len(b) {
			require.Nil(t, Restore(o, b[:cut]))
			if cut > 64 {
				break
			}
		}
	}
}

// TestRestoreRefuses what no index is.
func TestRestoreRefuses(t *testing.T) {
	o := keptObject(1000)
	rows := func(flags uint64, numbers ...uint64) []byte {
		n := uint64(2)
		var b []byte
		for _, v := range append([]uint64{n, flags}, numbers...) {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
		return b
	}
	require.NotNil(t, Restore(o, rows(hasLine, 3, 99, 800, 900)))
	require.Nil(t, Restore(o, rows(hasLine, 3, 3, 800, 900)), "twice the same")
	require.Nil(t, Restore(o, rows(hasLine, 5, 3, 800, 900)), "descending")
	require.Nil(t, Restore(o, rows(hasLine, 3, 100, 800, 900)), "outside the grid")
	require.Nil(t, Restore(o, rows(hasLine, 3, 4, h5file.Undefined, 900)), "listed and not stored")
	require.Nil(t, Restore(o, rows(hasLine, 3, 99, 800, 900, 7)), "more than that")
	require.Nil(t, Restore(o, rows(8, 800, 900)), "flags that nobody knows")
	require.Nil(t, Restore(keptObject(10), rows(0, 800, 900)), "more than the grid has")
	require.Nil(t, Restore(&Object{Layout: Layout{Class: Contiguous}}, rows(0, 800, 900)))
	require.Equal(t, 1, Restore(o, rows(0, h5file.Undefined, 900)).Len())
}

func FuzzRestore(f *testing.F) {
	o := keptObject(200, 30)
	rng := rand.New(rand.NewPCG(5, 6))
	for _, share := range []float64{1, .1} {
		g, _ := newGrid(o.Space.Dims, o.Layout.ChunkDims)
		x := &Index{grid: g, bytes: 80}
		for at := range g.total {
			if rng.Float64() < share {
				x.add(at, 8*at, 1+at, uint32(at%2))
			}
		}
		x.finish()
		f.Add(x.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x := Restore(o, b)
		if x == nil {
			return
		}
		n := 0
		for at, c := range x.All() {
			got, ok := x.At(at)
			require.True(t, ok)
			require.Equal(t, c, got)
			n++
		}
		require.Equal(t, n, x.Len())
		if x.Kept() {
			require.Equal(t, b, x.Bytes())
		}
	})
}
