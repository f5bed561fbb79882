package chunkindex

import (
	"math"

	"github.com/mtflight/mtflight/internal/fault"
)

// Class is a storage layout, with H5D_layout_t's numbers.
type Class uint8

// The layouts.
const (
	Compact    Class = 0
	Contiguous Class = 1
	Chunked    Class = 2
	Virtual    Class = 3
)

// IndexType says how chunks are found, with the layout message's numbers (IV.A.2.i).
type IndexType uint8

// The chunk indexes.
const (
	BTree1          IndexType = 0
	Single          IndexType = 1
	Implicit        IndexType = 2
	FixedArray      IndexType = 3
	ExtensibleArray IndexType = 4
	BTree2          IndexType = 5
)

// Layout is the data layout message, versions 1 to 5.
type Layout struct {
	Version uint8
	Class   Class

	Data []byte // Compact: the elements

	Addr uint64 // Contiguous: absolute, the base address added; Undefined if nothing was allocated
	Size uint64 // Contiguous: bytes

	ChunkDims  []uint64 // Chunked: elements along each axis
	ElemSize   uint32   // Chunked: bytes of an element
	ChunkBytes uint64   // Chunked: bytes of a whole chunk before filters
	Index      IndexType

	// Virtual: the global heap object with the mappings, relative to the base address; Undefined if there are none.
	Mapping      uint64
	MappingIndex uint32

	// PartialUnfiltered: chunks that reach over the extent are stored without filters.
	PartialUnfiltered bool

	index uint64 // of the chunk index, relative to the base address
	// The single chunk's size and mask where there are filters.
	filtered   bool
	singleSize uint64
	singleMask uint32
}

func parseLayout(s *source, o *Object, b []byte) error {
	c := s.f.cursor(b)
	l := &o.Layout
	l.Version, l.Addr = c.u8(), Undefined
	var err error
	switch l.Version {
	case 1, 2:
		err = c.layoutOld(s.f, o)
	case 3, 4, 5:
		err = c.layoutNew(s.f, o)
	default:
		return fault.New(fault.Unsupported, "chunkindex: parse layout message: version %d", l.Version)
	}
	if err != nil {
		return err
	}
	if c.short {
		return cutOff("layout")
	}
	if l.Class == Chunked {
		return o.checkChunks()
	}
	return nil
}

// layoutOld decodes versions 1 and 2, whose contiguous sizes are the extents, cut to 32 bits: the dataspace says more.
func (c *cursor) layoutOld(f *File, o *Object) error {
	l := &o.Layout
	rank := int(c.u8())
	l.Class = Class(c.u8())
	c.skip(5)
	addr := Undefined
	if l.Class != Compact {
		addr = c.addr()
	}
	if rank == 0 || rank > maxRank+1 {
		return fault.New(fault.DataLoss, "chunkindex: parse layout message: dimensionality %d", rank)
	}
	dims := c.dims(rank, 4)
	switch l.Class {
	case Compact:
		l.Data = c.bytes(uint64(c.u32()))
	case Contiguous:
		return o.contiguous(f, addr)
	case Chunked:
		l.index = addr
		l.chunks(dims)
	default:
		return badClass(l.Class)
	}
	return nil
}

func badClass(c Class) error {
	return fault.New(fault.Unsupported, "chunkindex: parse layout message: class %d", c)
}

// contiguous places data whose size only type and dataspace tell.
func (o *Object) contiguous(f *File, addr uint64) (err error) {
	n, ok := o.Space.elements()
	size, fits := product([]uint64{n, o.typeSize()})
	if !ok || !fits {
		return fault.New(fault.DataLoss, "chunkindex: parse layout message: contiguous data of more than 2^64 bytes")
	}
	o.Layout.Size = size
	o.Layout.Addr, err = f.absolute(addr)
	return err
}

func (c *cursor) layoutNew(f *File, o *Object) (err error) {
	l := &o.Layout
	l.Class = Class(c.u8())
	switch l.Class {
	case Compact:
		l.Data = c.bytes(uint64(c.u16()))
	case Contiguous:
		if l.Addr, err = f.absolute(c.addr()); err == nil {
			l.Size = c.length()
		}
	case Chunked:
		if l.Version == 3 {
			rank := int(c.u8())
			l.index = c.addr()
			l.chunks(c.dims(rank, 4))
			return nil
		}
		return c.chunked4(l)
	case Virtual:
		l.Mapping, l.MappingIndex = c.addr(), c.u32()
	default:
		return badClass(l.Class)
	}
	return err
}

// chunked4 decodes chunked storage of versions 4 and 5, which differ only in the width of sizes in the index. What
// creates an index is repeated in the index's own header and skipped here.
func (c *cursor) chunked4(l *Layout) error {
	flags, rank, width := c.u8(), int(c.u8()), int(c.u8())
	if width == 0 || width > 8 || flags > 3 {
		return fault.New(fault.DataLoss, "chunkindex: parse layout message: chunk flags %#x, extents of %d bytes", flags, width)
	}
	l.PartialUnfiltered = flags&1 != 0
	l.chunks(c.dims(rank, width))
	l.Index = IndexType(c.u8())
	switch l.Index {
	case Single:
		if l.filtered = flags&2 != 0; l.filtered {
			l.singleSize, l.singleMask = c.length(), c.u32()
		}
	case Implicit:
	case FixedArray:
		c.skip(1)
	case ExtensibleArray:
		c.skip(5)
	case BTree2:
		c.skip(6)
	default:
		return fault.New(fault.Unsupported, "chunkindex: parse layout message: chunk index %d", l.Index)
	}
	l.index = c.addr()
	return nil
}

// dims decodes extents. Ranks beyond what HDF5 allows come out as none, which checkChunks refuses.
func (c *cursor) dims(rank, width int) []uint64 {
	if rank > maxRank+1 {
		return nil
	}
	v := make([]uint64, rank)
	for i := range v {
		v[i] = c.uint(width)
	}
	return v
}

// chunks splits off the element's size, which is stored as the last extent.
func (l *Layout) chunks(dims []uint64) {
	n := len(dims)
	if n < 2 || dims[n-1] > math.MaxUint32 {
		return
	}
	l.ChunkDims, l.ElemSize = dims[:n-1], uint32(dims[n-1])
	size, ok := product(dims)
	if ok {
		l.ChunkBytes = size
	}
}

// checkChunks makes sure that dividing by chunk extents and multiplying them is safe.
func (o *Object) checkChunks() error {
	l := &o.Layout
	if o.Space.Kind != Simple || len(l.ChunkDims) == 0 || len(l.ChunkDims) != len(o.Space.Dims) {
		return fault.New(fault.DataLoss, "chunkindex: parse layout message: chunks of rank %d for data of rank %d", len(l.ChunkDims), len(o.Space.Dims))
	}
	if l.ChunkBytes == 0 {
		return fault.New(fault.DataLoss, "chunkindex: parse layout message: chunk of %d elements of %d bytes", l.ChunkDims, l.ElemSize)
	}
	if uint64(l.ElemSize) != o.typeSize() {
		return fault.New(fault.DataLoss, "chunkindex: parse layout message: chunks of elements of %d bytes, type of %d", l.ElemSize, o.typeSize())
	}
	return nil
}
