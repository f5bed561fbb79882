package ptindex

import (
	"context"
	"slices"
	"sort"

	"github.com/mtflight/mtflight/internal/fault"
)

// Arrays reads an index. Part Shape.Slices is the unfinished slice.
type Arrays interface {
	// Sorted is kept values lo to hi of a part.
	Sorted(ctx context.Context, part, lo, hi int64) (Keys, error)
	// Indices is elements lo to hi of a part's indices.
	Indices(ctx context.Context, part, lo, hi int64) ([]uint64, error)
}

// Index is an index that can be searched.
type Index struct {
	Shape
	arrays Arrays
	ranges Keys // first and last of each part
	bounds Keys // of all parts, one behind the other
}

// New makes an index: ranges are the first and last value of each part, bounds the second-level bounds of all parts
// one behind the other. The keys become the index's.
func New(s Shape, ranges, bounds Keys, a Arrays) (*Index, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if int64(ranges.Len()) != 2*s.Parts() {
		return nil, fault.New(fault.DataLoss, "ptindex: %d ranges for %d slices", ranges.Len()/2, s.Parts())
	}
	if want := s.Slices * s.Bounds(0); s.Slices > 0 && int64(bounds.Len()) < want {
		return nil, fault.New(fault.DataLoss, "ptindex: %d bounds for %d slices", bounds.Len(), s.Slices)
	}
	x := &Index{Shape: s, arrays: a, ranges: ranges, bounds: bounds}
	if last := x.boundsOf(s.Parts() - 1); s.Parts() > 0 && int64(last.Len()) != s.Bounds(s.Parts()-1) {
		return nil, fault.New(fault.DataLoss, "ptindex: %d bounds for %d slices", bounds.Len(), s.Parts())
	}
	return x, nil
}

// boundsOf is the second-level bounds of a part.
func (x *Index) boundsOf(part int64) Keys {
	n := int64(x.bounds.Len())
	lo := min(min(part, x.Slices)*x.Bounds(0), n)
	if x.Slices == 0 {
		lo = 0
	}
	return x.bounds.Slice(int(lo), int(min(lo+x.Bounds(part), n)))
}

// Sorted reports whether the parts follow each other in order (NaN last), so that the whole is completely sorted. What
// PyTables noted about it is not asked: its comparisons don't see NaN.
func (x *Index) Sorted() bool {
	if x.IndexSize != 8 || x.Indexed() == 0 {
		return false
	}
	for i := 1; i+1 < x.ranges.Len(); i += 2 {
		if x.ranges.compare(i, x.ranges, i+1) > 0 {
			return false
		}
	}
	return true
}

// before counts the keys that lie before an edge: those less than it, or not greater if equals count too.
func before(keys Keys, e edge, equal bool) int64 {
	return int64(sort.Search(keys.Len(), func(i int) bool {
		c := keys.compare(i, e.key, 0)
		return c > 0 || c == 0 && !equal
	}))
}

// edges gives the range as keys. Without a way to compare nothing is excluded.
func (x *Index) edges(r Range) (lo, hi edge) {
	lo, ok := r.Lo.edge(x.Class, -1)
	if !ok {
		lo = edge{none: true}
	}
	hi, ok = r.Hi.edge(x.Class, 1)
	if !ok {
		hi = edge{none: true}
	}
	return lo, hi
}

// Estimate bounds from above how many rows Rows gives for a range, without reading; it includes rows not indexed.
func (x *Index) Estimate(lo, hi Bound) int64 {
	a, b := x.edges(Range{Lo: lo, Hi: hi})
	rows, cs := int64(0), x.keyChunk()
	for part := range x.Parts() {
		from, to := int64(0), x.Keys(part)
		bounds := x.boundsOf(part)
		if !a.none {
			from = before(bounds, a, a.open) * cs
			if x.past(part, a) {
				from = to
			}
		}
		if !b.none {
			to = min(to, (before(bounds, b, !b.open)+1)*cs)
			if x.short(part, b) {
				to = 0
			}
		}
		first, last := x.unreduce(part, from, to)
		rows = min(rows+max(0, last-first)*x.each(), x.Indexed())
	}
	return rows + x.TableRows - x.Indexed()
}

// past reports that all kept values of a part lie before a lower edge.
func (x *Index) past(part int64, e edge) bool {
	c := x.ranges.compare(int(2*part+1), e.key, 0)
	return c < 0 || c == 0 && e.open
}

// short reports that all values of a part lie behind an upper edge.
func (x *Index) short(part int64, e edge) bool {
	c := x.ranges.compare(int(2*part), e.key, 0)
	return c > 0 || c == 0 && e.open
}

