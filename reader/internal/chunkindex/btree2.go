package chunkindex

import (
	"math"
	"math/bits"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
)

// tree2 is a version 2 B-tree of chunks (III.A.2): record types 10 and 11, VII.E.
type tree2 struct {
	*walker
	kind      uint8
	record    uint64 // bytes
	sizeWidth int    // bytes of a chunk's size in a record of type 11
	leafWidth int    // bytes of a node's record count in a pointer to it
	width     []int  // by depth: bytes of the count of records below a node of that depth
	most      []uint64
}

// maxDepth2 is more than 64-bit counts of records allow with two children a node.
const maxDepth2 = 64

func (w *walker) btree2() error {
	b, err := w.block(w.l.index, 16+uint64(w.f.SizeOfOffsets)+2+uint64(w.f.SizeOfLengths)+4, "BTHD")
	if err != nil {
		return err
	}
	c := w.f.cursor(b[4:])
	version := c.u8()
	t := &tree2{walker: w, kind: c.u8()}
	size := uint64(c.u32())
	t.record = uint64(c.u16())
	depth := int(c.u16())
	c.skip(2) // when to split and merge
	root, n, total := c.addr(), uint64(c.u16()), c.length()
	if err := t.describe(version); err != nil {
		return err
	}
	w.x.grow(min(total, w.f.size/t.record))
	if err := t.capacity(size, depth); err != nil {
		return err
	}
	if root == Undefined || n == 0 && depth == 0 {
		return nil
	}
	return t.node(root, n, depth)
}

// describe checks the record: an address, for filtered chunks size and mask, and the numbers along the axes.
func (t *tree2) describe(version uint8) error {
	fixed := int(t.f.SizeOfOffsets) + 8*len(t.scaled)
	ok := t.kind == 10 && int(t.record) == fixed
	if t.kind == 11 {
		t.sizeWidth = int(t.record) - fixed - 4
		ok = t.sizeWidth >= 1 && t.sizeWidth <= 8
	}
	if version != 0 || !ok {
		return fault.New(fault.DataLoss, "chunkindex: read B-tree header at %#x: version %d, type %d, records of %d bytes", t.l.index, version, t.kind, t.record)
	}
	return nil
}

// node2Overhead is signature, version, type and checksum.
const node2Overhead = 10

// capacity computes how many records nodes of each depth hold at most, which gives the widths of the counts.
func (t *tree2) capacity(size uint64, depth int) error {
	if depth > maxDepth2 || size < node2Overhead+t.record {
		return fault.New(fault.DataLoss, "chunkindex: read B-tree header at %#x: depth %d, nodes of %d bytes", t.l.index, depth, size)
	}
	n := (size - node2Overhead) / t.record
	t.leafWidth = countWidth(n)
	t.most, t.width = []uint64{n}, []int{0}
	below := n
	for u := 1; u <= depth; u++ {
		p := t.pointer(u)
		if size < node2Overhead+p {
			return fault.New(fault.DataLoss, "chunkindex: read B-tree header at %#x: nodes of %d bytes hold no pointer", t.l.index, size)
		}
		n = (size - node2Overhead - p) / (t.record + p)
		below = saturate(n, below)
		t.most, t.width = append(t.most, n), append(t.width, countWidth(below))
	}
	return nil
}

// saturate is n records and n+1 children of below records each, or as much as 64 bits count.
func saturate(n, below uint64) uint64 {
	hi, lo := bits.Mul64(n+1, below)
	sum, carry := bits.Add64(lo, n, 0)
	if hi != 0 || carry != 0 {
		return math.MaxUint64
	}
	return sum
}

func countWidth(n uint64) int { return (max(bits.Len64(n), 1)-1)/8 + 1 }

// pointer is the bytes of a pointer in a node of a depth: address, records, and, if it doesn't lead to a leaf, records
// below.
func (t *tree2) pointer(depth int) uint64 {
	return uint64(int(t.f.SizeOfOffsets) + t.leafWidth + t.width[depth-1])
}

// node adds the chunks of a node of n records and of all below it, in order.
func (t *tree2) node(addr, n uint64, depth int) error {
	if n > t.most[depth] {
		return fault.New(fault.DataLoss, "chunkindex: read B-tree node at %#x: %d records, room for %d", addr, n, t.most[depth])
	}
	signature, pointers := "BTLF", uint64(0)
	if depth > 0 {
		signature, pointers = "BTIN", (n+1)*t.pointer(depth)
	}
	b, err := t.block(addr, 6+n*t.record+pointers+4, signature)
	if err != nil {
		return err
	}
	if b[4] != 0 || b[5] != t.kind {
		return fault.New(fault.DataLoss, "chunkindex: read B-tree node at %#x: version %d, type %d", addr, b[4], b[5])
	}
	records, rest := b[6:6+n*t.record], b[6+n*t.record:]
	if depth == 0 {
		return t.records(records)
	}
	return t.inner(slices.Clone(records), t.f.cursor(slices.Clone(rest)), depth)
}

// inner takes the children and the records between them in turn.
func (t *tree2) inner(records []byte, c *cursor, depth int) error {
	for {
		child, n := c.addr(), c.uint(t.leafWidth)
		c.skip(t.width[depth-1])
		if err := t.node(child, n, depth-1); err != nil {
			return err
		}
		if len(records) == 0 {
			return nil
		}
		if err := t.records(records[:t.record]); err != nil {
			return err
		}
		records = records[t.record:]
	}
}

func (t *tree2) records(b []byte) error {
	c := t.f.cursor(b)
	size, mask := t.l.ChunkBytes, uint32(0)
	for len(c.b) > 0 {
		addr := c.addr()
		if t.kind == 11 {
			size, mask = c.uint(t.sizeWidth), c.u32()
		}
		for i := range t.scaled {
			t.scaled[i] = c.uint(8)
		}
		if err := t.keyed(addr, size, mask); err != nil {
			return err
		}
	}
	return nil
}
