package store

import (
	"context"
	"io"

	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// Located is a store of elements that may lie in a file verbatim, as they are in memory.
type Located interface {
	// MayBeVerbatim tells, without reading, of a chunk whether it may lie so, and where to look.
	MayBeVerbatim(at []int64) (Spot, bool)
	// Locate gives a way to read parts of a chunk, which may take reading; nil: the chunk has to be loaded.
	Locate(Spot) (ReadPart, error)
	// AllVerbatim tells whether all chunks lie so.
	AllVerbatim() bool
}

// Spot is where a chunk may lie as it is.
type Spot struct {
	chunk stored
	first int64 // element of a dataset without chunks
}

// What is asked of stores at run time is held at compile time.
var (
	_ Located  = (*chunked)(nil)
	_ Located  = (*bands)(nil)
	_ Mappable = (*chunked)(nil)
	_ Mappable = (*bands)(nil)
	_ Measured = (*chunked)(nil)
	_ Measured = (*bands)(nil)
	_ Weighed  = (*chunked)(nil)
)

// ReadPart fills dst with bytes of a chunk's elements, from one of them on.
type ReadPart func(ctx context.Context, dst []byte, from int64) error

// MayBeVerbatim is part of Located: chunks that no filter has changed.
func (c *chunked) MayBeVerbatim(at []int64) (Spot, bool) {
	linear := c.linear(at)
	ch, ok := c.Index.At(linear)
	f := stored{linear: linear, Chunk: ch}
	return Spot{chunk: f}, ok && (int64(ch.Size) >= c.bytes() || c.unfiltered(f))
}

// Locate is part of Located.
func (c *chunked) Locate(s Spot) (ReadPart, error) {
	f := s.chunk
	if err := c.plausible(f); err != nil {
		return nil, err
	}
	addr, ok := c.verbatimAddr(f)
	if !ok {
		return nil, nil
	}
	return func(ctx context.Context, dst []byte, from int64) error {
		return c.failed(f, c.File.Read(ctx, dst, addr+uint64(from)))
	}, nil
}

// AllVerbatim is part of Located.
func (c *chunked) AllVerbatim() bool { return c.Filters == nil }

// verbatimAddr is where a chunk's elements lie, if they do so verbatim: unfiltered, or by a filter that could not make them smaller.
func (c *chunked) verbatimAddr(f stored) (addr uint64, ok bool) {
	size := int64(f.Size)
	switch {
	case c.unfiltered(f):
		return f.Addr, true
	case size < c.bytes():
		return 0, false
	}
	off, ok := c.Filters.Verbatim(io.NewSectionReader(c.File, int64(f.Addr), size), f.Mask, c.bytes())
	return f.Addr + uint64(off), ok
}

// MayBeVerbatim is part of Located: bands of a dataset whose bytes are near.
func (b *bands) MayBeVerbatim(at []int64) (Spot, bool) {
	first, _ := b.span(at)
	return Spot{first: first}, b.AllVerbatim()
}

// Locate is part of Located.
func (b *bands) Locate(s Spot) (ReadPart, error) {
	size := int64(b.elemSize)
	return func(ctx context.Context, dst []byte, from int64) error {
		return b.read(ctx, s.first+from/size, int64(len(dst))/size, dst)
	}, nil
}

// AllVerbatim is part of Located: what libhdf5 has to be asked for is better asked for at once.
func (b *bands) AllVerbatim() bool {
	_, lib := b.Source.(*slab)
	return !lib
}

// Mappable is a store of elements that lie in a file verbatim, one after the other.
type Mappable interface {
	// Stretch says where n elements from first on, counted over the whole dataset, lie; false: not in one piece.
	Stretch(first, n int64) (f *blockio.File, addr uint64, ok bool)
}

// Stretch is part of Mappable: chunks of whole rows, stored one behind the other and unfiltered.
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

// Stretch is part of Mappable.
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
