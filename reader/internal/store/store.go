package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/span"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/chunkcache"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/filter"
	"github.com/mtflight/mtflight/reader/internal/h5proc"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// Store gives the elements of a dataset's chunks. What has no chunks in the file is cut into bands that serve as such.
type Store interface {
	// Extents are the lengths of a chunk's axes, in elements.
	Extents() []int64
	// Load calls use for each chunk (numbers along the axes), in any order, with its elements in row-major order;
	// they are valid during the call only. fill: it is one element that stands for all. A chunk that s.Place has a place
	// for may be put there instead, without a call.
	Load(ctx context.Context, s *Scratch, chunks [][]int64, use func(i int, e convert.Elems, fill bool) error) error
	// Need is the most bytes one worker takes for a load of chunks of so many bytes in all, beside those that are pinned.
	Need(bytes int64, h *Pins) int64
}

// Scratch is what one worker reads and decodes into.
type Scratch struct {
	Mem   *bufpool.Lease // of the group the worker works for
	Codec *filter.Scratch
	Pins  *Pins // large chunks; nil: the request has none

	Partial func(i int) bool   // whether a chunk of the load is wanted in part only; nil: none is
	Place   func(i int) []byte // where a chunk's elements go, if all as they are and side by side, else nil; nil: none do
	// Front is what is wanted of a chunk at most: so many of its first elements, of each so many of its first bytes. nil: all.
	Front func(i int) (elems, bytes int)
}

// NewScratch takes its memory from a lease; Release gives it back. The context ends waiting for what others decode.
func NewScratch(ctx context.Context, l *bufpool.Lease, h *Pins) *Scratch {
	s := &Scratch{Mem: l, Codec: filter.NewScratch(l.Allocate, l.Free), Pins: h}
	s.Codec.Context = ctx
	return s
}

func (s *Scratch) Release() { s.Codec.Release() }

const (
	spanSize = 4 << 20
)

// Layout says how a dataset's chunks are stored.
type Layout struct {
	File     *blockio.File
	Index    *chunkindex.Index
	Filters  *filter.Pipeline // nil: none
	Chunk    []int64          // extents
	Shape    []int64          // of the dataset
	ElemSize int
	Fill     []byte // one element
	End      uint64 // of what the file's superblock says was allocated

	Cache          *chunkcache.Cache // nil: none
	Serial, Object uint64            // of file and object, in the cache
}

// chunked is a dataset of chunks in the file.
type chunked struct {
	Layout
	weight Weight
}

// NewChunked is the store of a dataset of a name. Errors: fault.DataLoss, fault.Unsupported for chunks of over 8 GiB.
func NewChunked(l Layout, name string) (Store, error) {
	if len(l.Chunk) != len(l.Shape) {
		return nil, fault.New(fault.DataLoss, "chunks of %d axes for %d", len(l.Chunk), len(l.Shape))
	}
	bytes := int64(l.ElemSize)
	for _, n := range l.Chunk {
		if n < 1 || bytes > (1<<33)/n {
			return nil, fault.New(fault.Unsupported, "chunks of %d elements", l.Chunk)
		}
		bytes *= n
	}
	c := &chunked{Layout: l}
	c.weight = c.weigh(name)
	return c, nil
}

func (c *chunked) Extents() []int64 { return c.Chunk }

func (c *chunked) bytes() int64 { return rows.Product(c.Chunk) * int64(c.ElemSize) }

// unfiltered tells whether a chunk went through no filter.
func (c *chunked) unfiltered(f stored) bool { return c.Filters == nil || c.Index.Unfiltered(f.linear) }

// stored is a chunk of a load with its place in the file.
type stored struct {
	i      int // of the load's chunks
	linear uint64
	chunkindex.Chunk
}

