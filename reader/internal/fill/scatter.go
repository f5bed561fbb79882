package fill

import (
	"math"
	"slices"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// scatter puts a chunk's elements into the batches that want them.
func (g *group) scatter(j job, e convert.Elems, fill bool) error {
	geo := g.scan.Geometry
	parts := slices.Clone(j.parts)
	for _, t := range j.targets {
		if !fill && len(geo.Shape) == 1 && e.N <= math.MaxInt32 && single(t.Runs) {
			if err := gatherRuns(g.batches[t.Batch].columns, e, t.Runs); err != nil {
				return err
			}
			continue
		}
		parts[geo.Rows] = t.Runs
		if err := scatterPart(geo, g.batches[t.Batch].columns, e, fill, parts); err != nil {
			return err
		}
	}
	return nil
}

// single tells whether runs are many and most of one element, so that gathering them costs less than a call for each.
func single(runs []rows.Run) bool {
	return len(runs) >= 8 && rows.Total(runs) < 2*int64(len(runs)) && runs[len(runs)-1].Dst < math.MaxInt32
}

// gatherRuns converts the elements of runs of rows.
func gatherRuns(b *convert.Batch, e convert.Elems, runs []rows.Run) error {
	n := rows.Total(runs)
	both := make([]int32, 2*n)
	dst, src := both[:0:n], both[n:n]
	for _, r := range runs {
		for k := range r.N {
			dst, src = append(dst, int32(r.Dst+k)), append(src, int32(r.Src+k*r.Step))
		}
	}
	return b.Gather(e, dst, src)
}

// scatterPart puts the elements of a chunk where a batch wants them; parts are the runs of each axis. fill: e is one element
// that stands for all.
func scatterPart(g *rows.Geometry, b *convert.Batch, e convert.Elems, fill bool, parts [][]rows.Run) error {
	return g.Walk(parts, func(dst, src, dstStep, srcStep, n int64) error {
		if fill {
			src, srcStep = 0, 0
		}
		return b.Put(int(dst), int(dstStep), e, int(src), int(srcStep), int(n))
	})
}
