package reader

import (
	"cmp"
	"context"
	"slices"
)

// bandSet is chunks along the rows: in ranges, or only their number where it would take long to list them.
type bandSet struct {
	ranges []run // src and n, apart and ascending
	n      int64
	listed bool
}

// maxListed bounds what is looked at one by one.
const maxListed = 1 << 22

// chunksOf is the chunks along the rows that a sequence touches. What was listed when ctx ends is of no use.
func (g *geometry) chunksOf(ctx context.Context, s sequence) bandSet {
	band := g.chunk[g.rows]
	var all []run
	n, listed := int64(0), true
	for _, r := range s.Runs(nil, 0, s.Len(), 0) {
		if by := max(r.step, -r.step); by > band && r.n > 1 {
			if n += r.n; n > maxListed || ctx.Err() != nil {
				listed = false
				continue
			}
			for i := range r.n {
				all = append(all, run{src: (r.src + i*r.step) / band, n: 1})
			}
			continue
		}
		first, last := r.src/band, (r.src+(r.n-1)*r.step)/band
		first, last = min(first, last), max(first, last)
		n += last - first + 1
		all = append(all, run{src: first, n: last - first + 1})
	}
	if !listed {
		return bandSet{n: min(n, (g.shape[g.rows]+band-1)/band)}
	}
	return merged(all)
}

func merged(all []run) bandSet {
	slices.SortFunc(all, func(a, b run) int { return cmp.Compare(a.src, b.src) })
	out := bandSet{listed: true}
	for _, r := range all {
		if k := len(out.ranges) - 1; k >= 0 && r.src <= out.ranges[k].src+out.ranges[k].n {
			last := &out.ranges[k]
			last.n = max(last.n, r.src+r.n-last.src)
		} else {
			out.ranges = append(out.ranges, r)
		}
	}
	for _, r := range out.ranges {
		out.n += r.n
	}
	return out
}
