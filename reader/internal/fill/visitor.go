package fill

import (
	"cmp"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
)

// Match is what matched in a chunk's part of a batch: places among the rows scanned, ascending, and the elements there.
type Match struct {
	Places []int64
	Rows   arrow.Record // nil: not kept
}

// AddMatches adds what a worker found.
func (f *Batch) AddMatches(p Match) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Matches = append(f.Matches, p)
}

// sortMatches puts what was found in the order of the rows scanned; each chunk's part of them lies together.
func (f *Batch) sortMatches() {
	slices.SortFunc(f.Matches, func(a, b Match) int { return cmp.Compare(a.Places[0], b.Places[0]) })
}

func (f *Batch) dropMatches() {
	for _, p := range f.Matches {
		if p.Rows != nil {
			p.Rows.Release()
		}
	}
	f.Matches = nil
}

// wanted leaves out the chunks of which the visitor wants nothing.
func (g *group) wanted(jobs []job) []job {
	if g.scan.Visitor == nil {
		return jobs
	}
	return slices.DeleteFunc(slices.Clone(jobs), func(j job) bool {
		first := int64(math.MaxInt64)
		for _, t := range j.targets {
			first = min(first, g.batches[t.Batch].Row+t.Runs[0].Dst)
		}
		return g.scan.Visitor.Past(first)
	})
}
