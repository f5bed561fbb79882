package vds

import (
	"slices"
	"sort"

	"github.com/mtflight/mtflight/internal/fault"
)

// maxRuns bounds the runs that an irregular selection is kept as.
const maxRuns = 1 << 20

// Region is a selection of a dataspace of known extents: a finite sequence of its elements.
type Region struct {
	shape []int64
	axes  []axis // a regular hyperslab, in row-major order
	spans []span // or these, one after the other
	n     int64

	sorted bool // spans ascend
}

// span is n neighbours along the last axis, the first of which has a place among the dataspace's elements and an ordinal
// among those selected.
type span struct{ first, ordinal, n int64 }

// Len is the number of elements.
func (r *Region) Len() int64 { return r.n }

// Region applies a selection without unlimited axis to a dataspace of at most 2^62 elements. It fails with
// fault.DataLoss where the selection exceeds it, with fault.Unsupported where it is too irregular to be kept.
func (s Selection) Region(shape []int64) (*Region, error) {
	r := &Region{shape: shape}
	switch {
	case s.kind == selectNone:
		return r, nil
	case s.kind == selectAll:
		r.axes = make([]axis, len(shape))
		for i, n := range shape {
			r.axes[i] = axis{stride: max(n, 1), block: max(n, 1), n: n}
		}
	case s.Unlimited() >= 0:
		return nil, fault.New(fault.DataLoss, "vds: apply selection: it has no end")
	case s.rank != len(shape):
		return nil, fault.New(fault.DataLoss, "vds: apply selection: it has %d axes, the dataspace %d", s.rank, len(shape))
	case s.axes == nil:
		return r, r.list(s)
	default:
		r.axes = s.axes
	}
	r.n = 1
	for i, a := range r.axes {
		if a.n > 0 && a.at(a.n-1) >= shape[i] {
			return nil, fault.New(fault.DataLoss, "vds: apply selection: it goes up to %d, the extent of axis %d is %d", a.at(a.n-1), i, shape[i])
		}
		r.n *= a.n
	}
	return r, nil
}

// list keeps points as they come, blocks by rows in the order of the dataspace: that is how libhdf5 goes through them.
func (r *Region) list(s Selection) error {
	corners := 2
	if s.kind == selectPoints {
		corners = 1
	}
	for at := 0; at < len(s.corners); at += corners * s.rank {
		lo := s.corners[at : at+s.rank]
		hi := s.corners[at+(corners-1)*s.rank:][:s.rank]
		if err := r.block(lo, hi); err != nil {
			return err
		}
	}
	if s.kind == selectSlabs {
		r.join()
	}
	for i := range r.spans {
		r.spans[i].ordinal = r.n
		r.n += r.spans[i].n
	}
	return nil
}

// block appends the rows of a block.
func (r *Region) block(lo, hi []int64) error {
	rows, last := int64(1), len(lo)-1
	for i := range lo {
		if hi[i] >= r.shape[i] {
			return fault.New(fault.DataLoss, "vds: apply selection: it goes up to %d, the extent of axis %d is %d", hi[i], i, r.shape[i])
		}
		if i < last {
			if rows > maxRuns/(hi[i]-lo[i]+1) {
				rows = maxRuns + 1
				break
			}
			rows *= hi[i] - lo[i] + 1
		}
	}
	if rows+int64(len(r.spans)) > maxRuns {
		return fault.New(fault.Unsupported, "vds: apply selection: more than %d runs", maxRuns)
	}
	at := slices.Clone(lo)
	for range rows {
		r.spans = append(r.spans, span{first: r.place(at), n: hi[last] - lo[last] + 1})
		for i := last - 1; i >= 0; i-- {
			if at[i]++; at[i] <= hi[i] {
				break
			}
			at[i] = lo[i]
		}
	}
	return nil
}

func (r *Region) place(at []int64) int64 {
	n := int64(0)
	for i, k := range at {
		n = n*r.shape[i] + k
	}
	return n
}

// join sorts the rows of blocks and makes one of those that overlap. Rows that only touch stay apart: they may lie on
// two rows of the dataspace.
func (r *Region) join() {
	sort.Slice(r.spans, func(i, j int) bool { return r.spans[i].first < r.spans[j].first })
	var out []span
	for _, s := range r.spans {
		if n := len(out); n > 0 && s.first < out[n-1].first+out[n-1].n {
			out[n-1].n = max(out[n-1].n, s.first+s.n-out[n-1].first)
			continue
		}
		out = append(out, s)
	}
	r.spans, r.sorted = out, true
}

// Runs calls use for each run of neighbours that lie in the box of dst, which may go beyond it: their first place in row-major order within the
// box, the place of the element of src that goes there, and their number. Both are elements in row-major order of their
// dataspace. It fails with fault.DataLoss where dst and src have different numbers of elements, and as use does.
func Runs(dst, src *Region, box Box, use func(dst, src, n int64) error) error {
	if dst.n != src.n {
		return fault.New(fault.DataLoss, "vds: pair selections: %d elements of the virtual dataset are mapped to %d of a source", dst.n, src.n)
	}
	if dst.n == 0 {
		return nil
	}
	from := src.folded()
	return dst.within(box, func(at, ordinal, n int64) error {
		return from.each(ordinal, n, func(first, n int64) error {
			err := use(at, first, n)
			at += n
			return err
		})
	})
}

// folded is the same region with fewer axes where the last ones are taken whole.
func (r *Region) folded() *Region {
	out, _ := r.fold(Box{Start: make([]int64, len(r.shape)), Count: r.shape})
	return out
}

