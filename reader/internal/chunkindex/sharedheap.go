package chunkindex

import (
	"math/bits"

	"github.com/mtflight/mtflight/internal/fault"
)

// fromSharedHeap returns a message of a type from the file's heap of shared messages (III.H, IV.A.2.p): the superblock
// extension leads to a table of indexes, one of which is for the type and names a fractal heap.
func (s *source) fromSharedHeap(typ uint16, id []byte) ([]byte, error) {
	if s.f.ext == Undefined {
		return nil, noSharedHeap(typ)
	}
	h, err := s.header(s.f.ext)
	if err != nil {
		return nil, err
	}
	c := s.f.cursor(h[msgSharedTable].data)
	c.skip(1)
	table, indexes := c.addr(), uint64(c.u8())
	if c.short {
		return nil, noSharedHeap(typ)
	}
	flag := typ
	if typ == msgOldFill { // both kinds of fill value have one flag (H5SM.c, H5SM_type_to_flag)
		flag = msgFill
	}
	const fixed = 14 // bytes of an index without its addresses
	b, err := s.block(table, 4+indexes*uint64(fixed+2*c.o)+4, "SMTB")
	if err != nil {
		return nil, err
	}
	c = s.f.cursor(b[4:])
	for range indexes {
		c.skip(2)
		types := c.u16()
		c.skip(fixed - 4)
		c.addr() // list or B-tree of the messages: an id is enough
		if heap := c.addr(); types>>flag&1 != 0 {
			return s.fractalObject(heap, id)
		}
	}
	return nil, noSharedHeap(typ)
}

func noSharedHeap(typ uint16) error {
	return fault.New(fault.DataLoss, "chunkindex: read shared message %#x: the file has no heap of them", typ)
}

// fractal is a fractal heap (III.G): objects in blocks that a table doubles row by row.
type fractal struct {
	*source
	addr        uint64
	width       uint64 // blocks in a row
	start, most uint64 // bytes of the smallest and the largest direct block
	offsetWidth int    // bytes of an offset in the heap
	lengthWidth int    // bytes of an object's length
	root        uint64
	rows        uint64 // of the root, 0 if it is a direct block
}

// fractalObject returns a copy of the object with this id (III.G, "managed" and "tiny").
func (s *source) fractalObject(addr uint64, id []byte) ([]byte, error) {
	switch kind := id[0]; {
	case kind>>6 != 0:
		return nil, fault.New(fault.DataLoss, "chunkindex: read fractal heap at %#x: id version %d", addr, kind>>6)
	case kind>>4&3 == 2:
		n := int(kind&15) + 1
		if n > len(id)-1 {
			return nil, fault.New(fault.DataLoss, "chunkindex: read fractal heap at %#x: object of %d bytes in an id", addr, n)
		}
		return append([]byte(nil), id[1:1+n]...), nil
	case kind>>4&3 != 0:
		return nil, fault.New(fault.Unsupported, "chunkindex: read fractal heap at %#x: huge object", addr)
	}
	h, err := s.fractal(addr)
	if err != nil {
		return nil, err
	}
	c := s.f.cursor(id[1:])
	offset, size := c.uint(h.offsetWidth), c.uint(h.lengthWidth)
	if c.short {
		return nil, h.damaged()
	}
	at, err := h.find(h.root, h.rows, 0, offset, maxFractalDepth)
	if err != nil {
		return nil, err
	}
	b, err := s.at(at, size)
	return append([]byte(nil), b...), err
}

// maxFractalDepth is more than 64-bit offsets allow.
const maxFractalDepth = 64

func (h *fractal) damaged() error {
	return fault.New(fault.DataLoss, "chunkindex: read fractal heap at %#x: it contradicts itself", h.addr)
}

func (s *source) fractal(addr uint64) (*fractal, error) {
	o, l := uint64(s.f.SizeOfOffsets), uint64(s.f.SizeOfLengths)
	b, err := s.block(addr, 26+3*o+12*l, "FRHP")
	if err != nil {
		return nil, err
	}
	h := &fractal{source: s, addr: addr}
	c := s.f.cursor(b[7:])
	filters := c.u16()
	c.skip(1)
	managed := uint64(c.u32())
	c.skip(int(10*l + 2*o)) // huge objects, free space, statistics
	h.width = uint64(c.u16())
	h.start, h.most = c.length(), c.length()
	offsetBits := int(c.u16())
	c.skip(2)
	h.root, h.rows = c.addr(), uint64(c.u16())
	h.offsetWidth = (offsetBits + 7) / 8
	h.lengthWidth = min((bits.Len64(h.most)+6)/8, (bits.Len64(managed)+7)/8)
	ok := h.width > 0 && bits.OnesCount64(h.start) == 1 && bits.OnesCount64(h.most) == 1 && h.start <= h.most
	if !ok || offsetBits > 64 {
		return nil, h.damaged()
	}
	if filters != 0 {
		return nil, fault.New(fault.Unsupported, "chunkindex: read fractal heap at %#x: it is compressed", addr)
	}
	return h, nil
}

// find returns the address of an offset below the block at addr, which is indirect if it has rows and begins at the
// offset first.
func (h *fractal) find(addr, rows, first, offset uint64, depth int) (uint64, error) {
	if rows == 0 {
		return addr + (offset - first), nil
	}
	o := uint64(h.f.SizeOfOffsets)
	b, err := h.at(addr, 5+o+uint64(h.offsetWidth)+rows*h.width*o)
	if err != nil {
		return 0, err
	}
	if err := signed(b, addr, "FHIB"); err != nil {
		return 0, err
	}
	for row := range rows {
		size := h.rowSize(row)
		if size == 0 {
			break
		}
		if n := (offset - first) / size; n < h.width {
			c := h.f.cursor(b[5+o+uint64(h.offsetWidth)+(row*h.width+n)*o:])
			return h.child(c.addr(), size, first+n*size, offset, depth)
		}
		hi, span := bits.Mul64(size, h.width)
		next, carry := bits.Add64(first, span, 0)
		if hi != 0 || carry != 0 {
			break
		}
		first = next
	}
	return 0, h.damaged()
}

// child goes on in a block of size bytes: a direct one, or an indirect one with as many rows as span the size.
func (h *fractal) child(addr, size, first, offset uint64, depth int) (uint64, error) {
	if addr == Undefined || depth == 0 {
		return 0, h.damaged()
	}
	if size <= h.most {
		return addr + (offset - first), nil
	}
	rows := bits.Len64(size) - bits.Len64(h.start) - (bits.Len64(h.width) - 1) + 1
	if rows <= 0 {
		return 0, h.damaged()
	}
	return h.find(addr, uint64(rows), first, offset, depth-1)
}

// rowSize is the bytes of a block in a row: two rows of the smallest, then doubling; 0 past 64 bits.
func (h *fractal) rowSize(row uint64) uint64 {
	if row < 2 {
		return h.start
	}
	if shift := row - 1; shift < uint64(bits.LeadingZeros64(h.start)) {
		return h.start << shift
	}
	return 0
}
