package virtual

import (
	"context"

	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/store"
	"github.com/mtflight/mtflight/reader/internal/vds"
)

// largestBand bounds the bytes of a virtual dataset's chunk, whatever the chunks of its sources. Of large ones, which are decoded
// once anyway, chunks are of bandBytes.
const largestBand = 16 << 20

// samples is how many mappings are tried for a source that says how chunks lie.
const samples = 8

// chooseBand makes the chunks of a virtual dataset such that few chunks of its sources are decoded for more than one.
func (v *Store) chooseBand(ctx context.Context) error {
	shape := v.ds.Shape
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
	if v.heavy.Need >= v.large {
		most = store.BandBytes
	}
	v.shrink(most)
	v.grow()
	v.heavy.Chunks = rows.Times(v.heavy.Chunks, int64(len(v.parts)))
	v.heavy.PerChunk = max(1, int64(len(v.touched(vds.Box{Start: make([]int64, len(shape)), Count: v.band}))))
	return nil
}

// sample takes the extents of a source's chunks to where a mapping puts them, once, if there is a source to read, and learns
// what it takes to read it.
func (v *Store) sample(ctx context.Context, p mapped, found *bool) error {
	file, dataset := p.Names(0)
	src, err := v.ds.Open(ctx, file, dataset)
	if src == nil || err != nil || src.Empty {
		return err
	}
	g, err := v.gather(ctx, nil, src, nil)
	if err != nil {
		return err
	}
	chunk := g.store.Extents()
	bytes := rows.Product(chunk) * int64(v.size())
	v.inner = max(v.inner, g.store.Need(bytes, nil)+bytes) // planes are interleaved
	if s, ok := g.store.(store.Weighed); ok && s.Heaviest().Need > v.heavy.Need {
		v.heavy = s.Heaviest()
	}
	if *found {
		return nil
	}
	*found = true
	for _, a := range vds.Axes(p.Src, src.Shape, p.Dst, v.ds.Shape) {
		n := float64(chunk[a.Src]) * a.Ratio
		v.band[a.Dst] = int64(max(1, min(n, float64(v.ds.Shape[a.Dst]))))
	}
	return nil
}

func (v *Store) bytes() int64 {
	n := int64(v.size())
	for _, k := range v.band {
		n = min(n, rows.End62/max(k, 1)) * k
	}
	return n
}

// shrink cuts chunks that are too large, along the first axes.
func (v *Store) shrink(most int64) {
	for i := range v.band {
		v.band[i] = max(1, v.band[i]/((v.bytes()+most-1)/most))
	}
}

// grow joins small chunks, along the last axes first and none before that of the rows.
func (v *Store) grow() {
	for i := len(v.band) - 1; i >= v.axis; i-- {
		n := v.ds.Shape[i]
		times := min(max(1, store.BandBytes/v.bytes()), (n+v.band[i]-1)/v.band[i])
		if v.band[i] = min(v.band[i]*times, n); v.band[i] < n {
			return
		}
	}
}
