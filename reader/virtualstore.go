package reader

import (
	"context"
	"slices"
	"sync"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/typeconv"
	"github.com/mtflight/mtflight/reader/internal/vds"
)

// virtual reads a virtual dataset from its sources, as chunks that are about as large as theirs.
type virtual struct {
	ds       *vdataset
	outer    *vdataset // in whose type the elements are given, whatever those between are
	origins  *origins
	axis     int // of the rows
	band     []int64
	parts    []mapped // by where they begin along the axis
	ends     []int64  // the largest end along the axis of parts[:i+1]
	large    int64    // bytes from which on a chunk is large
	inner    int64    // bytes that reading a source takes
	heavy    heavy    // of the sources' chunks
	pointers []int    // where in an element are heap pointers
	fill     []byte
}

// mapped is a mapping with the box its selection lies in.
type mapped struct {
	vds.Mapping
	number  int
	box     vds.Box
	regions *regions // nil: they depend on the source
}

// newVirtual gives access by rows along an axis. Chunks that need large bytes to be decoded, and more, are large.
func newVirtual(ctx context.Context, d *vdataset, rows int, large int64) (*virtual, error) {
	return newNested(ctx, &virtual{ds: d, outer: d, axis: rows, large: large, origins: newOrigins(d.file)})
}

// newNested completes one that may be a source of another.
func newNested(ctx context.Context, v *virtual) (*virtual, error) {
	ctx, err := v.ds.enter(ctx)
	if err != nil {
		return nil, err
	}
	v.pointers = pointersIn(nil, v.outer.typ, 0)
	if err := v.markFill(); err != nil {
		return nil, err
	}
	v.sortParts()
	return v, v.chooseBand(ctx)
}

// markFill is the fill value with its heap pointers marked.
func (v *virtual) markFill() error {
	n, err := v.origins.of(v.ds.file)
	if err != nil {
		return err
	}
	convert, err := typeconv.New(v.ds.typ, v.outer.typ)
	if err != nil {
		return err
	}
	v.fill = make([]byte, v.size())
	convert(v.fill, v.ds.fill)
	for _, at := range v.pointers {
		if err := mark(v.fill[at:], v.outer.offsetSize, n); err != nil {
			return err
		}
	}
	return nil
}

func (v *virtual) sortParts() {
	d, axis := v.ds, v.axis
	for i, m := range d.mappings {
		p := mapped{Mapping: m, number: i, box: m.Dst.Bounds(d.shape)}
		if m.Dst.Unlimited() < 0 {
			p.regions = &regions{}
		}
		if product(p.box.Count) > 0 {
			v.parts = append(v.parts, p)
		}
	}
	slices.SortStableFunc(v.parts, func(a, b mapped) int {
		return compare(uint64(a.box.Start[axis]), uint64(b.box.Start[axis]))
	})
	end := int64(0)
	for _, p := range v.parts {
		end = max(end, p.box.Start[axis]+p.box.Count[axis])
		v.ends = append(v.ends, end)
	}
}

func (v *virtual) extents() []int64 { return v.band }

func (v *virtual) need(_ int64, h *held) int64 {
	band, pieces := product(v.band)*int64(v.size()), int64(maxPieces*pieceBytes)
	if h.holds(v.heavy.need) {
		return 2*band + pieces // pieces are interleaved apart
	}
	return band + pieces + v.inner
}

func (v *virtual) heaviest() heavy { return v.heavy }

func (v *virtual) size() int { return v.outer.typ.Size }

func (v *virtual) load(ctx context.Context, s *scratch, chunks [][]int64, use func(int, convert.Elems, bool) error) error {
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
func (v *virtual) one(ctx context.Context, s *scratch, at []int64, use func(convert.Elems, bool) error) error {
	box := vds.Box{Start: make([]int64, len(at)), Count: v.band}
	for i, k := range at {
		box.Start[i] = k * v.band[i]
	}
	parts := v.touched(box)
	if len(parts) == 0 {
		return use(convert.Elems{Data: v.fill, N: 1, Size: v.size()}, true)
	}
	n := int(product(v.band))
	buf := s.mem.Allocate(n * v.size())
	defer s.mem.Free(buf)
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
func (v *virtual) touched(box vds.Box) []mapped {
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
func (v *virtual) put(ctx context.Context, s *scratch, p mapped, box vds.Box, buf []byte) error {
	l := link{src: p.Src, dst: p.Dst, known: p.regions}
	if !p.Printf() {
		l.file, l.dataset = p.Names(0)
		return v.copy(ctx, s, l, box, buf)
	}
	axis := p.Dst.Unlimited()
	first, end := p.Dst.Blocks(box.Start[axis], min(box.Start[axis]+box.Count[axis], v.ds.shape[axis]))
	for b := first; b < end; b++ {
		l.file, l.dataset = p.Names(b)
		l.dst = p.Dst.Block(b)
		if err := v.copy(ctx, s, l, box, buf); err != nil {
			return err
		}
	}
	return nil
}

func (v *virtual) copy(ctx context.Context, s *scratch, l link, box vds.Box, buf []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	src, err := v.ds.open(ctx, l.file, l.dataset)
	if src == nil || err != nil {
		return err
	}
	if l.src.Unlimited() >= 0 {
		n, err := src.slices(l.src)
		if err != nil {
			return err
		}
		n = min(n, l.dst.Slices(v.ds.shape[l.dst.Unlimited()]))
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

func (l link) regions(src, dst *vdataset) (from, to *vds.Region, err error) {
	if l.known != nil {
		l.known.mu.Lock()
		defer l.known.mu.Unlock()
		if l.known.src != nil && slices.Equal(l.known.shape, src.shape) {
			return l.known.src, l.known.dst, nil
		}
	}
	if to, err = l.dst.Region(dst.shape); err != nil {
		return nil, nil, err
	}
	if from, err = l.src.Region(src.shape); err != nil { // of a smaller source libhdf5 reads what happens to lie behind it
		return nil, nil, fault.New(fault.Unsupported, "virtual source %s %s is not what the mapping needs: %w", src.file.name, src.path, err)
	}
	if from.Len() != to.Len() {
		return nil, nil, fault.New(fault.DataLoss, "virtual source %s %s: %d of its elements are mapped to %d", src.file.name, src.path, from.Len(), to.Len())
	}
	if l.known != nil {
		l.known.shape, l.known.src, l.known.dst = src.shape, from, to
	}
	return from, to, nil
}
