package reader

import (
	"context"
	"slices"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/chunkcache"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/filter"
	"github.com/mtflight/mtflight/reader/internal/h5proc"
)

// store gives the elements of a dataset's chunks. What has no chunks in the file is cut into bands that serve as such.
type store interface {
	// extents are the lengths of a chunk's axes, in elements.
	extents() []int64
	// load calls use for each chunk (numbers along the axes), in any order, with its elements in row-major order;
	// they are valid during the call only. fill: it is one element that stands for all. A chunk that s.place has a place
	// for may be put there instead, without a call.
	load(ctx context.Context, s *scratch, chunks [][]int64, use func(i int, e convert.Elems, fill bool) error) error
	// need is the most bytes one worker takes for a load of chunks of so many bytes in all, beside those that are held.
	need(bytes int64, h *held) int64
}

// scratch is what one worker reads and decodes into.
type scratch struct {
	mem   *bufpool.Lease // of the group the worker works for
	codec *filter.Scratch
	held  *held // large chunks; nil: the request has none

	partial func(i int) bool   // whether a chunk of the load is wanted in part only; nil: none is
	place   func(i int) []byte // where a chunk's elements go, if all as they are and side by side, else nil; nil: none do
}

// newScratch takes its memory of a lease. The context ends waiting for what others decode.
func newScratch(ctx context.Context, l *bufpool.Lease, h *held) *scratch {
	s := &scratch{mem: l, codec: filter.NewScratch(l.Allocate, l.Free), held: h}
	s.codec.Context = ctx
	return s
}

func (s *scratch) release() { s.codec.Release() }

const (
	spanGap  = 16 << 10 // bytes read for nothing rather than asking twice
	spanSize = 4 << 20
)

// chunkedLayout says how a dataset's chunks are stored.
type chunkedLayout struct {
	file     *blockio.File
	index    *chunkindex.Index
	filters  *filter.Pipeline // nil: none
	chunk    []int64          // extents
	shape    []int64          // of the dataset
	elemSize int
	fill     []byte // one element
	end      uint64 // of what the file's superblock says was allocated

	cache          *chunkcache.Cache // nil: none
	serial, object uint64            // of file and object, in the cache
}

// chunked is a dataset of chunks in the file.
type chunked struct {
	chunkedLayout
	heavy heavy
}

// newChunked is the store of a dataset of a name. Errors: fault.DataLoss, fault.Unsupported for chunks of over 8 GiB.
func newChunked(l chunkedLayout, name string) (*chunked, error) {
	if len(l.chunk) != len(l.shape) {
		return nil, fault.New(fault.DataLoss, "chunks of %d axes for %d", len(l.chunk), len(l.shape))
	}
	bytes := int64(l.elemSize)
	for _, n := range l.chunk {
		if n < 1 || bytes > (1<<33)/n {
			return nil, fault.New(fault.Unsupported, "chunks of %d elements", l.chunk)
		}
		bytes *= n
	}
	c := &chunked{chunkedLayout: l}
	c.heavy = c.weigh(name)
	return c, nil
}

func (c *chunked) extents() []int64 { return c.chunk }

func (c *chunked) bytes() int64 { return product(c.chunk) * int64(c.elemSize) }

// unfiltered tells whether a chunk went through no filter.
func (c *chunked) unfiltered(f stored) bool { return c.filters == nil || c.index.Unfiltered(f.linear) }

// stored is a chunk of a load with its place in the file.
type stored struct {
	i      int // of the load's chunks
	linear uint64
	chunkindex.Chunk
}

