package store

import (
	"bytes"
	"context"
	"io"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// useMapped uses the chunks that lie in the file verbatim, where that is mapped, and gives the others. It is for what takes
// elements apart: what takes them as they are has them copied to their place.
func (c *chunked) useMapped(ctx context.Context, s *Scratch, found []stored, use func(int, convert.Elems, bool) error) ([]stored, error) {
	if s.Place != nil {
		return found, nil
	}
	rest := found[:0:0]
	for _, f := range found {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		used, err := c.useMappedChunk(f, use)
		if err != nil {
			return nil, err
		}
		if !used {
			rest = append(rest, f)
		}
	}
	return rest, nil
}

// useMappedChunk uses a chunk where it is mapped, and tells whether it did.
func (c *chunked) useMappedChunk(f stored, use func(int, convert.Elems, bool) error) (used bool, err error) {
	if int64(f.Size) < c.bytes() || c.plausible(f) != nil { // else reading says what is wrong
		return false, nil
	}
	_, lost := c.File.Look(f.Addr, uint64(f.Size), func(src []byte) {
		off, verbatim := int64(0), c.unfiltered(f)
		if !verbatim {
			off, verbatim = c.Filters.Verbatim(io.NewSectionReader(bytes.NewReader(src), 0, int64(len(src))), f.Mask, c.bytes())
		}
		if verbatim {
			used = true
			err = use(f.i, convert.Elems{Data: src[off : off+c.bytes()], N: int(rows.Product(c.Chunk)), Size: c.ElemSize}, false)
		}
	})
	if lost != nil {
		return true, c.failed(f, lost)
	}
	return used, err
}

// useMapped uses a band where it is mapped, and tells whether it did.
func (c *contiguous) useMapped(ctx context.Context, first, n int64, use func(convert.Elems) error) (used bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	used, lost := c.file.Look(c.addr+uint64(first*c.elemSize), uint64(n*c.elemSize), func(b []byte) {
		err = use(convert.Elems{Data: b, N: int(n), Size: int(c.elemSize)})
	})
	if lost != nil {
		err = c.failed(lost)
	}
	return used, err
}
