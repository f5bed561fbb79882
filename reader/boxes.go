package reader

import (
	"context"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
)

// boxes is a dataset of chunks that only libhdf5 can read. It is read in boxes of whole chunks, so that no chunk is
// decoded twice, by as many helpers as there are workers and processes.
type boxes struct {
	*slab
	box      []int64
	elemSize int
}

// maxBox is the most bytes of a box; a helper answers no more in one call.
const maxBox = 1 << 30

// newBoxes joins small chunks, along the last axes first, to boxes that are worth a call. Errors: fault.Unsupported for
// chunks too large for one, fault.DataLoss for impossible ones.
func newBoxes(s *slab, chunk []int64, elemSize int) (*boxes, error) {
	if len(chunk) != len(s.shape) {
		return nil, fault.New(fault.DataLoss, "chunks of %d axes for %d", len(chunk), len(s.shape))
	}
	b := &boxes{slab: s, box: make([]int64, len(chunk)), elemSize: elemSize}
	bytes := int64(elemSize)
	for i, n := range chunk {
		b.box[i] = min(n, s.shape[i])
		if n < 1 || bytes > maxBox/b.box[i] {
			return nil, fault.New(fault.Unsupported, "chunks of %d elements: libhdf5 reads at most %d bytes at once here", chunk, maxBox)
		}
		bytes *= b.box[i]
	}
	for i := len(chunk) - 1; i >= 0; i-- {
		times := max(1, bandBytes/bytes)
		grown := min(b.box[i]*times, s.shape[i])
		bytes = bytes / b.box[i] * grown
		b.box[i] = grown
	}
	return b, nil
}

func (b *boxes) extents() []int64 { return b.box }

func (b *boxes) need(int64, *held) int64 { return b.bytes() }

func (b *boxes) bytes() int64 { return product(b.box) * int64(b.elemSize) }

func (b *boxes) load(ctx context.Context, s *scratch, at [][]int64, use func(int, convert.Elems, bool) error) error {
	var buf []byte
	defer func() { s.mem.Free(buf) }()
	for i := range at {
		start, count, n := b.part(at[i])
		if s.place != nil {
			if dst := s.place(i); int64(len(dst)) == n*int64(b.elemSize) {
				if err := b.helper.ReadSlab(ctx, b.path, b.name, start, count, dst); err != nil {
					return err
				}
				continue
			}
		}
		if buf == nil {
			buf = s.mem.Allocate(int(b.bytes()))
		}
		part := buf[:n*int64(b.elemSize)]
		if err := b.helper.ReadSlab(ctx, b.path, b.name, start, count, part); err != nil {
			return err
		}
		loosen(buf, signed(count), b.box, b.elemSize)
		if err := use(i, convert.Elems{Data: buf, N: int(product(b.box)), Size: b.elemSize}, false); err != nil {
			return err
		}
	}
	return nil
}

// part is what lies inside the extent of a box: n elements.
func (b *boxes) part(at []int64) (start, count []uint64, n int64) {
	start, count, n = make([]uint64, len(at)), make([]uint64, len(at)), 1
	for i, k := range at {
		from := k * b.box[i]
		here := min(b.box[i], b.shape[i]-from)
		start[i], count[i] = uint64(from), uint64(here)
		n *= here
	}
	return start, count, n
}

// loosen moves the elements at the beginning of buf, packed count by count, to where they lie in a whole box. A line
// never moves towards the beginning, so the last goes first.
func loosen(buf []byte, count, box []int64, size int) {
	k := len(count) - 1
	line := count[k] * int64(size)
	for i := product(count[:k]) - 1; i > 0; i-- {
		to, stride, rest := int64(0), box[k]*int64(size), i
		for j := k - 1; j >= 0; j-- {
			to += rest % count[j] * stride
			rest /= count[j]
			stride *= box[j]
		}
		if to == i*line {
			return // so do all lines before
		}
		copy(buf[to:to+line], buf[i*line:(i+1)*line])
	}
}
