package virtual

import (
	"context"
	"slices"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/filter"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/store"
	"github.com/mtflight/mtflight/reader/internal/typeconv"
)

// Pieces are kept until there are so many, so that each chunk of a source is decoded once for them.
const (
	maxPieces  = 1 << 16
	pieceBytes = 24
)

// stretch is n elements that go from a place in a chunk to one in a buffer.
type stretch struct{ dst, src, n int64 }

// gather copies elements of a source into a buffer, chunk by chunk of the source.
type gather struct {
	ctx     context.Context
	scratch *store.Scratch
	src     *Dataset
	store   store.Store
	origin  uint32 // of the file, for the pointers
	v       *Store
	buf     []byte
	convert typeconv.Func // nil: the types are the same

	shape, chunk []int64 // axes that chunks take whole are one with the axis before
	n            int
	pieces       [][]stretch // of each chunk
	chunks       [][]int64
	at           map[int64]int // by number in the grid
	last         int           // chunk of the latest piece
	number       int64
}

func (v *Store) gather(ctx context.Context, s *store.Scratch, src *Dataset, buf []byte) (*gather, error) {
	own := v.outer.Type
	var conv typeconv.Func
	if !src.nested() && !typeconv.Same(src.Type, own) {
		var err error
		if conv, err = typeconv.New(src.Type, own); err != nil {
			return nil, NameSource(src.File.Name+" "+src.Path, err)
		}
	}
	origin, err := v.origins.of(src.File)
	if err != nil {
		return nil, err
	}
	if origin != 0 && !portable(own) {
		return nil, fault.New(fault.Unsupported, "virtual dataset with references or nested variable-length data of another file, %s", src.File.Name)
	}
	st, err := v.storeOf(ctx, src)
	if err != nil {
		return nil, err
	}
	g := &gather{ctx: ctx, scratch: s, src: src, store: st, origin: origin, v: v, buf: buf, convert: conv,
		shape: slices.Clone(src.Shape), chunk: slices.Clone(st.Extents()), number: -1}
	for k := len(g.shape) - 1; k > 0 && g.shape[k] == g.chunk[k]; k-- {
		g.shape[k-1] *= g.shape[k]
		g.chunk[k-1] *= g.chunk[k]
		g.shape, g.chunk = g.shape[:k], g.chunk[:k]
	}
	g.reset()
	return g, nil
}

// storeOf is a source's store; a virtual source shares the table of files.
func (v *Store) storeOf(ctx context.Context, src *Dataset) (store.Store, error) {
	if src.nested() {
		return newNested(ctx, &Store{ds: src, outer: v.outer, large: v.large, origins: v.origins})
	}
	return src.Store(ctx)
}

// nested tells whether a source is read from sources itself, whose elements then come in the type of the outermost.
func (d *Dataset) nested() bool { return d.Virtual && !d.Empty }

func (g *gather) reset() {
	g.n, g.number = 0, -1
	g.at, g.chunks = map[int64]int{}, nil
	g.pieces = nil
}

// add takes n elements from a place in the source to one in the buffer.
func (g *gather) add(dst, src, n int64) error {
	for n > 0 {
		part, err := g.addPiece(dst, src, n)
		if err != nil {
			return err
		}
		dst, src, n = dst+part, src+part, n-part
	}
	return nil
}

// addPiece adds what lies in one chunk, side by side.
func (g *gather) addPiece(dst, src, n int64) (int64, error) {
	number, off := int64(0), int64(0)
	gridStride, stride := int64(1), int64(1)
	rest := src
	for i := len(g.shape) - 1; i >= 0; i-- {
		x := rest % g.shape[i]
		rest /= g.shape[i]
		if i == len(g.shape)-1 {
			n = min(n, g.chunk[i]-x%g.chunk[i], g.shape[i]-x)
		}
		number += x / g.chunk[i] * gridStride
		off += x % g.chunk[i] * stride
		gridStride *= (g.shape[i] + g.chunk[i] - 1) / g.chunk[i]
		stride *= g.chunk[i]
	}
	if g.number != number {
		g.enterChunk(number, src)
	}
	g.pieces[g.last] = append(g.pieces[g.last], stretch{dst, off, n})
	if g.n++; g.n >= maxPieces {
		return n, g.flush()
	}
	return n, nil
}

