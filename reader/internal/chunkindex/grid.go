package chunkindex

import (
	"github.com/mtflight/mtflight/internal/fault"

	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// grid is the chunks that cover an extent.
type grid struct {
	dims, chunk []uint64 // elements
	n           []uint64 // chunks along each axis
	stride      []uint64 // chunks from one number to the next along each axis
	total       uint64
}

// newGrid covers dims. It fails with fault.Unsupported for more chunks than 64 bits count.
func newGrid(dims, chunk []uint64) (grid, error) {
	g := grid{dims: dims, chunk: chunk, n: make([]uint64, len(dims)), stride: make([]uint64, len(dims))}
	for i, d := range dims {
		if d > 0 {
			g.n[i] = (d-1)/chunk[i] + 1
		}
	}
	total, ok := h5file.Product(g.n)
	if !ok {
		return g, fault.New(fault.Unsupported, "chunkindex: walk chunk index: extent of %d elements has more than 2^64 chunks", dims)
	}
	g.total = total
	stride := uint64(1)
	for i := len(dims) - 1; i >= 0; i-- {
		g.stride[i] = stride
		stride *= g.n[i]
	}
	return g, nil
}

// linear is the row-major position of a chunk; false outside the grid.
func (g *grid) linear(scaled []uint64) (uint64, bool) {
	if len(scaled) != len(g.n) {
		return 0, false
	}
	at := uint64(0)
	for i, c := range scaled {
		if c >= g.n[i] {
			return 0, false
		}
		at += c * g.stride[i]
	}
	return at, true
}

// covered counts the elements of the chunk at a position up to the last that is inside the extent.
func (g *grid) covered(linear uint64) uint64 {
	last := uint64(0)
	for i, stride := range g.stride {
		c := linear / stride
		linear %= stride
		last = last*g.chunk[i] + min(g.chunk[i], g.dims[i]-c*g.chunk[i]) - 1
	}
	return last + 1
}

// partial tells whether the chunk at a position reaches over the extent.
func (g *grid) partial(linear uint64) bool {
	for i, stride := range g.stride {
		c := linear / stride
		linear %= stride
		// Not c+1 times the chunk: that may exceed 64 bits.
		if g.dims[i]-c*g.chunk[i] < g.chunk[i] {
			return true
		}
	}
	return false
}
