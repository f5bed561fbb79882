package reader

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
)

// sparseGap is how many bytes are rather read for nothing than asked for around: a call costs as much.
const sparseGap = 4 << 10

// extent is elements from up to to of a chunk.
type extent struct{ from, to int64 }

// needs are the elements that a job takes of its chunk, in ascending order and neighbours together, where reading just
// those is less work than reading the whole chunk; else nil.
func (g *group) needs(j job) []extent {
	geo := g.plan.geo
	size := int64(g.plan.program.ElemSize())
	if geo.rows != 0 || size == 0 {
		return nil
	}
	row := product(geo.chunk[1:])
	most := geo.chunk[0] * row * size / (2 * sparseGap) // calls
	var all []extent
	for _, t := range j.targets {
		for _, r := range t.runs {
			if all = r.places(all, most); int64(len(all)) > most {
				return nil
			}
		}
	}
	all = together(all, max(1, sparseGap/(row*size)))
	bytes := int64(0)
	for i := range all {
		all[i].from, all[i].to = all[i].from*row, all[i].to*row
		bytes += (all[i].to - all[i].from) * size
	}
	if 2*(bytes+int64(len(all))*sparseGap) > geo.chunk[0]*row*size {
		return nil
	}
	return all
}

// places appends where a run takes elements, more than most of them only in part.
func (r run) places(all []extent, most int64) []extent {
	switch {
	case r.step == 1:
		return append(all, extent{r.src, r.src + r.n})
	case r.step == 0:
		return append(all, extent{r.src, r.src + 1})
	}
	for k := int64(0); k < r.n && int64(len(all)) <= most; k++ {
		at := r.src + k*r.step
		all = append(all, extent{at, at + 1})
	}
	return all
}

// together sorts extents and joins those that are no further apart than gap.
func together(all []extent, gap int64) []extent {
	slices.SortFunc(all, func(a, b extent) int { return cmp.Compare(a.from, b.from) })
	out := all[:0]
	for _, e := range all {
		if n := len(out); n > 0 && e.from-out[n-1].to <= gap {
			out[n-1].to = max(out[n-1].to, e.to)
		} else {
			out = append(out, e)
		}
	}
	return out
}

// needsOf is s.needs, for those who may have none.
func (s *scratch) needsOf(i int) []extent {
	if s.needs == nil {
		return nil
	}
	return s.needs(i)
}

// single tells whether runs are many and most of one element, so that gathering them costs less than a call for each.
func single(runs []run) bool {
	return len(runs) >= 8 && taken(runs) < 2*int64(len(runs)) && runs[len(runs)-1].dst < math.MaxInt32
}

// gatherRuns converts the elements of runs of rows.
func gatherRuns(b *convert.Batch, e convert.Elems, runs []run) error {
	n := taken(runs)
	both := make([]int32, 2*n)
	dst, src := both[:0:n], both[n:n]
	for _, r := range runs {
		for k := range r.n {
			dst, src = append(dst, int32(r.dst+k)), append(src, int32(r.src+k*r.step))
		}
	}
	return b.Gather(e, dst, src)
}

// sparse uses those chunks that are stored as they are and of which little is needed, and gives the others.
func (c *chunked) sparse(ctx context.Context, s *scratch, found []stored, use func(int, convert.Elems, bool) error) ([]stored, error) {
	rest := found[:0:0]
	for _, f := range found {
		if c.filters != nil && !c.index.Unfiltered(f.linear) || int64(f.Size) < c.bytes() {
			rest = append(rest, f)
			continue
		}
		needs := s.needsOf(f.i)
		if needs == nil {
			rest = append(rest, f)
			continue
		}
		if err := c.plausible(f); err != nil {
			return nil, err
		}
		read := func(dst []byte, from int64) error { return c.file.Read(ctx, dst, f.Addr+uint64(from)) }
		e := convert.Elems{N: int(product(c.chunk)), Size: c.elemSize}
		if err := s.sparsely(e, needs, read, func(e convert.Elems) error { return use(f.i, e, false) }); err != nil {
			return nil, c.failed(f, err)
		}
	}
	return rest, nil
}

// sparsely reads some elements to their places among those of a chunk, whose other bytes are arbitrary.
func (s *scratch) sparsely(e convert.Elems, needs []extent, read func(dst []byte, from int64) error, use func(convert.Elems) error) error {
	e.Data = s.mem.Allocate(e.N * e.Size)
	defer s.mem.Free(e.Data)
	for _, n := range needs {
		from, to := n.from*int64(e.Size), n.to*int64(e.Size)
		if to > int64(len(e.Data)) {
			return fault.New(fault.DataLoss, "elements up to %d of a chunk of %d", n.to, e.N)
		}
		if err := read(e.Data[from:to], from); err != nil {
			return err
		}
	}
	return use(e)
}
