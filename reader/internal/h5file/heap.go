package h5file

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/filter"
)

// Heap is a fractal heap (III.G): objects in blocks that a table doubles row by row, large ones by themselves. It belongs
// to its Source.
type Heap struct {
	s     *Source
	addr  uint64
	idLen int

	width       uint64 // blocks in a row
	start, most uint64 // bytes of the smallest and the largest direct block
	offsetWidth int    // bytes of an offset in the heap
	lengthWidth int    // bytes of an object's length
	root        block
	rows        uint64 // of the root, 0 if it is a direct block

	huge  uint64   // B-tree of the large objects
	large [][]byte // its records, once they were asked for
	pipe  *filter.Pipeline
	codec filter.Scratch

	indirect map[uint64][]byte // indirect blocks, by address
	decoded  map[uint64][]byte // the direct block that was decoded last, by address
}

// block is where a block is, and how it is stored if blocks are filtered.
type block struct {
	addr uint64
	size uint64 // filtered: bytes stored
	mask uint32
}

// MaxObject bounds an object of a heap, in bytes.
const MaxObject = 256 << 20

// maxUnfiltered bounds what filters give at once, in bytes. Only links are ever filtered, in blocks of 64 KiB; what is
// larger has a name of its own accord.
const maxUnfiltered = 1 << 20

// Bounds of what is kept of a heap.
const (
	maxIndirect = 64 // blocks
	maxDepth    = 64 // more than 64-bit offsets allow
)

func (h *Heap) damaged(what string) error {
	return fault.New(fault.DataLoss, "h5file: read fractal heap at %#x: %s", h.addr, what)
}

// Heap reads the header of the fractal heap at addr.
func (s *Source) Heap(addr uint64) (*Heap, error) {
	o, l := uint64(s.File.SizeOfOffsets), uint64(s.File.SizeOfLengths)
	b, err := s.At(addr, 9)
	if err != nil {
		return nil, err
	}
	filters := uint64(b[7]) | uint64(b[8])<<8
	size := 26 + 3*o + 12*l
	if filters > 0 {
		size += l + 4 + filters
	}
	if b, err = s.Block(addr, size, "FRHP"); err != nil {
		return nil, err
	}
	h := &Heap{s: s, addr: addr, indirect: map[uint64][]byte{}}
	if err := h.parse(s.File.Cursor(b[4 : len(b)-4])); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *Heap) parse(c *Cursor) error {
	version := c.U8()
	h.idLen = int(c.U16())
	filters := c.U16()
	c.Skip(1)
	managed := uint64(c.U32())
	c.Length() // next id of a huge object
	h.huge = c.Addr()
	c.Skip(9*c.L + c.O) // free space and statistics
	h.width = uint64(c.U16())
	h.start, h.most = c.Length(), c.Length()
	offsetBits := int(c.U16())
	c.Skip(2)
	h.root.addr, h.rows = c.Addr(), uint64(c.U16())
	h.offsetWidth = (offsetBits + 7) / 8
	h.lengthWidth = min((bits.Len64(h.most)+6)/8, (bits.Len64(managed)+7)/8)
	ok := h.width > 0 && bits.OnesCount64(h.start) == 1 && bits.OnesCount64(h.most) == 1 && h.start <= h.most
	if version != 0 || !ok || offsetBits > 64 || h.idLen == 0 {
		return h.damaged("it contradicts itself")
	}
	if filters == 0 {
		return nil
	}
	h.root.size, h.root.mask = c.Length(), c.U32()
	return h.filtered(c.B)
}

func (h *Heap) filtered(message []byte) error {
	specs, err := h.s.File.ParseFilters(message)
	if err == nil {
		h.pipe, err = filter.New(specs, 1)
	}
	return err
}

// Object returns a copy of the object with this id.
func (h *Heap) Object(id []byte) ([]byte, error) {
	b, _, err := h.Beginning(id, MaxObject)
	return b, err
}

// Beginning returns a copy of the object with this id and its size; of an object that lies by itself and is not filtered
// only the first most bytes, if it has more.
func (h *Heap) Beginning(id []byte, most uint64) (b []byte, size uint64, err error) {
	b, size, err = h.object(id, most)
	return b, max(size, uint64(len(b))), err
}

func (h *Heap) object(id []byte, most uint64) (b []byte, size uint64, err error) {
	if len(id) == 0 || id[0]>>6 != 0 {
		return nil, 0, h.damaged("an object's id is of a later version")
	}
	switch id[0] >> 4 & 3 {
	case 0:
		b, err = h.managed(id[1:])
	case 1:
		return h.hugeObject(id[1:], most)
	case 2:
		b, err = h.tiny(id)
	default:
		err = h.damaged("an object's id is of no known kind")
	}
	return b, 0, err
}