// fold joins the last axis to the one before while the region and the box take it whole.
func (r *Region) fold(box Box) (*Region, Box) {
	k := len(r.axes)
	out := &Region{shape: slices.Clone(r.shape), axes: slices.Clone(r.axes), spans: r.spans, n: r.n}
	box = Box{Start: slices.Clone(box.Start), Count: slices.Clone(box.Count)}
	for ; k > 1 && out.whole(k-1) && box.Start[k-1] == 0 && box.Count[k-1] == out.shape[k-1]; k-- {
		n, a := out.shape[k-1], &out.axes[k-2]
		if a.n <= a.block {
			a.stride = a.block
		}
		if a.block > limit/max(n, 1) || a.stride > limit/max(n, 1) {
			break
		}
		*a = axis{start: a.start * n, stride: a.stride * n, block: a.block * n, n: a.n * n}
		out.shape[k-2] *= n
		box.Start[k-2] *= n
		box.Count[k-2] *= n
		out.shape, out.axes, box.Start, box.Count = out.shape[:k-1], out.axes[:k-1], box.Start[:k-1], box.Count[:k-1]
	}
	return out, box
}

// whole tells whether an axis is taken from end to end.
func (r *Region) whole(i int) bool {
	a := r.axes[i]
	return a.start == 0 && a.n == r.shape[i] && (a.block >= a.n || a.block == a.stride)
}

// within calls use for each run in a box: its place there, the ordinal of its first element, and its length.
func (r *Region) within(box Box, use func(at, ordinal, n int64) error) error {
	if r.axes == nil {
		return r.spansWithin(box, use)
	}
	r, box = r.fold(box)
	return r.walk(0, 0, 0, box, use)
}

func (r *Region) walk(i int, at, ordinal int64, box Box, use func(at, ordinal, n int64) error) error {
	a, start := r.axes[i], box.Start[i]
	at, ordinal = at*box.Count[i], ordinal*a.n
	end := a.before(start + box.Count[i])
	for j := a.before(start); j < end; {
		n := int64(1)
		var err error
		if i < len(r.axes)-1 {
			err = r.walk(i+1, at+a.at(j)-start, ordinal+j, box, use)
		} else {
			n = min(a.together(j), end-j)
			err = use(at+a.at(j)-start, ordinal+j, n)
		}
		if err != nil {
			return err
		}
		j += n
	}
	return nil
}

// together counts the coordinates from the j-th on that are neighbours.
func (a axis) together(j int64) int64 {
	if a.block == a.stride {
		return a.n - j
	}
	return min(a.block-j%a.block, a.n-j)
}

func (r *Region) spansWithin(box Box, use func(at, ordinal, n int64) error) error {
	k := len(r.shape) - 1
	for _, s := range r.near(box) {
		row, col := s.first/r.shape[k], s.first%r.shape[k]
		at, ok := r.rowWithin(row, box)
		lo, hi := max(col, box.Start[k]), min(col+s.n, box.Start[k]+box.Count[k])
		if !ok || lo >= hi {
			continue
		}
		if err := use(at*box.Count[k]+lo-box.Start[k], s.ordinal+lo-col, hi-lo); err != nil {
			return err
		}
	}
	return nil
}

// near are the spans that a box may have a share in: all, unless they ascend.
func (r *Region) near(box Box) []span {
	if !r.sorted {
		return r.spans
	}
	last := make([]int64, len(r.shape))
	for i := range last {
		last[i] = min(box.Start[i]+box.Count[i], r.shape[i]) - 1
	}
	lo, hi := r.place(box.Start), r.place(last)
	first := sort.Search(len(r.spans), func(i int) bool { return r.spans[i].first+r.spans[i].n > lo })
	end := sort.Search(len(r.spans), func(i int) bool { return r.spans[i].first > hi })
	return r.spans[first:max(first, end)]
}

// rowWithin is the place within the box of a row, which is all axes but the last.
func (r *Region) rowWithin(row int64, box Box) (at int64, ok bool) {
	stride := int64(1)
	for i := len(r.shape) - 2; i >= 0; i-- {
		x := row%r.shape[i] - box.Start[i]
		if x < 0 || x >= box.Count[i] {
			return 0, false
		}
		row /= r.shape[i]
		at += x * stride
		stride *= box.Count[i]
	}
	return at, true
}

// each calls use for the runs that n elements from an ordinal on lie in.
func (r *Region) each(ordinal, n int64, use func(first, n int64) error) error {
	if r.axes == nil {
		return r.eachSpan(ordinal, n, use)
	}
	for n > 0 {
		first, part := r.at(ordinal)
		part = min(part, n)
		if err := use(first, part); err != nil {
			return err
		}
		ordinal, n = ordinal+part, n-part
	}
	return nil
}

// at is the place of an element, and how many from it on are neighbours.
func (r *Region) at(ordinal int64) (first, n int64) {
	stride := int64(1)
	for i := len(r.axes) - 1; i >= 0; i-- {
		a := r.axes[i]
		j := ordinal % a.n
		ordinal /= a.n
		if i == len(r.axes)-1 {
			n = a.together(j)
		}
		first += a.at(j) * stride
		stride *= r.shape[i]
	}
	return first, n
}

func (r *Region) eachSpan(ordinal, n int64, use func(first, n int64) error) error {
	i := sort.Search(len(r.spans), func(i int) bool { return r.spans[i].ordinal > ordinal }) - 1
	for ; n > 0; i++ {
		s := r.spans[i]
		off := ordinal - s.ordinal
		part := min(n, s.n-off)
		if err := use(s.first+off, part); err != nil {
			return err
		}
		ordinal, n = ordinal+part, n-part
	}
	return nil
}
