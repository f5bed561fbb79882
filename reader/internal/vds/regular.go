package vds

import "slices"

// regular is a list of blocks as a regular hyperslab; version 1 writes every selection as blocks.
func (s Selection) regular() ([]axis, bool) {
	n := len(s.corners) / (2 * s.rank)
	axes := make([]axis, s.rank)
	counts := make([]int, s.rank)
	left := n
	for i := range axes {
		var ok bool
		if axes[i], counts[i], ok = s.regularAxis(i); !ok || left%counts[i] != 0 {
			return nil, false
		}
		left /= counts[i]
	}
	return axes, left == 1 && s.inOrder(axes, counts)
}

// regularAxis is the blocks' places along an axis, if they are equally far apart.
func (s Selection) regularAxis(i int) (a axis, count int, ok bool) {
	var starts []int64
	for k := i; k < len(s.corners); k += 2 * s.rank {
		starts = append(starts, s.corners[k])
	}
	slices.Sort(starts)
	starts = slices.Compact(starts)
	if len(starts) == 0 {
		return a, 0, false
	}
	a = axis{start: starts[0], block: s.corners[i+s.rank] - s.corners[i] + 1}
	a.stride, a.n = a.block, a.block*int64(len(starts))
	if len(starts) > 1 {
		a.stride = starts[1] - starts[0]
	}
	for k := range starts {
		if starts[k] != a.start+int64(k)*a.stride {
			return a, 0, false
		}
	}
	return a, len(starts), a.stride >= a.block
}

// inOrder tells whether the blocks are all those of the axes, in row-major order.
func (s Selection) inOrder(axes []axis, counts []int) bool {
	for b := range len(s.corners) / (2 * s.rank) {
		rest := b
		for i := s.rank - 1; i >= 0; i-- {
			lo := axes[i].start + int64(rest%counts[i])*axes[i].stride
			rest /= counts[i]
			at := 2*b*s.rank + i
			if s.corners[at] != lo || s.corners[at+s.rank] != lo+axes[i].block-1 {
				return false
			}
		}
	}
	return true
}