// Sort orders records by where the objects lie whose ids begin at a place in them: so blocks are read and unfiltered once,
// while the ids come in the order of names' hashes.
func (h *Heap) Sort(records [][]byte, at int) {
	place := func(record []byte) uint64 { return h.s.File.Cursor(record[at+1:]).Uint(h.offsetWidth) }
	slices.SortFunc(records, func(a, b []byte) int { return cmp.Or(cmp.Compare(a[at], b[at]), cmp.Compare(place(a), place(b))) })
}

// tiny is an object in its id. Ids that are long enough have a second byte of length.
func (h *Heap) tiny(id []byte) ([]byte, error) {
	n, skip := int(id[0]&15)+1, 1
	if h.idLen > 18 {
		if len(id) < 2 {
			return nil, h.damaged("an id is cut off")
		}
		n, skip = (int(id[0]&15)<<8|int(id[1]))+1, 2
	}
	if n > len(id)-skip {
		return nil, h.damaged("an object does not fit its id")
	}
	return slices.Clone(id[skip : skip+n]), nil
}

// managed is an object in a block.
func (h *Heap) managed(id []byte) ([]byte, error) {
	c := h.s.File.Cursor(id)
	offset, size := c.Uint(h.offsetWidth), c.Uint(h.lengthWidth)
	if c.Short {
		return nil, h.damaged("an id is cut off")
	}
	if h.rows == 0 {
		return h.within(h.root, offset, size, h.start)
	}
	return h.find(h.root.addr, h.rows, 0, offset, size, maxDepth)
}

// within is size bytes at an offset of a direct block of so many bytes.
func (h *Heap) within(at block, offset, size, whole uint64) ([]byte, error) {
	if at.addr == Undefined || size > whole || offset > whole-size {
		return nil, h.damaged("an object lies outside its block")
	}
	if h.pipe == nil {
		b, err := h.s.At(at.addr+offset, size)
		return slices.Clone(b), err
	}
	b, err := h.decode(at, whole)
	if err != nil {
		return nil, err
	}
	return slices.Clone(b[offset : offset+size]), nil
}

// decode undoes the filters of a direct block and keeps it for the next object.
func (h *Heap) decode(at block, whole uint64) ([]byte, error) {
	if b := h.decoded[at.addr]; uint64(len(b)) == whole && whole > 0 {
		return b, nil
	}
	b, err := h.s.At(at.addr, at.size)
	if err != nil {
		return nil, err
	}
	out, err := h.unfilter(at.addr, b, at.mask, whole)
	if err == nil {
		h.decoded = map[uint64][]byte{at.addr: out}
	}
	return out, err
}

// unfilter undoes the filters of what lies at addr. It costs time by what comes out, which may be far more than is stored.
func (h *Heap) unfilter(addr uint64, b []byte, mask uint32, size uint64) ([]byte, error) {
	if size > maxUnfiltered {
		return nil, h.damaged("a filtered block or object is too large")
	}
	if err := h.s.Spend(addr, size/64); err != nil {
		return nil, err
	}
	out := make([]byte, size)
	return out, h.pipe.DecodeInto(&h.codec, b, mask, out)
}

// find returns an object below the indirect block at addr, which has rows and begins at the offset first.
func (h *Heap) find(addr, rows, first, offset, size uint64, depth int) ([]byte, error) {
	b, err := h.indirectBlock(addr, rows)
	if err != nil {
		return nil, err
	}
	for row := range rows {
		whole := h.rowSize(row)
		if whole == 0 || offset < first {
			break
		}
		if n := (offset - first) / whole; n < h.width {
			c := h.s.File.Cursor(b[h.entry(row*h.width+n):])
			return h.child(c, whole, first+n*whole, offset, size, depth)
		}
		hi, span := bits.Mul64(whole, h.width)
		next, carry := bits.Add64(first, span, 0)
		if hi != 0 || carry != 0 {
			break
		}
		first = next
	}
	return nil, h.damaged("an object lies outside its blocks")
}