func (c *chunked) load(ctx context.Context, s *scratch, chunks [][]int64, use func(int, convert.Elems, bool) error) error {
	var found []stored
	for i, at := range chunks {
		linear := c.linear(at)
		if ch, ok := c.index.At(linear); ok {
			found = append(found, stored{i: i, linear: linear, Chunk: ch})
		} else if err := use(i, convert.Elems{Data: c.fill, N: 1, Size: c.elemSize}, true); err != nil {
			return err
		}
	}
	found, err := c.looked(ctx, s, found, use)
	if err != nil {
		return err
	}
	if s.held.holds(c.heavy.need) {
		return c.loadHeld(ctx, s, found, use)
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
func (c *chunked) loadAll(ctx context.Context, s *scratch, found []stored, p *pending, use func(int, convert.Elems, bool) error) error {
	slices.SortFunc(found, func(a, b stored) int { return compare(a.Addr, b.Addr) })
	ext := make([]blockio.Extent, len(found))
	for i, f := range found {
		ext[i] = blockio.Extent{Addr: f.Addr, Size: uint64(f.Size)}
	}
	for _, f := range found {
		if err := c.plausible(f); err != nil {
			return err
		}
	}
	for _, span := range blockio.Spans(ext, spanGap, spanSize) {
		if err := c.loadSpan(ctx, s, span, found, p, use); err != nil {
			return err
		}
	}
	return nil
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// linear is the chunk's row-major number in the grid.
func (c *chunked) linear(at []int64) uint64 {
	grid := c.index.Grid()
	n := uint64(0)
	for i, k := range at {
		n = n*grid[i] + uint64(k)
	}
	return n
}

func (c *chunked) loadSpan(ctx context.Context, s *scratch, span blockio.Span, found []stored, p *pending, use func(int, convert.Elems, bool) error) error {
	buf := s.mem.Allocate(int(span.Size))
	defer s.mem.Free(buf)
	if err := c.file.Read(ctx, buf, span.Addr); err != nil {
		return c.failed(found[span.First], err)
	}
	for part := range slices.Chunk(found[span.First:span.Last], c.together()) {
		if err := c.decodeAll(s, buf, span.Addr, part, p, use); err != nil {
			return err
		}
	}
	return nil
}

// together is how many chunks are decoded at once.
func (c *chunked) together() int {
	if c.filters == nil {
		return 1
	}
	return c.filters.AheadOf(int(c.bytes()))
}

// decodeAll decodes chunks that lie in what was read from an address on.
func (c *chunked) decodeAll(s *scratch, buf []byte, addr uint64, part []stored, p *pending, use func(int, convert.Elems, bool) error) error {
	ahead := make([]filter.Encoded, len(part))
	for i, f := range part {
		off := f.Addr - addr
		ahead[i] = filter.Encoded{Src: buf[off : off+uint64(f.Size)], Mask: f.Mask}
		if c.unfiltered(f) {
			ahead[i].Mask = ^uint32(0)
		}
	}
	if len(part) > 1 {
		c.filters.Ahead(s.codec, ahead, int(c.bytes()))
	}
	for i, f := range part {
		src := ahead[i].Src
		f.Mask = ahead[i].Mask
		if done, err := c.placed(s, src, f); err != nil {
			return c.failed(f, err)
		} else if done {
			continue
		}
		e, err := c.decode(s, src, f)
		if err != nil {
			return c.failed(f, err)
		}
		if l := p.mine[f.linear]; l != nil {
			l.End(e.Data, e.Planes)
		}
		if err := use(f.i, e, false); err != nil {
			return err
		}
	}
	return nil
}

// placed decodes a chunk right to its place, if it has one. One that fails is tried again in the other way, whose error
// says what is wrong, unless no helper answered.
func (c *chunked) placed(s *scratch, src []byte, f stored) (done bool, err error) {
	if s.place == nil || c.unfiltered(f) {
		return false, nil
	}
	dst := s.place(f.i)
	if dst == nil {
		return false, nil
	}
	if err = c.filters.DecodeInto(s.codec, src, f.Mask, dst); h5proc.Unanswered(err) {
		return false, err
	}
	return err == nil, nil
}

// plausible bounds a chunk's stored size from both sides before it is allocated: no codec makes chunks so much larger.
func (c *chunked) plausible(f stored) error {
	if f.Addr > c.end || uint64(f.Size) > c.end-f.Addr {
		return c.failed(f, fault.New(fault.DataLoss, "%d bytes stored there go beyond the end of allocated space at %d", f.Size, c.end))
	}
	if c.unfiltered(f) && int64(f.Size) < c.bytes() {
		return c.failed(f, fault.New(fault.DataLoss, "%d bytes stored, a chunk has %d", f.Size, c.bytes()))
	}
	if most := uint64(2*c.bytes() + 1<<20); uint64(f.Size) > max(most, spanSize) {
		return c.failed(f, fault.New(fault.DataLoss, "%d bytes stored for a chunk of %d", f.Size, c.bytes()))
	}
	return nil
}

func (c *chunked) decode(s *scratch, src []byte, f stored) (convert.Elems, error) {
	n := int(product(c.chunk))
	if c.unfiltered(f) {
		return convert.Elems{Data: src, N: n, Size: c.elemSize}, nil
	}
	r, err := c.filters.Decode(s.codec, src, f.Mask, int(c.bytes()))
	if err != nil && !h5proc.Unanswered(err) {
		r, err = c.decodeShort(s, src, f, err)
	}
	if err != nil {
		return convert.Elems{}, err
	}
	if r.Planes > 0 && r.Elem != c.elemSize {
		r = filter.Unshuffle(s.codec, r)
	}
	return convert.Elems{Data: r.Data, N: n, Size: c.elemSize, Planes: r.Planes}, nil
}

// decodeShort is the second try at a chunk that doesn't decode to its length.
func (c *chunked) decodeShort(s *scratch, src []byte, f stored, first error) (filter.Result, error) {
	need := int(c.index.Covered(f.linear)) * c.elemSize
	r, err := c.filters.DecodeShort(s.codec, src, f.Mask, int(c.bytes()), need)
	if err != nil {
		return filter.Result{}, first
	}
	return r, nil
}

func (c *chunked) failed(f stored, err error) error {
	if k := fault.Of(err); k != nil {
		return fault.New(k, "chunk %d at address %d: %w", f.linear, f.Addr, err)
	}
	return err
}
