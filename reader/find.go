package reader

import (
	"cmp"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
)

// find is what matched in a chunk's part of a fill: places among the rows scanned, ascending, and the elements there.
type find struct {
	hits []int64
	rows arrow.Record // nil: not taken along
}

// found adds what a worker found.
func (f *fill) found(p find) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.finds = append(f.finds, p)
}

// settle puts what was found in the order of the rows scanned; each chunk's part of them lies together.
func (f *fill) settle() {
	slices.SortFunc(f.finds, func(a, b find) int { return cmp.Compare(a.hits[0], b.hits[0]) })
}

func (f *fill) dropFinds() {
	for _, p := range f.finds {
		if p.rows != nil {
			p.rows.Release()
		}
	}
	f.finds = nil
}

// wanted leaves out the chunks of which the visitor wants nothing.
func (g *group) wanted(jobs []job) []job {
	if g.scan.visitor == nil {
		return jobs
	}
	return slices.DeleteFunc(slices.Clone(jobs), func(j job) bool {
		first := int64(math.MaxInt64)
		for _, t := range j.targets {
			first = min(first, g.fills[t.fill].Row+t.runs[0].dst)
		}
		return g.scan.visitor.past(first)
	})
}
