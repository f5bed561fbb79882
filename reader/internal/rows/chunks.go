package rows

import (
	"cmp"
	"context"
	"slices"
)

// Chunks is chunks along the rows: in ranges, or only their number where it would take long to list them.
type Chunks struct {
	Bands  []Run // src and n, apart and ascending
	N      int64
	Listed bool
}

// MaxListed bounds the chunks that are listed.
const MaxListed = 1 << 22

// ChunksOf is the chunks along the rows that a sequence touches. It is of no use where ctx has ended.
func (g *Geometry) ChunksOf(ctx context.Context, s Sequence) Chunks {
	band := g.Chunk[g.Rows]
	var all []Run
	n, listed := int64(0), true
	for _, r := range s.Runs(nil, 0, s.Len(), 0) {
		if by := max(r.Step, -r.Step); by > band && r.N > 1 {
			if n += r.N; n > MaxListed || ctx.Err() != nil {
				listed = false
				continue
			}
			for i := range r.N {
				all = append(all, Run{Src: (r.Src + i*r.Step) / band, N: 1})
			}
			continue
		}
		first, last := r.Src/band, (r.Src+(r.N-1)*r.Step)/band
		first, last = min(first, last), max(first, last)
		n += last - first + 1
		all = append(all, Run{Src: first, N: last - first + 1})
	}
	if !listed {
		return Chunks{N: min(n, (g.Shape[g.Rows]+band-1)/band)}
	}
	return merged(all)
}

func merged(all []Run) Chunks {
	slices.SortFunc(all, func(a, b Run) int { return cmp.Compare(a.Src, b.Src) })
	out := Chunks{Listed: true}
	for _, r := range all {
		if k := len(out.Bands) - 1; k >= 0 && r.Src <= out.Bands[k].Src+out.Bands[k].N {
			last := &out.Bands[k]
			last.N = max(last.N, r.Src+r.N-last.Src)
		} else {
			out.Bands = append(out.Bands, r)
		}
	}
	for _, r := range out.Bands {
		out.N += r.N
	}
	return out
}
