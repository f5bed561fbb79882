package reader

import (
	"cmp"
	"context"
	"slices"
	"sort"

	"github.com/mtflight/mtflight/convert"
)

// sparseGap is how many bytes are rather read for nothing than asked for around: a call costs as much.
const sparseGap = 4 << 10

// extent is rows from up to to of a chunk.
type extent struct{ from, to int64 }

// packed is a job of whose chunk only those rows are read that are needed, to lie one behind the other.
type packed struct {
	job
	read  part
	needs []extent
}

// pack reads the rows that are needed and uses them. Chunks of one axis are put into the batches together.
func (g *group) pack(ctx context.Context, few []packed) error {
	if len(few) == 0 {
		return nil
	}
	geo, total := g.scan.geo, int64(0)
	for _, p := range few {
		for _, n := range p.needs {
			total += n.to - n.from
		}
	}
	row := product(geo.chunk[1:])
	e := convert.Elems{N: int(total * row), Size: g.scan.program.ElemSize()}
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
	if g.scan.visitor == nil && len(g.scan.geo.shape) == 1 {
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
		var runs []run
		for _, r := range t.runs {
			runs = p.moved(runs, r, starts)
		}
		targets[i].runs = runs
	}
	p.targets = targets
}

// moved appends a run whose source rows have moved.
func (p *packed) moved(runs []run, r run, starts []int64) []run {
	place := func(src int64) int64 {
		i := sort.Search(len(p.needs), func(i int) bool { return p.needs[i].to > src })
		return starts[i] + src - p.needs[i].from
	}
	if r.step == 0 || r.step == 1 { // one extent has them all
		r.src = place(r.src)
		return prolonged(runs, r)
	}
	for k := range r.n {
		runs = prolonged(runs, run{dst: r.dst + k, src: place(r.src + k*r.step), step: 1, n: 1})
	}
	return runs
}

// prolonged appends a run, to the last one where that goes on with it.
func prolonged(runs []run, r run) []run {
	if n := len(runs); n > 0 && (r.step == 1 || r.n == 1) {
		last := &runs[n-1]
		if (last.step == 1 || last.n == 1) && last.dst+last.n == r.dst && last.src+last.n == r.src {
			last.step = 1
			last.n += r.n
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
			if n == 0 || all.targets[n-1].fill != t.fill {
				all.targets = append(all.targets, target{fill: t.fill})
				n++
			}
			runs := &all.targets[n-1].runs
			for _, r := range t.runs {
				*runs = prolonged(*runs, r)
			}
		}
	}
	return all
}

// needs are the rows that a job takes of its chunk, in ascending order and neighbours together, where reading just those
// is less work than reading the whole chunk; else nil.
func (g *group) needs(j job) []extent {
	geo := g.scan.geo
	size := int64(g.scan.program.ElemSize())
	if geo.rows != 0 || size == 0 {
		return nil
	}
	row := product(geo.chunk[1:]) * size
	most := geo.chunk[0] * row / (2 * sparseGap) // calls
	var all []extent
	for _, t := range j.targets {
		for _, r := range t.runs {
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
	if 2*(bytes+int64(len(all))*sparseGap) > geo.chunk[0]*row {
		return nil
	}
	return all
}

// appendPlaces appends where a run takes rows, more than most of them only in part.
func appendPlaces(all []extent, r run, most int64) []extent {
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

// partial tells whether a job takes only a part of its chunk, so that the rest may be asked for soon.
func (g *group) partial(j job) bool {
	geo := g.scan.geo
	for axis, extent := range geo.chunk {
		extent = min(extent, geo.shape[axis]-j.at[axis]*extent)
		if axis == geo.rows {
			n := int64(0)
			for _, t := range j.targets {
				n += taken(t.runs)
			}
			if n < extent {
				return true
			}
		} else if taken(j.parts[axis]) < extent {
			return true
		}
	}
	return false
}