func (c *chunked) Load(ctx context.Context, s *Scratch, chunks [][]int64, use func(int, convert.Elems, bool) error) error {
	var found []stored
	for i, at := range chunks {
		linear := c.linear(at)
		if ch, ok := c.Index.At(linear); ok {
			found = append(found, stored{i: i, linear: linear, Chunk: ch})
		} else if err := use(i, convert.Elems{Data: c.Fill, N: 1, Size: c.ElemSize}, true); err != nil {
			return err
		}
	}
	found, err := c.useMapped(ctx, s, found, use)
	if err != nil {
		return err
	}
	if s.Pins.Pinned(c.weight.Need) {
		return c.loadPinned(ctx, s, found, use)
	}
	found, p, err := c.cached(s, found, use)
	if err != nil {
		return err
	}
	defer p.end()
	if err := c.loadAll(ctx, s, found, p, use); err != nil || len(p.loads) == 0 {
		return err
	}
	p.end()
	failed, err := c.await(ctx, p, use)
	if err != nil {
		return err
	}
	return c.loadAll(ctx, s, failed, &pending{}, use)
}

// loadAll reads and decodes chunks, neighbours in the file together.
func (c *chunked) loadAll(ctx context.Context, s *Scratch, found []stored, p *pending, use func(int, convert.Elems, bool) error) error {
	slices.SortFunc(found, func(a, b stored) int { return cmp.Compare(a.Addr, b.Addr) })
	ext := make([]blockio.Extent, len(found))
	for i, f := range found {
		ext[i] = blockio.Extent{Addr: f.Addr, Size: uint64(f.Size)}
	}
	for _, f := range found {
		if err := c.plausible(f); err != nil {
			return err
		}
	}
	for _, sp := range blockio.Spans(ext, c.File.Gap(), spanSize) {
		if err := c.loadSpan(ctx, s, sp, found, p, use); err != nil {
			return err
		}
	}
	return nil
}

// linear is the chunk's row-major number in the grid.
func (c *chunked) linear(at []int64) uint64 {
	grid := c.Index.Grid()
	n := uint64(0)
	for i, k := range at {
		n = n*grid[i] + uint64(k)
	}
	return n
}

func (c *chunked) loadSpan(ctx context.Context, s *Scratch, sp blockio.Span, found []stored, p *pending, use func(int, convert.Elems, bool) error) (err error) {
	buf := s.Mem.Allocate(int(sp.Size))
	defer s.Mem.Free(buf)
	if err := c.File.Read(ctx, buf, sp.Addr); err != nil {
		return c.failed(found[sp.First], err)
	}
	_, one := span.Start(ctx, "decode chunks")
	one.Note("first_chunk", int64(found[sp.First].linear))
	one.Note("chunks", int64(sp.Last-sp.First))
	defer func() { one.End(err) }()
	for part := range slices.Chunk(found[sp.First:sp.Last], c.together()) {
		if err := c.decodeAll(s, buf, sp.Addr, part, p, use); err != nil {
			return err
		}
	}
	return nil
}

// together is how many chunks are decoded at once.
func (c *chunked) together() int {
	if c.Filters == nil {
		return 1
	}
	return c.Filters.AheadOf(int(c.bytes()))
}

// decodeAll decodes chunks that lie in what was read from an address on.
func (c *chunked) decodeAll(s *Scratch, buf []byte, addr uint64, part []stored, p *pending, use func(int, convert.Elems, bool) error) error {
	ahead := make([]filter.Encoded, len(part))
	for i, f := range part {
		off := f.Addr - addr
		ahead[i] = filter.Encoded{Src: buf[off : off+uint64(f.Size)], Mask: f.Mask}
		if c.unfiltered(f) {
			ahead[i].Mask = ^uint32(0)
		}
	}
	if len(part) > 1 {
		c.Filters.Ahead(s.Codec, ahead, int(c.bytes()))
	}
	for i, f := range part {
		src := ahead[i].Src
		f.Mask = ahead[i].Mask
		if done, err := c.placed(s, src, f); err != nil {
			return c.failed(f, err)
		} else if done {
			continue
		}
		keep := p.mine[f.linear]
		e, ok := convert.Elems{}, false
		if keep == nil {
			e, ok = c.decodeFront(s, src, f)
		}
		if !ok {
			var err error
			if e, err = c.decode(s, src, f); err != nil {
				return c.failed(f, err)
			}
		}
		if keep != nil {
			keep.End(e.Data, e.Planes)
		}
		if err := use(f.i, e, false); err != nil {
			return err
		}
	}
	return nil
}