// unreduce gives the places of a part's values that may lie between kept values from and to.
func (x *Index) unreduce(part, from, to int64) (first, last int64) {
	return max(0, (from-1)*x.Reduction+1), min(to*x.Reduction, x.values(part))
}

// find gives the places of a part's values that may lie between two edges.
func (x *Index) find(ctx context.Context, part int64, a, b edge) (first, last int64, err error) {
	from, to := int64(0), x.Keys(part)
	if !a.none {
		if from, err = x.place(ctx, part, a, a.open); err != nil {
			return 0, 0, err
		}
	}
	if !b.none {
		if to, err = x.place(ctx, part, b, !b.open); err != nil {
			return 0, 0, err
		}
	}
	first, last = x.unreduce(part, from, to)
	return first, max(first, last), nil
}

// place counts the kept values of a part before an edge, reading at most one chunk.
func (x *Index) place(ctx context.Context, part int64, e edge, equal bool) (int64, error) {
	ends := x.ranges.Slice(int(2*part), int(2*part+2))
	switch before(ends, e, equal) {
	case 0:
		return 0, nil
	case 2:
		return x.Keys(part), nil
	}
	cs := x.keyChunk()
	lo := before(x.boundsOf(part), e, equal) * cs
	keys, err := x.arrays.Sorted(ctx, part, lo, min(lo+cs, x.Keys(part)))
	if err != nil {
		return 0, err
	}
	return lo + before(keys, e, equal), nil
}

// Rows gives the rows, ascending and each once, whose values may lie in one of the ranges, and those not indexed. Its
// length is at most the sum of the Estimates; ask those first, since the list is made in memory: a sum of more than
// 2^28 is fault.Exhausted.
func (x *Index) Rows(ctx context.Context, ranges []Range) ([]int64, error) {
	if err := x.bounded(ranges); err != nil {
		return nil, err
	}
	c := &collector{index: x}
	for _, r := range ranges {
		a, b := x.edges(r)
		for part := range x.Parts() {
			first, last, err := x.find(ctx, part, a, b)
			if err != nil {
				return nil, err
			}
			if err := c.part(ctx, part, first, last); err != nil {
				return nil, err
			}
		}
	}
	return c.rows(), nil
}

const maxRows = 1 << 28

func (x *Index) bounded(ranges []Range) error {
	n := x.TableRows - x.Indexed()
	for _, r := range ranges {
		n += min(x.Estimate(r.Lo, r.Hi), maxRows+1)
		if n > maxRows {
			return fault.New(fault.Exhausted, "ptindex: too many rows to list: read the table instead")
		}
	}
	return nil
}

// Order gives the rows at places start, start+step, .. before stop of the sorted order; like Python's range, so that
// a negative step descends and stop is then -1 for all. Only for a Sorted index. Places outside are an error.
func (x *Index) Order(ctx context.Context, start, stop, step int64) ([]int64, error) {
	n := steps(start, stop, step)
	if n == 0 {
		return []int64{}, nil
	}
	low, high := start, start+(n-1)*step
	if step < 0 {
		low, high = high, low
	}
	if low < 0 || high >= x.Indexed() {
		return nil, fault.New(fault.OutOfRange, "ptindex: places %d to %d of %d", low, high, x.Indexed())
	}
	out := make([]int64, 0, n)
	by := max(step, -step)
	for at := low; at <= high; {
		part := at / x.Slice
		lo, end := at-part*x.Slice, min(high+1-part*x.Slice, x.values(part))
		idx, err := x.arrays.Indices(ctx, part, lo, end)
		if err != nil {
			return nil, err
		}
		if out, err = x.every(out, idx, by); err != nil {
			return nil, err
		}
		at += (int64(len(idx)) + by - 1) / by * by
	}
	if step < 0 {
		slices.Reverse(out)
	}
	return out, nil
}

func (x *Index) every(out []int64, idx []uint64, by int64) ([]int64, error) {
	for i := int64(0); i < int64(len(idx)); i += by {
		if idx[i] >= uint64(x.TableRows) {
			return nil, fault.New(fault.DataLoss, "ptindex: row %d of a table of %d", idx[i], x.TableRows)
		}
		out = append(out, int64(idx[i]))
	}
	return out, nil
}

func steps(start, stop, step int64) int64 {
	switch {
	case step > 0 && stop > start:
		return (stop-start-1)/step + 1
	case step < 0 && stop < start:
		return (start-stop-1)/-step + 1
	}
	return 0
}
