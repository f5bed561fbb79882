package vds

import "slices"

// Box is a part of a dataspace.
type Box struct {
	Start, Count []int64
}

// Bounds is a box of a dataspace of this shape that the region of any extents lies in.
func (s Selection) Bounds(shape []int64) Box {
	box := Box{Start: make([]int64, len(shape)), Count: slices.Clone(shape)}
	if s.kind == selectAll || s.rank != len(shape) {
		return box
	}
	for i := range shape {
		lo, hi := s.reach(i)
		lo = min(lo, shape[i])
		box.Start[i], box.Count[i] = lo, max(0, min(hi, shape[i])-lo)
	}
	return box
}

// reach is the first coordinate along an axis, and the one behind the last.
func (s Selection) reach(i int) (lo, hi int64) {
	if s.axes != nil {
		a := s.axes[i]
		if a.n == unlimited {
			return a.start, unlimited
		}
		return a.start, a.start + max(0, a.at(max(a.n, 1)-1)-a.start+1)
	}
	lo = unlimited
	for k := i; k < len(s.corners); k += s.rank {
		lo, hi = min(lo, s.corners[k]), max(hi, s.corners[k]+1)
	}
	return lo, hi
}

// Overlaps tells whether two boxes share an element.
func (b Box) Overlaps(o Box) bool {
	for i := range b.Start {
		if b.Start[i] >= o.Start[i]+o.Count[i] || o.Start[i] >= b.Start[i]+b.Count[i] {
			return false
		}
	}
	return true
}

// Least is the extent that the limited axes of the mappings' selections need along an axis of the virtual dataset.
func Least(all []Mapping, axis int) int64 {
	n := int64(0)
	for _, m := range all {
		if m.Dst.rank <= axis || m.Dst.Unlimited() == axis {
			continue
		}
		if _, hi := m.Dst.reach(axis); hi != unlimited {
			n = max(n, hi)
		}
	}
	return n
}

// Pair is an axis of a source and the one of the virtual dataset that it goes to; Ratio is how much further apart
// elements are there.
type Pair struct {
	Src, Dst int
	Ratio    float64
}

// Axes pairs the axes of two selections, the last with the last, leaving out those on which one coordinate is selected.
// It is a guess, for choosing what to read at once.
func Axes(src Selection, srcShape []int64, dst Selection, dstShape []int64) []Pair {
	var out []Pair
	i, k := len(srcShape)-1, len(dstShape)-1
	for i >= 0 && k >= 0 {
		a, b := src.axis(i, srcShape), dst.axis(k, dstShape)
		switch {
		case a.n <= 1:
			i--
		case b.n <= 1:
			k--
		default:
			out = append(out, Pair{Src: i, Dst: k, Ratio: b.density() / a.density()})
			i, k = i-1, k-1
		}
	}
	return out
}

// axis is one axis of a selection as a regular hyperslab, the whole of it if it is none.
func (s Selection) axis(i int, shape []int64) axis {
	if len(s.axes) == len(shape) {
		return s.axes[i]
	}
	return axis{stride: 1, block: 1, n: shape[i]}
}

// density is the number of places that an element selected takes.
func (a axis) density() float64 {
	if a.n <= a.block {
		return 1
	}
	return float64(a.stride) / float64(a.block)
}
