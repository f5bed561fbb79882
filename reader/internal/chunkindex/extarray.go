package chunkindex

import (
	"math/bits"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"

	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// extArray is an extensible array (VII.D). Its index block holds the first elements, then the addresses of data blocks,
// then those of secondary blocks, which hold the addresses of further data blocks. Blocks come in levels: level u has
// 2^(u/2) data blocks of min*2^((u+1)/2) elements.
type extArray struct {
	*array
	levels      int
	inIndex     uint64 // elements in the index block
	min         uint64 // elements in the smallest data block
	minPtrs     uint64 // data blocks of the first level that has a secondary block
	offsetWidth uint64 // bytes of a block's offset in the array
	used        uint64 // one more than the highest element ever set
	first       uint64 // number of the next element in the walk
}

// extensibleArray walks the chunks of a dataset with one unlimited axis, which is the slowest in the array.
func (w *walker) extensibleArray() error {
	axis := slices.Index(w.o.Space.Max, h5file.Unlimited)
	if axis < 0 {
		return fault.New(fault.DataLoss, "chunkindex: walk extensible array: no axis is unlimited: %d", w.o.Space.Max)
	}
	a, err := w.newArray(axis)
	if err != nil {
		return err
	}
	b, err := w.Block(a.owner, 12+6*uint64(w.File.SizeOfLengths)+uint64(w.File.SizeOfOffsets)+4, "EAHD")
	if err != nil {
		return err
	}
	c := w.File.Cursor(b[5:])
	if err := a.describe(c.U8(), uint64(c.U8())); err != nil {
		return err
	}
	e, err := a.extensible(c)
	if err != nil {
		return err
	}
	a.x.grow(min(e.used, a.File.Size()/a.elemSize))
	if addr := c.Addr(); addr != h5file.Undefined && e.used > 0 {
		return e.indexBlock(addr)
	}
	return nil
}

// extensible decodes the creation parameters and statistics of the header.
func (a *array) extensible(c *h5file.Cursor) (*extArray, error) {
	width := c.U8() // bits of an element number
	e := &extArray{array: a, inIndex: uint64(c.U8()), min: uint64(c.U8()), minPtrs: uint64(c.U8())}
	if err := a.pages(c.U8()); err != nil {
		return nil, err
	}
	e.levels = 1 + int(width) - (bits.Len64(e.min) - 1)
	if width > 64 || bits.OnesCount64(e.min) != 1 || bits.OnesCount64(e.minPtrs) != 1 || e.minPtrs < 2 || e.levels < e.directLevels() {
		return nil, fault.New(fault.DataLoss, "chunkindex: read array header at %#x: blocks of %d elements, %d pointers, %d bits", a.owner, e.min, e.minPtrs, width)
	}
	e.offsetWidth = (uint64(width) + 7) / 8
	c.Skip(4 * c.L) // counts and sizes of blocks
	e.used = c.Length()
	c.Length() // elements within blocks
	return e, nil
}

// directLevels is the number of levels whose data blocks the index block itself points to.
func (e *extArray) directLevels() int { return 2 * (bits.Len64(e.minPtrs) - 1) }

// level returns how many data blocks a level has, and how many elements they have each.
func (e *extArray) level(u int) (blocks, elems uint64) {
	return 1 << (u / 2), e.min << ((u + 1) / 2)
}

func (e *extArray) indexBlock(addr uint64) error {
	o := uint64(e.File.SizeOfOffsets)
	elems := e.inIndex * e.elemSize
	data, secondary := 2*(e.minPtrs-1), uint64(e.levels-e.directLevels())
	b, err := e.Block(addr, e.prefix()+elems+(data+secondary)*o+4, "EAIB")
	if err != nil {
		return err
	}
	if err := e.owned(b, addr); err != nil {
		return err
	}
	b = slices.Clone(b[e.prefix() : len(b)-4])
	if err := e.add(b[:elems], 0); err != nil {
		return err
	}
	e.first = e.inIndex
	return e.allLevels(e.File.Cursor(b[elems:]))
}

// allLevels walks the levels in order; c has the addresses of the index block.
func (e *extArray) allLevels(c *h5file.Cursor) error {
	for u := 0; u < e.levels && e.first < e.used; u++ {
		blocks, elems := e.level(u)
		if u >= e.directLevels() {
			if err := e.secondary(c.Addr(), blocks, elems); err != nil {
				return err
			}
			continue
		}
		for range blocks {
			if err := e.dataBlock(c.Addr(), elems, nil, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// secondary walks a secondary block. Its bitmap of pages in use is one run of bits over all its data blocks, although
// its length is rounded up to bytes per block.
func (e *extArray) secondary(addr, blocks, elems uint64) error {
	if addr == h5file.Undefined {
		return e.skip(blocks, elems)
	}
	perBlock := uint64(0) // pages
	if elems > e.pageElems {
		perBlock = elems / e.pageElems
	}
	o := uint64(e.File.SizeOfOffsets)
	size, err := e.Times(blocks, (perBlock+7)/8+o)
	if err != nil {
		return err
	}
	b, err := e.Block(addr, e.prefix()+e.offsetWidth+size+4, "EASB")
	if err != nil {
		return err
	}
	if err := e.owned(b, addr); err != nil {
		return err
	}
	b = slices.Clone(b[e.prefix()+e.offsetWidth : len(b)-4])
	bitmap, addrs := b[:uint64(len(b))-blocks*o], e.File.Cursor(b[uint64(len(b))-blocks*o:])
	for i := uint64(0); i < blocks && e.first < e.used; i++ {
		if err := e.dataBlock(addrs.Addr(), elems, bitmap, i*perBlock); err != nil {
			return err
		}
	}
	return nil
}

// skip passes over blocks that are not there.
func (e *extArray) skip(blocks, elems uint64) error {
	hi, n := bits.Mul64(blocks, elems)
	next, carry := bits.Add64(e.first, n, 0)
	if hi != 0 || carry != 0 {
		next = h5file.Undefined // past every element there can be
	}
	e.first = next
	return nil
}

// dataBlock reads one data block, in pages if there is a bitmap with bits for them, from the given one.
func (e *extArray) dataBlock(addr, elems uint64, bitmap []byte, from uint64) error {
	first := e.first
	if err := e.skip(1, elems); err != nil || addr == h5file.Undefined || first >= e.used {
		return err
	}
	size, err := e.Times(elems, e.elemSize)
	if err != nil {
		return err
	}
	paged := len(bitmap) > 0
	if paged {
		size = 0
	}
	b, err := e.Block(addr, e.prefix()+e.offsetWidth+size+4, "EADB")
	if err != nil {
		return err
	}
	if err := e.owned(b, addr); err != nil {
		return err
	}
	if paged {
		return e.usedPages(addr+uint64(len(b)), elems, bitmap, from, first)
	}
	return e.add(b[e.prefix()+e.offsetWidth:len(b)-4], first)
}
