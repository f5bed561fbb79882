package chunkindex

import (
	"math"

	"github.com/mtflight/mtflight/internal/fault"

	"github.com/mtflight/mtflight/reader/internal/h5file"
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

	Addr uint64 // Contiguous: absolute, the base address added; h5file.Undefined if nothing was allocated
	Size uint64 // Contiguous: bytes

	ChunkDims  []uint64 // Chunked: elements along each axis
	ElemSize   uint32   // Chunked: bytes of an element
	ChunkBytes uint64   // Chunked: bytes of a whole chunk before filters
	Index      IndexType

	// Virtual: the global heap object with the mappings, relative to the base address; h5file.Undefined if there are none.
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

func parseLayout(s *h5file.Source, o *Object, b []byte) error {
	c := s.File.Cursor(b)
	l := &o.Layout
	l.Version, l.Addr = c.U8(), h5file.Undefined
	var err error
	switch l.Version {
	case 1, 2:
		err = layoutOld(c, s.File, o)
	case 3, 4, 5:
		err = layoutNew(c, s.File, o)
	default:
		return fault.New(fault.Unsupported, "chunkindex: parse layout message: version %d", l.Version)
	}
	if err != nil {
		return err
	}
	if c.Short {
		return h5file.CutOff("layout")
	}
	if l.Class == Chunked {
		return o.checkChunks()
	}
	return nil
}

// layoutOld decodes versions 1 and 2, whose contiguous sizes are the extents, cut to 32 bits: the dataspace says more.
func layoutOld(c *h5file.Cursor, f *h5file.File, o *Object) error {
	l := &o.Layout
	rank := int(c.U8())
	l.Class = Class(c.U8())
	c.Skip(5)
	addr := h5file.Undefined
	if l.Class != Compact {
		addr = c.Addr()
	}
	if rank == 0 || rank > h5file.MaxRank+1 {
		return fault.New(fault.DataLoss, "chunkindex: parse layout message: dimensionality %d", rank)
	}
	extents := dims(c, rank, 4)
	switch l.Class {
	case Compact:
		l.Data = c.Bytes(uint64(c.U32()))
	case Contiguous:
		return o.contiguous(f, addr)
	case Chunked:
		l.index = addr
		l.chunks(extents)
	default:
		return badClass(l.Class)
	}
	return nil
}

func badClass(c Class) error {
	return fault.New(fault.Unsupported, "chunkindex: parse layout message: class %d", c)
}

// contiguous places data whose size only type and dataspace tell.
func (o *Object) contiguous(f *h5file.File, addr uint64) (err error) {
	n, ok := o.Space.Elements()
	size, fits := h5file.Product([]uint64{n, o.typeSize()})
	if !ok || !fits {
		return fault.New(fault.DataLoss, "chunkindex: parse layout message: contiguous data of more than 2^64 bytes")
	}
	o.Layout.Size = size
	o.Layout.Addr, err = f.Absolute(addr)
	return err
}

func layoutNew(c *h5file.Cursor, f *h5file.File, o *Object) (err error) {
	l := &o.Layout
	l.Class = Class(c.U8())
	switch l.Class {
	case Compact:
		l.Data = c.Bytes(uint64(c.U16()))
	case Contiguous:
		if l.Addr, err = f.Absolute(c.Addr()); err == nil {
			l.Size = c.Length()
		}
	case Chunked:
		if l.Version == 3 {
			rank := int(c.U8())
			l.index = c.Addr()
			l.chunks(dims(c, rank, 4))
			return nil
		}
		return chunked4(c, l)
	case Virtual:
		l.Mapping, l.MappingIndex = c.Addr(), c.U32()
	default:
		return badClass(l.Class)
	}
	return err
}

// chunked4 decodes chunked storage of versions 4 and 5, which differ only in the width of sizes in the index. What
// creates an index is repeated in the index's own header and skipped here.
func chunked4(c *h5file.Cursor, l *Layout) error {
	flags, rank, width := c.U8(), int(c.U8()), int(c.U8())
	if width == 0 || width > 8 || flags > 3 {
		return fault.New(fault.DataLoss, "chunkindex: parse layout message: chunk flags %#x, extents of %d bytes", flags, width)
	}
	l.PartialUnfiltered = flags&1 != 0
	l.chunks(dims(c, rank, width))
	l.Index = IndexType(c.U8())
	switch l.Index {
	case Single:
		if l.filtered = flags&2 != 0; l.filtered {
			l.singleSize, l.singleMask = c.Length(), c.U32()
		}
	case Implicit:
	case FixedArray:
		c.Skip(1)
	case ExtensibleArray:
		c.Skip(5)
	case BTree2:
		c.Skip(6)
	default:
		return fault.New(fault.Unsupported, "chunkindex: parse layout message: chunk index %d", l.Index)
	}
	l.index = c.Addr()
	return nil
}

// IndexAt is where the chunk index begins, relative to the base address; h5file.Undefined if there is none.
func (l Layout) IndexAt() uint64 {
	if l.Class != Chunked {
		return h5file.Undefined
	}
	return l.index
}

// dims decodes extents. Ranks beyond what HDF5 allows come out as none, which checkChunks refuses.
func dims(c *h5file.Cursor, rank, width int) []uint64 {
	if rank > h5file.MaxRank+1 {
		return nil
	}
	v := make([]uint64, rank)
	for i := range v {
		v[i] = c.Uint(width)
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
	size, ok := h5file.Product(dims)
	if ok {
		l.ChunkBytes = size
	}
}

// checkChunks makes sure that dividing by chunk extents and multiplying them is safe.
func (o *Object) checkChunks() error {
	l := &o.Layout
	if o.Space.Kind != h5file.Simple || len(l.ChunkDims) == 0 || len(l.ChunkDims) != len(o.Space.Dims) {
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
