package virtual

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/store"
	"github.com/mtflight/mtflight/reader/internal/typeconv"
	"github.com/mtflight/mtflight/reader/internal/vds"
)

// Store reads a virtual dataset from its sources, as chunks that are about as large as theirs.
type Store struct {
	ds       *Dataset
	outer    *Dataset // in whose type the elements are given, whatever those between are
	origins  *origins
	axis     int // of the rows
	band     []int64
	parts    []mapped     // by where they begin along the axis
	ends     []int64      // the largest end along the axis of parts[:i+1]
	large    int64        // bytes from which on a chunk is large
	inner    int64        // bytes that reading a source takes
	heavy    store.Weight // of the sources' chunks
	pointers []int        // where in an element are heap pointers
	fill     []byte
}

var _ store.Weighed = (*Store)(nil)

// mapped is a mapping with the box its selection lies in.
type mapped struct {
	vds.Mapping
	number  int
	box     vds.Box
	regions *regions // nil: they depend on the source
}

// New gives access by rows along an axis. Chunks that need large bytes to be decoded, and more, are large.
func New(ctx context.Context, d *Dataset, rows int, large int64) (*Store, error) {
	return newNested(ctx, &Store{ds: d, outer: d, axis: rows, large: large, origins: newOrigins(d.File)})
}

// newNested completes one that may be a source of another.
func newNested(ctx context.Context, v *Store) (*Store, error) {
	ctx, err := v.ds.enter(ctx)
	if err != nil {
		return nil, err
	}
	v.pointers = pointersIn(nil, v.outer.Type, 0)
	if err := v.markFill(); err != nil {
		return nil, err
	}
	v.sortParts()
	return v, v.chooseBand(ctx)
}

// markFill is the fill value with its heap pointers marked.
func (v *Store) markFill() error {
	n, err := v.origins.of(v.ds.File)
	if err != nil {
		return err
	}
	convert, err := typeconv.New(v.ds.Type, v.outer.Type)
	if err != nil {
		return err
	}
	v.fill = make([]byte, v.size())
	convert(v.fill, v.ds.Fill)
	for _, at := range v.pointers {
		if err := mark(v.fill[at:], v.outer.OffsetSize, n); err != nil {
			return err
		}
	}
	return nil
}

func (v *Store) sortParts() {
	d, axis := v.ds, v.axis
	for i, m := range d.Mappings {
		p := mapped{Mapping: m, number: i, box: m.Dst.Bounds(d.Shape)}
		if m.Dst.Unlimited() < 0 {
			p.regions = &regions{}
		}
		if rows.Product(p.box.Count) > 0 {
			v.parts = append(v.parts, p)
		}
	}
	slices.SortStableFunc(v.parts, func(a, b mapped) int {
		return cmp.Compare(a.box.Start[axis], b.box.Start[axis])
	})
	end := int64(0)
	for _, p := range v.parts {
		end = max(end, p.box.Start[axis]+p.box.Count[axis])
		v.ends = append(v.ends, end)
	}
}

func (v *Store) Extents() []int64 { return v.band }

func (v *Store) Need(_ int64, h *store.Pins) int64 {
	band, pieces := rows.Product(v.band)*int64(v.size()), int64(maxPieces*pieceBytes)
	if h.Pinned(v.heavy.Need) {
		return 2*band + pieces // pieces are interleaved apart
	}
	return band + pieces + v.inner
}

func (v *Store) Heaviest() store.Weight { return v.heavy }

func (v *Store) size() int { return v.outer.Type.Size }

func (v *Store) Load(ctx context.Context, s *store.Scratch, chunks [][]int64, use func(int, convert.Elems, bool) error) error {
	ctx, err := v.ds.enter(ctx)
	if err != nil {
		return err
	}
	for i, at := range chunks {
		if err := v.one(ctx, s, at, func(e convert.Elems, fill bool) error { return use(i, e, fill) }); err != nil {
			return err
		}
	}
	return nil
}