// placed decodes a chunk right to its place, if it has one. One that fails is tried again in the other way, whose error
// says what is wrong, unless no helper answered.
func (c *chunked) placed(s *Scratch, src []byte, f stored) (done bool, err error) {
	if s.Place == nil || c.unfiltered(f) {
		return false, nil
	}
	dst := s.Place(f.i)
	if dst == nil {
		return false, nil
	}
	if err = c.Filters.DecodeInto(s.Codec, src, f.Mask, dst); h5proc.Unanswered(err) {
		return false, err
	}
	if err == nil {
		c.File.Decoded(int64(len(dst)))
	}
	return err == nil, nil
}

// plausible bounds a chunk's stored size from both sides before it is allocated: no codec makes chunks so much larger.
func (c *chunked) plausible(f stored) error {
	if f.Addr > c.End || uint64(f.Size) > c.End-f.Addr {
		return c.failed(f, fault.New(fault.DataLoss, "%d bytes stored there go beyond the end of allocated space at %d", f.Size, c.End))
	}
	if c.unfiltered(f) && int64(f.Size) < c.bytes() {
		return c.failed(f, fault.New(fault.DataLoss, "%d bytes stored, a chunk has %d", f.Size, c.bytes()))
	}
	if most := uint64(2*c.bytes() + 1<<20); uint64(f.Size) > max(most, spanSize) {
		return c.failed(f, fault.New(fault.DataLoss, "%d bytes stored for a chunk of %d", f.Size, c.bytes()))
	}
	return nil
}

func (c *chunked) decode(s *Scratch, src []byte, f stored) (convert.Elems, error) {
	n := int(rows.Product(c.Chunk))
	if c.unfiltered(f) {
		return convert.Elems{Data: src, N: n, Size: c.ElemSize}, nil
	}
	r, err := c.Filters.Decode(s.Codec, src, f.Mask, int(c.bytes()))
	if err != nil && !h5proc.Unanswered(err) {
		r, err = c.decodeShort(s, src, f, err)
	}
	if err != nil {
		return convert.Elems{}, err
	}
	c.File.Decoded(c.bytes())
	if r.Planes > 0 && r.Elem != c.ElemSize {
		r = filter.Unshuffle(s.Codec, r)
	}
	return convert.Elems{Data: r.Data, N: n, Size: c.ElemSize, Planes: r.Planes}, nil
}

// decodeFront decodes what is wanted of a chunk, if that is less work than all of it; what fails is left to decode.
func (c *chunked) decodeFront(s *Scratch, src []byte, f stored) (convert.Elems, bool) {
	if s.Front == nil || c.unfiltered(f) {
		return convert.Elems{}, false
	}
	elems, bytes := s.Front(f.i)
	r, ok := c.Filters.DecodeFront(s.Codec, src, f.Mask, int(c.bytes()), filter.Front{Elems: elems, Size: c.ElemSize, Bytes: bytes})
	if !ok {
		return convert.Elems{}, false
	}
	c.File.Decoded(int64(len(r.Data)))
	if r.Planes > 0 {
		elems = r.Planes
	}
	return convert.Elems{Data: r.Data, N: elems, Size: c.ElemSize, Planes: r.Planes}, true
}

// decodeShort is the second try at a chunk that doesn't decode to its length.
func (c *chunked) decodeShort(s *Scratch, src []byte, f stored, first error) (filter.Result, error) {
	need := int(c.Index.Covered(f.linear)) * c.ElemSize
	r, err := c.Filters.DecodeShort(s.Codec, src, f.Mask, int(c.bytes()), need)
	if err != nil {
		return filter.Result{}, first
	}
	return r, nil
}

func (c *chunked) failed(f stored, err error) error {
	if k := fault.Of(err); k != nil {
		return fault.New(k, "%w", &ChunkError{Number: f.linear, Address: f.Addr, err: err})
	}
	return err
}

// ChunkError is of a chunk whose bytes cannot be read, or whose elements cannot be made of them.
type ChunkError struct {
	Number  uint64 // row-major, in the grid of chunks
	Address uint64 // in the file
	err     error
}

func (e *ChunkError) Error() string {
	return fmt.Sprintf("chunk %d at address %d: %v", e.Number, e.Address, e.err)
}

func (e *ChunkError) Unwrap() error { return e.err }
