package fill

import (
	"cmp"
	"context"
	"slices"
	"sort"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/store"
)

// sparseGap is how many bytes between two extents are read with them: a call of its own costs as much.
const sparseGap = 4 << 10

// extent is rows from up to to of a chunk.
type extent struct{ from, to int64 }

// packed is a job of whose chunk only those rows are read that are needed, to lie one behind the other.
type packed struct {
	job
	read  store.ReadPart
	needs []extent
}

// pack reads the rows that are needed and uses them. Chunks of one axis are put into the batches together.
func (g *group) pack(ctx context.Context, few []packed) error {
	if len(few) == 0 {
		return nil
	}
	geo, total := g.scan.Geometry, int64(0)
	for _, p := range few {
		for _, n := range p.needs {
			total += n.to - n.from
		}
	}
	row := rows.Product(geo.Chunk[1:])
	e := convert.Elems{N: int(total * row), Size: g.scan.Program.ElemSize()}
	bytes := row * int64(e.Size)
	e.Data = g.lease.Allocate(int(total * bytes))
	defer g.lease.Free(e.Data)
	at := int64(0)
	for i, p := range few {
		first := at
		for _, n := range p.needs {
			to := at + n.to - n.from
			if err := p.read(ctx, e.Data[at*bytes:to*bytes], n.from*bytes); err != nil {
				return err
			}
			at = to
		}
		few[i].move(first)
	}
	return g.unpack(ctx, few, e)
}

// unpack uses packed rows.
func (g *group) unpack(ctx context.Context, few []packed, e convert.Elems) error {
	if g.scan.Visitor == nil && len(g.scan.Geometry.Shape) == 1 {
		return g.scatter(oneJob(few), e, false)
	}
	for _, p := range few {
		if err := g.use(ctx, p.job, e, false); err != nil {
			return err
		}
	}
	return nil
}

// move lets the runs of a job count from packed rows on, the first of which is row at of those of all jobs.
func (p *packed) move(at int64) {
	starts := make([]int64, len(p.needs))
	for i, n := range p.needs {
		starts[i] = at
		at += n.to - n.from
	}
	targets := slices.Clone(p.targets)
	for i, t := range targets {
		var runs []rows.Run
		for _, r := range t.Runs {
			runs = p.moved(runs, r, starts)
		}
		targets[i].Runs = runs
	}
	p.targets = targets
}

// moved appends a run whose source rows have moved.
func (p *packed) moved(runs []rows.Run, r rows.Run, starts []int64) []rows.Run {
	place := func(src int64) int64 {
		i := sort.Search(len(p.needs), func(i int) bool { return p.needs[i].to > src })
		return starts[i] + src - p.needs[i].from
	}
	if r.Step == 0 || r.Step == 1 { // one extent has them all
		r.Src = place(r.Src)
		return prolonged(runs, r)
	}
	for k := range r.N {
		runs = prolonged(runs, rows.Run{Dst: r.Dst + k, Src: place(r.Src + k*r.Step), Step: 1, N: 1})
	}
	return runs
}

// prolonged appends a run, to the last one where that goes on with it.
func prolonged(runs []rows.Run, r rows.Run) []rows.Run {
	if n := len(runs); n > 0 && (r.Step == 1 || r.N == 1) {
		last := &runs[n-1]
		if (last.Step == 1 || last.N == 1) && last.Dst+last.N == r.Dst && last.Src+last.N == r.Src {
			last.Step = 1
			last.N += r.N
			return runs
		}
	}
	return append(runs, r)
}

// oneJob is one job of all.
func oneJob(few []packed) job {
	all := job{at: few[0].at, parts: few[0].parts}
	for _, p := range few {
		for _, t := range p.targets {
			n := len(all.targets)
			if n == 0 || all.targets[n-1].Batch != t.Batch {
				all.targets = append(all.targets, target{Batch: t.Batch})
				n++
			}
			runs := &all.targets[n-1].Runs
			for _, r := range t.Runs {
				*runs = prolonged(*runs, r)
			}
		}
	}
	return all
}

// needs are the rows that a job takes of its chunk, in ascending order and neighbours together, where reading just those
// is less work than reading the whole chunk; else nil.
func (g *group) needs(j job) []extent {
	geo := g.scan.Geometry
	size := int64(g.scan.Program.ElemSize())
	if geo.Rows != 0 || size == 0 {
		return nil
	}
	row := rows.Product(geo.Chunk[1:]) * size
	most := geo.Chunk[0] * row / (2 * sparseGap) // calls
	var all []extent
	for _, t := range j.targets {
		for _, r := range t.Runs {
			if all = appendPlaces(all, r, most); int64(len(all)) > most {
				return nil
			}
		}
	}
	all = together(all, max(1, sparseGap/row))
	bytes := int64(0)
	for _, e := range all {
		bytes += (e.to - e.from) * row
	}
	if 2*(bytes+int64(len(all))*sparseGap) > geo.Chunk[0]*row {
		return nil
	}
	return all
}

// appendPlaces appends where a run takes rows, more than most of them only in part.
func appendPlaces(all []extent, r rows.Run, most int64) []extent {
	switch {
	case r.Step == 1:
		return append(all, extent{r.Src, r.Src + r.N})
	case r.Step == 0:
		return append(all, extent{r.Src, r.Src + 1})
	}
	for k := int64(0); k < r.N && int64(len(all)) <= most; k++ {
		at := r.Src + k*r.Step
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

// lastElem is the number, in its chunk, of the last element that a job takes.
func (g *group) lastElem(j job) int {
	geo, last := g.scan.Geometry, int64(0)
	for axis, extent := range geo.Chunk {
		last *= extent
		if axis == geo.Rows {
			most := int64(0)
			for _, t := range j.targets {
				most = max(most, lastOf(t.Runs))
			}
			last += most
		} else {
			last += lastOf(j.parts[axis])
		}
	}
	return int(last)
}

// lastOf is the last place that runs take.
func lastOf(runs []rows.Run) (last int64) {
	for _, r := range runs {
		last = max(last, r.Src, r.Src+(r.N-1)*r.Step)
	}
	return last
}

// partial tells whether a job takes only a part of its chunk, so that the rest may be asked for soon.
func (g *group) partial(j job) bool {
	geo := g.scan.Geometry
	for axis, extent := range geo.Chunk {
		extent = min(extent, geo.Shape[axis]-j.at[axis]*extent)
		if axis == geo.Rows {
			n := int64(0)
			for _, t := range j.targets {
				n += rows.Total(t.Runs)
			}
			if n < extent {
				return true
			}
		} else if rows.Total(j.parts[axis]) < extent {
			return true
		}
	}
	return false
}
