package reader

import (
	"context"
	"io"

	"github.com/mtflight/mtflight/reader/internal/blockio"
)

// located is a store of elements that lie in a file as they are.
type located interface {
	// locate gives a way to read parts of a chunk, from a byte of its elements on; nil: the chunk has to be loaded.
	locate(at []int64) (part, error)
	// mayLie tells, without reading, of a chunk whether it may lie so.
	mayLie(at []int64) bool
	// asStored tells whether all chunks lie so.
	asStored() bool
}

type part func(ctx context.Context, dst []byte, from int64) error

// locate is part of located: chunks that no filter has changed.
func (c *chunked) locate(at []int64) (part, error) {
	linear := c.linear(at)
	ch, ok := c.index.At(linear)
	if !ok {
		return nil, nil
	}
	f := stored{linear: linear, Chunk: ch}
	if err := c.plausible(f); err != nil {
		return nil, err
	}
	addr, ok := c.bare(f)
	if !ok {
		return nil, nil
	}
	return func(ctx context.Context, dst []byte, from int64) error {
		return c.failed(f, c.file.Read(ctx, dst, addr+uint64(from)))
	}, nil
}

// mayLie is part of located.
func (c *chunked) mayLie(at []int64) bool {
	linear := c.linear(at)
	ch, ok := c.index.At(linear)
	return ok && (int64(ch.Size) >= c.bytes() || c.unfiltered(stored{linear: linear}))
}

// asStored is part of located.
func (c *chunked) asStored() bool { return c.filters == nil }

// bare is where a chunk's elements lie, if they do as they are: unfiltered, or by a filter that could not make them smaller.
func (c *chunked) bare(f stored) (addr uint64, ok bool) {
	size := int64(f.Size)
	switch {
	case c.unfiltered(f):
		return f.Addr, true
	case size < c.bytes():
		return 0, false
	}
	off, ok := c.filters.Bare(io.NewSectionReader(c.file, int64(f.Addr), size), f.Mask, c.bytes())
	return f.Addr + uint64(off), ok
}

// locate is part of located: bands of a dataset whose bytes are near.
func (b *bands) locate(at []int64) (part, error) {
	first, _ := b.span(at)
	size := int64(b.elemSize)
	return func(ctx context.Context, dst []byte, from int64) error {
		return b.read(ctx, first+from/size, int64(len(dst))/size, dst)
	}, nil
}

// mayLie is part of located.
func (b *bands) mayLie([]int64) bool { return b.asStored() }

// asStored is part of located: what libhdf5 has to be asked for is better asked for at once.
func (b *bands) asStored() bool {
	_, lib := b.source.(*slab)
	return !lib
}

// mappable is a store of elements that lie in a file as they are, one after the other.
type mappable interface {
	// stretch says where n elements from first on, counted over the whole dataset, lie; false: not in one piece.
	stretch(first, n int64) (f *blockio.File, addr uint64, ok bool)
}

// stretch is part of mappable: chunks of whole rows, stored one behind the other and unfiltered.
func (c *chunked) stretch(first, n int64) (*blockio.File, uint64, bool) {
	per := product(c.chunk)
	if c.shape == nil || per == 0 || c.filters != nil {
		return nil, 0, false
	}
	for i := 1; i < len(c.chunk); i++ {
		if c.chunk[i] != c.shape[i] {
			return nil, 0, false
		}
	}
	var addr uint64
	for k := first / per; k <= (first+n-1)/per; k++ {
		ch, ok := c.index.At(uint64(k))
		if !ok || int64(ch.Size) != c.bytes() || k > first/per && ch.Addr != addr {
			return nil, 0, false
		}
		if k == first/per {
			addr = ch.Addr
		}
		addr += uint64(c.bytes())
	}
	start := addr - uint64(((first+n-1)/per-first/per+1)*c.bytes())
	return c.file, start + uint64(first%per*int64(c.elemSize)), true
}

// stretch is part of mappable.
func (b *bands) stretch(first, _ int64) (*blockio.File, uint64, bool) {
	c, ok := b.source.(*contiguous)
	if !ok {
		return nil, 0, false
	}
	return c.file, c.addr + uint64(first*c.elemSize), true
}

// measured is a store that knows how many bytes the file has for a chunk.
type measured interface{ storedBytes(at []int64) int64 }

func (c *chunked) storedBytes(at []int64) int64 {
	if ch, ok := c.index.At(c.linear(at)); ok {
		return int64(ch.Size)
	}
	return 0
}

func (b *bands) storedBytes(at []int64) int64 {
	if m, ok := b.source.(*inMemory); ok && m.repeat {
		return 0
	}
	_, n := b.span(at)
	return n * int64(b.elemSize)
}
