package store

import (
	"context"
	"io"

	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// Located is a store of elements that lie in a file as they are.
type Located interface {
	// Locate gives a way to read parts of a chunk, from a byte of its elements on; nil: the chunk has to be loaded.
	Locate(at []int64) (ReadPart, error)
	// MayLie tells, without reading, of a chunk whether it may lie so.
	MayLie(at []int64) bool
	// AsStored tells whether all chunks lie so.
	AsStored() bool
}

type ReadPart func(ctx context.Context, dst []byte, from int64) error

// Locate is part of located: chunks that no filter has changed.
func (c *chunked) Locate(at []int64) (ReadPart, error) {
	linear := c.linear(at)
	ch, ok := c.Index.At(linear)
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
		return c.failed(f, c.File.Read(ctx, dst, addr+uint64(from)))
	}, nil
}

// MayLie is part of located.
func (c *chunked) MayLie(at []int64) bool {
	linear := c.linear(at)
	ch, ok := c.Index.At(linear)
	return ok && (int64(ch.Size) >= c.bytes() || c.unfiltered(stored{linear: linear}))
}

// AsStored is part of located.
func (c *chunked) AsStored() bool { return c.Filters == nil }

// bare is where a chunk's elements lie, if they do as they are: unfiltered, or by a filter that could not make them smaller.
func (c *chunked) bare(f stored) (addr uint64, ok bool) {
	size := int64(f.Size)
	switch {
	case c.unfiltered(f):
		return f.Addr, true
	case size < c.bytes():
		return 0, false
	}
	off, ok := c.Filters.Bare(io.NewSectionReader(c.File, int64(f.Addr), size), f.Mask, c.bytes())
	return f.Addr + uint64(off), ok
}

// Locate is part of located: bands of a dataset whose bytes are near.
func (b *bands) Locate(at []int64) (ReadPart, error) {
	first, _ := b.span(at)
	size := int64(b.elemSize)
	return func(ctx context.Context, dst []byte, from int64) error {
		return b.read(ctx, first+from/size, int64(len(dst))/size, dst)
	}, nil
}

// MayLie is part of located.
func (b *bands) MayLie([]int64) bool { return b.AsStored() }

// AsStored is part of located: what libhdf5 has to be asked for is better asked for at once.
func (b *bands) AsStored() bool {
	_, lib := b.Source.(*slab)
	return !lib
}

// Mappable is a store of elements that lie in a file as they are, one after the other.
type Mappable interface {
	// Stretch says where n elements from first on, counted over the whole dataset, lie; false: not in one piece.
	Stretch(first, n int64) (f *blockio.File, addr uint64, ok bool)
}

// Stretch is part of mappable: chunks of whole rows, stored one behind the other and unfiltered.
func (c *chunked) Stretch(first, n int64) (*blockio.File, uint64, bool) {
	per := rows.Product(c.Chunk)
	if c.Shape == nil || per == 0 || c.Filters != nil {
		return nil, 0, false
	}
	for i := 1; i < len(c.Chunk); i++ {
		if c.Chunk[i] != c.Shape[i] {
			return nil, 0, false
		}
	}
	var addr uint64
	for k := first / per; k <= (first+n-1)/per; k++ {
		ch, ok := c.Index.At(uint64(k))
		if !ok || int64(ch.Size) != c.bytes() || k > first/per && ch.Addr != addr {
			return nil, 0, false
		}
		if k == first/per {
			addr = ch.Addr
		}
		addr += uint64(c.bytes())
	}
	start := addr - uint64(((first+n-1)/per-first/per+1)*c.bytes())
	return c.File, start + uint64(first%per*int64(c.ElemSize)), true
}

// Stretch is part of mappable.
func (b *bands) Stretch(first, _ int64) (*blockio.File, uint64, bool) {
	c, ok := b.Source.(*contiguous)
	if !ok {
		return nil, 0, false
	}
	return c.file, c.addr + uint64(first*c.elemSize), true
}

// Measured is a store that knows how many bytes the file has for a chunk.
type Measured interface{ StoredBytes(at []int64) int64 }

func (c *chunked) StoredBytes(at []int64) int64 {
	if ch, ok := c.Index.At(c.linear(at)); ok {
		return int64(ch.Size)
	}
	return 0
}

func (b *bands) StoredBytes(at []int64) int64 {
	if m, ok := b.Source.(*inMemory); ok && m.repeat {
		return 0
	}
	_, n := b.span(at)
	return n * int64(b.elemSize)
}
