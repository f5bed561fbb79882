package reader

import (
	"context"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
)

// bandBytes is about how much of a dataset without chunks is read at once.
const bandBytes = 1 << 20

// source reads the elements first to first+n of a dataset without chunks, in row-major order, as they lie in the file.
type source interface {
	read(ctx context.Context, first, n int64, dst []byte) error
}

// bands is a dataset without chunks, cut into bands along one axis: whole on the axes behind it, one on those before.
type bands struct {
	source
	shape    []int64
	axis     int
	band     []int64
	elemSize int
}

// newBands cuts along the axis of the rows.
func newBands(src source, shape []int64, axis, elemSize int) *bands {
	b := &bands{source: src, shape: shape, axis: axis, elemSize: elemSize, band: make([]int64, len(shape))}
	line := int64(elemSize)
	for i := len(shape) - 1; i > axis; i-- {
		b.band[i] = max(shape[i], 1)
		line *= b.band[i]
	}
	for i := range axis {
		b.band[i] = 1
	}
	b.band[axis] = max(1, min(bandBytes/max(line, 1), shape[axis]))
	return b
}

func (b *bands) extents() []int64 { return b.band }

func (b *bands) need(int64, *held) int64 { return product(b.band) * int64(b.elemSize) }

func (b *bands) load(ctx context.Context, s *scratch, chunks [][]int64, use func(int, convert.Elems, bool) error) error {
	for i, at := range chunks {
		if err := b.one(ctx, s, at, func(e convert.Elems) error { return use(i, e, false) }); err != nil {
			return err
		}
	}
	return nil
}

func (b *bands) one(ctx context.Context, s *scratch, at []int64, use func(convert.Elems) error) error {
	first, n := b.span(at)
	if c, ok := b.source.(*contiguous); ok && s.place == nil {
		if used, err := c.look(ctx, first, n, use); used || err != nil {
			return err
		}
	}
	buf := s.mem.Allocate(int(n) * b.elemSize)
	defer s.mem.Free(buf)
	if err := b.read(ctx, first, n, buf); err != nil {
		return err
	}
	return use(convert.Elems{Data: buf, N: int(n), Size: b.elemSize})
}

// span is the elements of a band; the last one along the axis may be short.
func (b *bands) span(at []int64) (first, n int64) {
	n = 1
	for i, k := range at {
		extent := min(b.band[i], b.shape[i]-k*b.band[i])
		first = first*b.shape[i] + k*b.band[i]
		n *= extent
	}
	return first, n
}

// inMemory is a compact dataset, or one that was never written: its fill value again and again.
type inMemory struct {
	data     []byte
	elemSize int
	repeat   bool
}

// newCompact is a dataset whose elements its header holds.
func newCompact(data []byte, elemSize int) source { return &inMemory{data: data, elemSize: elemSize} }

// newUnwritten is a dataset of which nothing was written: one element stands for all.
func newUnwritten(fill []byte) source {
	return &inMemory{data: fill, elemSize: len(fill), repeat: true}
}

func (m *inMemory) read(_ context.Context, first, n int64, dst []byte) error {
	if m.repeat {
		for off := 0; off < len(dst); off += m.elemSize {
			copy(dst[off:], m.data)
		}
		return nil
	}
	size := int64(m.elemSize)
	if (first+n)*size > int64(len(m.data)) {
		return fault.New(fault.DataLoss, "compact data of %d bytes, elements %d to %d need %d", len(m.data), first, first+n, (first+n)*size)
	}
	copy(dst, m.data[first*size:(first+n)*size])
	return nil
}
