package reader

import (
	"context"
	"unsafe"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
)

// largeChunk is from how many bytes on the sizes that chunks are stored in are looked at: others are taken for uncompressed.
const largeChunk = 1 << 20

// heavy says what it takes to decode the chunk of a store that takes the most memory.
type heavy struct {
	of              string // the dataset
	chunk           uint64 // its number
	stored, decoded int64
	need            int64 // bytes in all while it is decoded
	chunks, wide    int64 // how many there are, and how many lie side by side in a chunk of the store
	bare            bool  // some may lie in the file as they are, so that parts of them are read
}

// heavier is a store that can tell that.
type heavier interface{ heaviest() heavy }

// weigh finds the chunk that takes the most memory.
func (c *chunked) weigh(of string) heavy {
	h := heavy{of: of, stored: c.bytes(), decoded: c.bytes(), wide: 1, chunks: int64(c.index.Len()), bare: c.filters == nil}
	if c.bytes() >= largeChunk {
		h.stored = 0
		for at, ch := range c.index.All() {
			if n := int64(min(ch.Size, uint64(2*c.bytes()+1<<20))); n > h.stored {
				h.stored, h.chunk = n, at
			}
		}
		h.bare = h.stored >= h.decoded
	}
	h.need = bufpool.Takes(h.stored) + c.bufferBytes()
	return h
}

func (c *chunked) heaviest() heavy { return c.heavy }

// bufferBytes is what decoding a chunk takes beside what is stored.
func (c *chunked) bufferBytes() (n int64) {
	if c.filters == nil {
		return 0
	}
	for _, b := range c.filters.Buffers(int(c.bytes()), c.elemSize) {
		n += bufpool.Takes(int64(b))
	}
	if len(c.filters.Foreign()) > 0 {
		n += 2 * c.bytes() // what helpers share
	}
	return n
}

func (c *chunked) need(bytes int64, h *held) int64 {
	if h.holds(c.heavy.need) {
		return 0
	}
	stored := times(max(1, bytes/max(1, c.bytes())), c.heavy.stored)
	return min(stored, max(spanSize, c.heavy.stored)) + c.bufferBytes() + c.aheadBytes(bytes)
}

// aheadBytes is what chunks that a plug-in is given together take.
func (c *chunked) aheadBytes(bytes int64) int64 {
	if c.filters == nil || len(c.filters.Foreign()) == 0 {
		return 0
	}
	return min(bytes, int64(c.together()-1)*c.bytes())
}

// loadHeld uses chunks one after the other, each decoded once as long as it stays.
func (c *chunked) loadHeld(ctx context.Context, s *scratch, found []stored, use func(int, convert.Elems, bool) error) error {
	for _, f := range found {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.plausible(f); err != nil {
			return err
		}
		need := bufpool.Takes(int64(f.Size)) + c.bufferBytes()
		err := s.held.use(c.key(f), need, func(h *heldChunk, l *bufpool.Lease) (int64, error) {
			return c.hold(ctx, f, h, l)
		}, func(e convert.Elems) error { return use(f.i, e, false) })
		if err != nil {
			return err
		}
	}
	return nil
}

// hold decodes a chunk to be held, and tells how many bytes stay.
func (c *chunked) hold(ctx context.Context, f stored, h *heldChunk, l *bufpool.Lease) (kept int64, err error) {
	raw := l.Allocate(int(f.Size))
	defer func() {
		if h.raw == nil {
			l.Free(raw)
		}
	}()
	if err := c.file.Read(ctx, raw, f.Addr); err != nil {
		return 0, c.failed(f, err)
	}
	h.codec.Context = ctx
	if h.elems, err = c.decode(&scratch{codec: h.codec}, raw, f); err != nil {
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