// enterChunk makes the chunk of an element the latest one.
func (g *gather) enterChunk(number, src int64) {
	i, ok := g.at[number]
	if !ok {
		i = len(g.chunks)
		g.at[number] = i
		at := make([]int64, len(g.src.Shape))
		for k := len(g.shape) - 1; k >= 0; k-- {
			at[k] = src % g.shape[k] / g.chunk[k]
			src /= g.shape[k]
		}
		g.chunks, g.pieces = append(g.chunks, at), append(g.pieces, nil)
	}
	g.number, g.last = number, i
}

// flush reads the chunks that pieces are of, and copies them.
func (g *gather) flush() error {
	if len(g.chunks) == 0 {
		return nil
	}
	g.scratch.Partial, g.scratch.Place, g.scratch.Front = g.partial, nil, nil // of this load
	if err := g.store.Load(g.ctx, g.scratch, g.chunks, g.copy); err != nil {
		return g.failed(err)
	}
	if !g.src.Unchanged() {
		return fault.New(fault.Changed, "virtual source %s changed while it was read: ask again", g.src.File.Name)
	}
	g.reset()
	return nil
}

// partial tells whether the pieces leave out some of a chunk.
func (g *gather) partial(i int) bool {
	n := int64(0)
	for _, p := range g.pieces[i] {
		n += p.n
	}
	return n < rows.Product(g.chunk)
}

func (g *gather) failed(err error) error {
	if fault.Of(err) == fault.DataLoss && !g.src.Unchanged() {
		err = fault.New(fault.Changed, "it changed while it was read: %w", err)
	}
	if k := fault.Of(err); k != nil {
		return fault.New(k, "virtual source %s %s: %w", g.src.File.Name, g.src.Path, err)
	}
	return err
}

func (g *gather) copy(i int, e convert.Elems, fill bool) error {
	if e.Planes > 0 && g.scratch.Pins == nil {
		r := filter.Unshuffle(g.scratch.Codec, filter.Result{Data: e.Data, Planes: e.Planes, Elem: e.Size})
		e.Data, e.Planes = r.Data, 0
	}
	for _, p := range g.pieces[i] {
		if fill {
			p.src = 0
		}
		if err := g.put(p, e, fill); err != nil {
			return err
		}
	}
	return nil
}

func (g *gather) put(p stretch, e convert.Elems, fill bool) error {
	from, to := int64(e.Size), int64(g.v.size())
	dst, src := g.buf[p.dst*to:(p.dst+p.n)*to], e.Data
	if e.Planes > 0 { // of a large chunk: only what is needed is interleaved
		src = g.scratch.Mem.Allocate(int(p.n * from))
		defer g.scratch.Mem.Free(src)
		filter.Result{Data: e.Data, Planes: e.Planes, Elem: e.Size}.Elements(src, int(p.src), int(p.n))
	} else {
		src = src[p.src*from:]
	}
	switch {
	case g.convert != nil:
		for k := range p.n {
			g.convert(dst[k*to:], src)
			if !fill {
				src = src[from:]
			}
		}
	case fill:
		repeat(dst, src)
	default:
		copy(dst, src[:p.n*to])
	}
	return g.tag(dst)
}

// tag marks the heap pointers of elements with their file. A virtual source has marked its own.
func (g *gather) tag(elems []byte) error {
	if len(g.v.pointers) == 0 || g.src.Virtual {
		return nil
	}
	size := g.v.size()
	for ; len(elems) >= size; elems = elems[size:] {
		for _, at := range g.v.pointers {
			if err := mark(elems[at:], g.v.outer.OffsetSize, g.origin); err != nil {
				return err
			}
		}
	}
	return nil
}