// one puts a chunk together: the fill value first, then the mappings in their order, the last of which counts.
func (v *Store) one(ctx context.Context, s *store.Scratch, at []int64, use func(convert.Elems, bool) error) error {
	box := vds.Box{Start: make([]int64, len(at)), Count: v.band}
	for i, k := range at {
		box.Start[i] = k * v.band[i]
	}
	parts := v.touched(box)
	if len(parts) == 0 {
		return use(convert.Elems{Data: v.fill, N: 1, Size: v.size()}, true)
	}
	n := int(rows.Product(v.band))
	buf := s.Mem.Allocate(n * v.size())
	defer s.Mem.Free(buf)
	repeat(buf, v.fill)
	for _, p := range parts {
		if err := v.put(ctx, s, p, box, buf); err != nil {
			return err
		}
	}
	return use(convert.Elems{Data: buf, N: n, Size: v.size()}, false)
}

// repeat fills dst with an element.
func repeat(dst, elem []byte) {
	for n := copy(dst, elem); n > 0 && n < len(dst); {
		n += copy(dst[n:], dst[:n])
	}
}

// touched are the parts that may have something in a box, in the order of the mappings.
func (v *Store) touched(box vds.Box) []mapped {
	lo, hi := box.Start[v.axis], box.Start[v.axis]+box.Count[v.axis]
	first, _ := slices.BinarySearchFunc(v.ends, lo, func(end, lo int64) int {
		if end <= lo {
			return -1
		}
		return 1
	})
	var out []mapped
	for _, p := range v.parts[first:] {
		if p.box.Start[v.axis] >= hi {
			break
		}
		if p.box.Overlaps(box) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b mapped) int { return a.number - b.number })
	return out
}

// link is a mapping of one source; known are its regions, nil where they change.
type link struct {
	file, dataset string
	src, dst      vds.Selection
	known         *regions
}

// put copies what a mapping gives to a box.
func (v *Store) put(ctx context.Context, s *store.Scratch, p mapped, box vds.Box, buf []byte) error {
	l := link{src: p.Src, dst: p.Dst, known: p.regions}
	if !p.Printf() {
		l.file, l.dataset = p.Names(0)
		return v.copy(ctx, s, l, box, buf)
	}
	axis := p.Dst.Unlimited()
	first, end := p.Dst.Blocks(box.Start[axis], min(box.Start[axis]+box.Count[axis], v.ds.Shape[axis]))
	for b := first; b < end; b++ {
		l.file, l.dataset = p.Names(b)
		l.dst = p.Dst.Block(b)
		if err := v.copy(ctx, s, l, box, buf); err != nil {
			return err
		}
	}
	return nil
}

func (v *Store) copy(ctx context.Context, s *store.Scratch, l link, box vds.Box, buf []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	src, err := v.ds.Open(ctx, l.file, l.dataset)
	if src == nil || err != nil {
		return err
	}
	if l.src.Unlimited() >= 0 {
		n, err := src.slices(l.src)
		if err != nil {
			return err
		}
		n = min(n, l.dst.Slices(v.ds.Shape[l.dst.Unlimited()]))
		l.src, l.dst = l.src.Clip(n), l.dst.Clip(n)
	}
	g, err := v.gather(ctx, s, src, buf)
	if err != nil {
		return err
	}
	from, to, err := l.regions(src, v.ds)
	if err != nil {
		return err
	}
	if err := vds.Runs(to, from, box, g.add); err != nil {
		return err
	}
	return g.flush()
}

// regions keeps what applying the selections of a mapping gave, which for lists of blocks is work.
type regions struct {
	mu       sync.Mutex
	shape    []int64 // of the source
	src, dst *vds.Region
}

func (l link) regions(src, dst *Dataset) (from, to *vds.Region, err error) {
	if l.known != nil {
		l.known.mu.Lock()
		defer l.known.mu.Unlock()
		if l.known.src != nil && slices.Equal(l.known.shape, src.Shape) {
			return l.known.src, l.known.dst, nil
		}
	}
	if to, err = l.dst.Region(dst.Shape); err != nil {
		return nil, nil, err
	}
	if from, err = l.src.Region(src.Shape); err != nil { // of a smaller source libhdf5 reads what happens to lie behind it
		return nil, nil, fault.New(fault.Unsupported, "virtual source %s %s is not what the mapping needs: %w", src.File.Name, src.Path, err)
	}
	if from.Len() != to.Len() {
		return nil, nil, fault.New(fault.DataLoss, "virtual source %s %s: %d of its elements are mapped to %d", src.File.Name, src.Path, from.Len(), to.Len())
	}
	if l.known != nil {
		l.known.shape, l.known.src, l.known.dst = src.Shape, from, to
	}
	return from, to, nil
}
