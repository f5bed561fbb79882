package store

import (
	"context"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// BandBytes is about how much of a dataset without chunks is read at once.
const BandBytes = 1 << 20

// Source reads a dataset without chunks. Any range of it costs about as much as it is long, and no memory beside dst: what has to
// inflate more than it gives is a Store of its own. Safe for concurrent use.
type Source interface {
	// read fills dst with the elements first to first+n, in row-major order, as they lie in the file.
	read(ctx context.Context, first, n int64, dst []byte) error
}

// bands is a dataset without chunks, cut into bands along one axis: whole on the axes behind it, one on those before.
type bands struct {
	Source
	shape    []int64
	axis     int
	band     []int64
	elemSize int
}

// NewBands cuts along the axis of the rows.
func NewBands(src Source, shape []int64, axis, elemSize int) Store {
	b := &bands{Source: src, shape: shape, axis: axis, elemSize: elemSize, band: make([]int64, len(shape))}
	line := int64(elemSize)
	for i := len(shape) - 1; i > axis; i-- {
		b.band[i] = max(shape[i], 1)
		line *= b.band[i]
	}
	for i := range axis {
		b.band[i] = 1
	}
	b.band[axis] = max(1, min(BandBytes/max(line, 1), shape[axis]))
	return b
}

func (b *bands) Extents() []int64 { return b.band }

func (b *bands) Need(int64, *Pins) int64 {
	n := rows.Product(b.band) * int64(b.elemSize)
	if s, ok := b.Source.(*slab); ok {
		n = min(rows.End62, n+s.lent(n))
	}
	return n
}

func (b *bands) Load(ctx context.Context, s *Scratch, chunks [][]int64, use func(int, convert.Elems, bool) error) error {
	for i, at := range chunks {
		if err := b.one(ctx, s, at, func(e convert.Elems) error { return use(i, e, false) }); err != nil {
			return err
		}
	}
	return nil
}

func (b *bands) one(ctx context.Context, s *Scratch, at []int64, use func(convert.Elems) error) error {
	first, n := b.span(at)
	if c, ok := b.Source.(*contiguous); ok && s.Place == nil {
		if used, err := c.useMapped(ctx, first, n, use); used || err != nil {
			return err
		}
	}
	buf := s.Mem.Allocate(int(n) * b.elemSize)
	defer s.Mem.Free(buf)
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

// NewCompact is a dataset whose elements its header holds.
func NewCompact(data []byte, elemSize int) Source { return &inMemory{data: data, elemSize: elemSize} }

// NewUnwritten is a dataset of which nothing was written: one element stands for all.
func NewUnwritten(fill []byte) Source {
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
