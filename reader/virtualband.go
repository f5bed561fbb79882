package reader

import (
	"context"

	"github.com/mtflight/mtflight/reader/internal/vds"
)

// largestBand bounds the bytes of a virtual dataset's chunk, whatever the chunks of its sources. Of large ones, which are decoded
// once anyway, chunks are of bandBytes.
const largestBand = 16 << 20

// samples is how many mappings are tried for a source that says how chunks lie.
const samples = 8

// chooseBand makes the chunks of a virtual dataset such that few chunks of its sources are decoded for more than one.
func (v *virtual) chooseBand(ctx context.Context) error {
	shape := v.ds.shape
	v.band = make([]int64, len(shape))
	for i := range v.band {
		v.band[i] = 1
	}
	found := false
	for _, p := range v.parts[:min(samples, len(v.parts))] {
		if err := v.sample(ctx, p, &found); err != nil {
			return err
		}
	}
	most := int64(largestBand)
	if v.heavy.need >= v.large {
		most = bandBytes
	}
	v.shrink(most)
	v.grow()
	v.heavy.chunks = times(v.heavy.chunks, int64(len(v.parts)))
	v.heavy.wide = max(1, int64(len(v.touched(vds.Box{Start: make([]int64, len(shape)), Count: v.band}))))
	return nil
}

// sample takes the extents of a source's chunks to where a mapping puts them, once, if there is a source to read, and learns
// what it takes to read it.
func (v *virtual) sample(ctx context.Context, p mapped, found *bool) error {
	file, dataset := p.Names(0)
	src, err := v.ds.open(ctx, file, dataset)
	if src == nil || err != nil || src.empty {
		return err
	}
	g, err := v.gather(ctx, nil, src, nil)
	if err != nil {
		return err
	}
	chunk := g.store.extents()
	bytes := product(chunk) * int64(v.size())
	v.inner = max(v.inner, g.store.need(bytes, nil)+bytes) // planes are interleaved
	if s, ok := g.store.(heavier); ok && s.heaviest().need > v.heavy.need {
		v.heavy = s.heaviest()
	}
	if *found {
		return nil
	}
	*found = true
	for _, a := range vds.Axes(p.Src, src.shape, p.Dst, v.ds.shape) {
		n := float64(chunk[a.Src]) * a.Ratio
		v.band[a.Dst] = int64(max(1, min(n, float64(v.ds.shape[a.Dst]))))
	}
	return nil
}

func (v *virtual) bytes() int64 {
	n := int64(v.size())
	for _, k := range v.band {
		n = min(n, end62/max(k, 1)) * k
	}
	return n
}

// shrink cuts chunks that are too large, along the first axes.
func (v *virtual) shrink(most int64) {
	for i := range v.band {
		v.band[i] = max(1, v.band[i]/((v.bytes()+most-1)/most))
	}
}

// grow joins small chunks, along the last axes first and none before that of the rows.
func (v *virtual) grow() {
	for i := len(v.band) - 1; i >= v.axis; i-- {
		n := v.ds.shape[i]
		times := min(max(1, bandBytes/v.bytes()), (n+v.band[i]-1)/v.band[i])
		if v.band[i] = min(v.band[i]*times, n); v.band[i] < n {
			return
		}
	}
}
