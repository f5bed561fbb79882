package store

import (
	"context"
	"unsafe"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// largeChunk is from how many bytes on the stored sizes of chunks count: smaller ones are taken for uncompressed.
const largeChunk = 1 << 20

// Weight says what it takes to decode the chunk of a store that takes the most memory.
type Weight struct {
	Of               string // the dataset
	Chunk            uint64 // its number
	Stored, Decoded  int64
	Need             int64 // bytes in all while it is decoded
	Chunks, PerChunk int64 // how many there are, and how many lie side by side in a chunk of the store
	Verbatim         bool  // some may lie in the file verbatim, so that parts of them are read
}

// Weighed is a store with chunks of the file, which may be large.
type Weighed interface{ Heaviest() Weight }

// weigh finds the chunk that takes the most memory.
func (c *chunked) weigh(of string) Weight {
	h := Weight{Of: of, Stored: c.bytes(), Decoded: c.bytes(), PerChunk: 1, Chunks: int64(c.Index.Len()), Verbatim: c.Filters == nil}
	if c.bytes() >= largeChunk {
		h.Stored = 0
		for at, ch := range c.Index.All() {
			if n := int64(min(ch.Size, uint64(2*c.bytes()+1<<20))); n > h.Stored {
				h.Stored, h.Chunk = n, at
			}
		}
		h.Verbatim = h.Stored >= h.Decoded
	}
	h.Need = bufpool.Takes(h.Stored) + c.bufferBytes()
	return h
}

func (c *chunked) Heaviest() Weight { return c.weight }

// bufferBytes is what decoding a chunk takes beside what is stored.
func (c *chunked) bufferBytes() (n int64) {
	if c.Filters == nil {
		return 0
	}
	for _, b := range c.Filters.Buffers(int(c.bytes()), c.ElemSize) {
		n += bufpool.Takes(int64(b))
	}
	if len(c.Filters.Foreign()) > 0 {
		n += 4 * c.bytes() // what helpers share, and the plug-in's own of both
	}
	return n
}

func (c *chunked) Need(bytes int64, h *Pins) int64 {
	if h.Pinned(c.weight.Need) {
		return 0
	}
	stored := rows.Times(max(1, bytes/max(1, c.bytes())), c.weight.Stored)
	return min(stored, max(spanSize, c.weight.Stored)) + c.bufferBytes() + c.aheadBytes(bytes)
}

// aheadBytes is what chunks that a plug-in is given together take.
func (c *chunked) aheadBytes(bytes int64) int64 {
	if c.Filters == nil || len(c.Filters.Foreign()) == 0 {
		return 0
	}
	return min(bytes, int64(c.together()-1)*c.bytes())
}

// loadPinned uses chunks one after the other, each decoded once as long as it stays pinned.
func (c *chunked) loadPinned(ctx context.Context, s *Scratch, found []stored, use func(int, convert.Elems, bool) error) error {
	for _, f := range found {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.plausible(f); err != nil {
			return err
		}
		need := bufpool.Takes(int64(f.Size)) + c.bufferBytes()
		err := s.Pins.use(c.key(f), need, func(h *pin, l *bufpool.Lease) (int64, error) {
			return c.decodePinned(ctx, f, h, l)
		}, func(e convert.Elems) error { return use(f.i, e, false) })
		if err != nil {
			return err
		}
	}
	return nil
}

// decodePinned decodes a chunk to be pinned, and gives how many bytes it keeps.
func (c *chunked) decodePinned(ctx context.Context, f stored, h *pin, l *bufpool.Lease) (kept int64, err error) {
	raw := l.Allocate(int(f.Size))
	defer func() {
		if h.raw == nil {
			l.Free(raw)
		}
	}()
	if err := c.File.Read(ctx, raw, f.Addr); err != nil {
		return 0, c.failed(f, err)
	}
	h.codec.Context = ctx
	if h.elems, err = c.decode(&Scratch{Codec: h.codec}, raw, f); err != nil {
		return 0, c.failed(f, err)
	}
	if partOf(raw, h.elems.Data) {
		h.raw = raw
		return bufpool.Takes(int64(f.Size)) + c.bufferBytes(), nil
	}
	return c.bufferBytes(), nil
}

// partOf tells whether b lies in whole.
func partOf(whole, b []byte) bool {
	first, at := uintptr(unsafe.Pointer(unsafe.SliceData(whole))), uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	return at >= first && at < first+uintptr(len(whole))
}
