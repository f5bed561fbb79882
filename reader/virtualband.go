package reader

import (
	"context"

	"github.com/mtflight/mtflight/reader/internal/vds"
)

// largestBand bounds the bytes of a virtual dataset's chunk, whatever the chunks of its sources.
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
	for _, p := range v.parts[:min(samples, len(v.parts))] {
		found, err := v.sample(ctx, p)
		if err != nil {
			return err
		}
		if found {
			break
		}
	}
	v.shrink()
	v.grow()
	return nil
}

// sample takes the extents of a source's chunks to where a mapping puts them; false if it has no source to read here.
func (v *virtual) sample(ctx context.Context, p mapped) (bool, error) {
	file, dataset := p.Names(0)
	src, err := v.ds.file.virtualSource(ctx, file, dataset)
	if src == nil || err != nil || src.empty() {
		return false, err
	}
	g, err := v.gather(ctx, nil, src, nil)
	if err != nil {
		return false, err
	}
	chunk := g.store.extents()
	v.inner = g.store.need(product(chunk) * int64(v.size()))
	for _, a := range vds.Axes(p.Src, src.shape, p.Dst, v.ds.shape) {
		n := float64(chunk[a.Src]) * a.Ratio
		v.band[a.Dst] = int64(max(1, min(n, float64(v.ds.shape[a.Dst]))))
	}
	return true, nil
}

func (v *virtual) bytes() int64 {
	n := int64(v.size())
	for _, k := range v.band {
		n = min(n, end62/max(k, 1)) * k
	}
	return n
}

// shrink cuts chunks that are too large, along the first axes.
func (v *virtual) shrink() {
	for i := range v.band {
		if over := v.bytes() / largestBand; over > 0 {
			v.band[i] = max(1, v.band[i]/(over+1))
		}
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
