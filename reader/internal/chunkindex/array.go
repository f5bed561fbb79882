package chunkindex

import (
	"math/bits"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"

	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// array is what the fixed and the extensible array share: elements (VII.C, VII.D) that are chunks of the maximal
// extent, in the order of stride.
type array struct {
	*walker
	owner     uint64 // address of the header, which every block repeats
	client    uint8  // 0: elements are addresses; 1: with size and mask
	elemSize  uint64
	pageElems uint64
	sizeWidth int // bytes of a size

	axes   []int    // from the slowest to the fastest
	stride []uint64 // parallel to axes: elements from one chunk to the next
	direct bool     // element numbers are grid positions
}

// newArray lays out elements for the extents max. slowest is the axis that comes first whatever its place: the
// unlimited one of an extensible array. The slowest axis' own extent does not matter.
func (w *walker) newArray(slowest int) (*array, error) {
	a := &array{walker: w, owner: w.l.index, axes: []int{slowest}}
	for i := range w.scaled {
		if i != slowest {
			a.axes = append(a.axes, i)
		}
	}
	a.stride = make([]uint64, len(a.axes))
	stride, hi := uint64(1), uint64(0)
	for i := len(a.axes) - 1; i >= 0; i-- {
		a.stride[i] = stride
		axis := a.axes[i]
		if i == 0 {
			break
		}
		n, ok := chunksOf(w.o.Space.Max[axis], w.l.ChunkDims[axis])
		hi, stride = bits.Mul64(stride, n)
		if !ok || hi != 0 || n < w.x.grid.n[axis] {
			return nil, fault.New(fault.DataLoss, "chunkindex: walk chunk index: maximal extent %d does not fit an array", w.o.Space.Max)
		}
	}
	a.direct = slowest == 0 && slices.Equal(a.stride, w.x.grid.stride)
	return a, nil
}

func chunksOf(extent, chunk uint64) (n uint64, ok bool) {
	if extent == 0 || extent == h5file.Unlimited {
		return 0, false
	}
	return (extent-1)/chunk + 1, true
}

// describe takes the fields all array headers have after the version.
func (a *array) describe(client uint8, elemSize uint64) error {
	o := uint64(a.File.SizeOfOffsets)
	a.client, a.elemSize = client, elemSize
	a.sizeWidth = int(elemSize) - int(o) - 4
	if client == 0 && elemSize == o || client == 1 && a.sizeWidth >= 1 && a.sizeWidth <= 8 {
		return nil
	}
	return fault.New(fault.DataLoss, "chunkindex: read array header at %#x: client %d with elements of %d bytes", a.owner, client, elemSize)
}

// pages sets the page size from its logarithm.
func (a *array) pages(log uint8) error {
	if log >= 48 {
		return fault.New(fault.DataLoss, "chunkindex: read array header at %#x: pages of 2^%d elements", a.owner, log)
	}
	a.pageElems = 1 << log
	return nil
}

// prefix is the length of the fields a block begins with: signature, version, client and the header's address.
func (a *array) prefix() uint64 { return 6 + uint64(a.File.SizeOfOffsets) }

// owned checks that a block is of this array.
func (a *array) owned(b []byte, addr uint64) error {
	c := a.File.Cursor(b[4:])
	if version, client, owner := c.U8(), c.U8(), c.Addr(); version != 0 || client != a.client || owner != a.owner {
		return fault.New(fault.DataLoss, "chunkindex: read %s at %#x: version %d, client %d of the array at %#x", b[:4], addr, version, client, owner)
	}
	return nil
}

// add adds the elements in b, the first of which has the number first.
func (a *array) add(b []byte, first uint64) error {
	c := a.File.Cursor(b)
	size, mask := a.l.ChunkBytes, uint32(0)
	for ; uint64(len(c.B)) >= a.elemSize; first++ {
		addr := c.Addr()
		if a.client == 1 {
			size, mask = c.Uint(a.sizeWidth), c.U32()
		}
		if addr == h5file.Undefined {
			continue
		}
		if err := a.element(first, addr, size, mask); err != nil {
			return err
		}
	}
	return nil
}

func (a *array) element(number, addr, size uint64, mask uint32) error {
	if a.direct {
		return a.place(number, addr, size, mask)
	}
	for i, stride := range a.stride {
		a.scaled[a.axes[i]] = number / stride
		number %= stride
	}
	return a.chunk(addr, size, mask)
}

// page reads n elements and their checksum at addr.
func (a *array) page(addr, n, first uint64) error {
	b, err := a.At(addr, n*a.elemSize+4)
	if err != nil {
		return err
	}
	if !a.Checked(b) {
		return fault.New(fault.DataLoss, "chunkindex: read array page at %#x: checksum mismatch", addr)
	}
	return a.add(b[:len(b)-4], first)
}

// bit returns bit i of a bitmap that begins with the highest.
func bit(b []byte, i uint64) bool {
	return i/8 < uint64(len(b)) && b[i/8]&(0x80>>(i%8)) != 0
}