// child goes on in a block of so many bytes: a direct one, or an indirect one with as many rows as span them.
func (h *Heap) child(c *Cursor, whole, first, offset, size uint64, depth int) ([]byte, error) {
	at := block{addr: c.Addr()}
	if at.addr == Undefined || depth == 0 {
		return nil, h.damaged("an object lies in a block that is not there")
	}
	if whole <= h.most {
		if h.pipe != nil {
			at.size, at.mask = c.Length(), c.U32()
		}
		return h.within(at, offset-first, size, whole)
	}
	rows := bits.Len64(whole) - bits.Len64(h.start) - (bits.Len64(h.width) - 1) + 1
	if rows <= 0 {
		return nil, h.damaged("it contradicts itself")
	}
	return h.find(at.addr, uint64(rows), first, offset, size, depth-1)
}

// indirectBlock returns the entries of an indirect block.
func (h *Heap) indirectBlock(addr, rows uint64) ([]byte, error) {
	if b, ok := h.indirect[addr]; ok && uint64(len(b)) == h.entry(rows*h.width) {
		return b, nil
	}
	head := 5 + uint64(h.s.File.SizeOfOffsets) + uint64(h.offsetWidth)
	b, err := h.s.Block(addr, head+h.entry(rows*h.width)+4, "FHIB")
	if err != nil {
		return nil, err
	}
	if len(h.indirect) == maxIndirect {
		clear(h.indirect)
	}
	h.indirect[addr] = slices.Clone(b[head : len(b)-4])
	return h.indirect[addr], nil
}

// entry is the place of the n-th entry of an indirect block: an address, and of a filtered direct block size and mask.
func (h *Heap) entry(n uint64) uint64 {
	o := uint64(h.s.File.SizeOfOffsets)
	if h.pipe == nil {
		return n * o
	}
	direct := min(n, h.directRows()*h.width)
	return n*o + direct*(uint64(h.s.File.SizeOfLengths)+4)
}

// directRows is the number of rows of direct blocks.
func (h *Heap) directRows() uint64 {
	return uint64(bits.Len64(h.most)-bits.Len64(h.start)) + 2
}

// rowSize is the bytes of a block in a row: two rows of the smallest, then doubling; 0 past 64 bits.
func (h *Heap) rowSize(row uint64) uint64 {
	if row < 2 {
		return h.start
	}
	if shift := row - 1; shift < uint64(bits.LeadingZeros64(h.start)) {
		return h.start << shift
	}
	return 0
}

// hugeObject is an object that lies by itself (III.G, "huge"): its id says where, or is the key of a B-tree that does.
func (h *Heap) hugeObject(id []byte, most uint64) ([]byte, uint64, error) {
	c := h.s.File.Cursor(id)
	if direct := c.O + c.L; h.idLen-1 >= direct && (h.pipe == nil || h.idLen-1 >= direct+c.L) {
		return h.stored(c, most)
	}
	record, err := h.hugeRecord(c.Uint(min(8, len(id), h.idLen-1)))
	if err != nil {
		return nil, 0, err
	}
	return h.stored(h.s.File.Cursor(record), most)
}

// hugeRecord is the record of a key, in which it ends.
func (h *Heap) hugeRecord(key uint64) ([]byte, error) {
	if err := h.readHuge(); err != nil {
		return nil, err
	}
	at, found := slices.BinarySearchFunc(h.large, key, func(record []byte, key uint64) int { return cmp.Compare(h.hugeKey(record), key) })
	if !found {
		return nil, h.damaged("it has no such object")
	}
	return h.large[at], nil
}

func (h *Heap) hugeKey(record []byte) uint64 {
	return h.s.File.Cursor(record[max(0, len(record)-int(h.s.File.SizeOfLengths)):]).Length()
}

// readHuge reads the B-tree of the large objects. It is small beside them, but not beside one way down for each.
func (h *Heap) readHuge() error {
	if h.large != nil {
		return nil
	}
	t, err := h.s.Tree2(h.huge)
	if err != nil {
		return err
	}
	h.large, err = t.All()
	return err
}

// stored reads a huge object: address and length, and of a filtered one its mask and size.
func (h *Heap) stored(c *Cursor, most uint64) ([]byte, uint64, error) {
	addr, n := c.Addr(), c.Length()
	stored, mask, size := min(n, most), uint32(0), n
	if h.pipe != nil {
		stored, mask, size = n, c.U32(), c.Length()
		most = size
	}
	if c.Short || min(size, most) > MaxObject {
		return nil, 0, h.damaged("an object is cut off, or larger than 256 MiB")
	}
	b, err := h.s.At(addr, stored)
	if err != nil || h.pipe == nil {
		return slices.Clone(b), size, err
	}
	b, err = h.unfilter(addr, b, mask, size)
	return b, size, err
}
