package h5file

import (
	"math"
	"math/bits"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
)

// Tree2 is a version 2 B-tree (III.A.2): records of one size, in order. It belongs to its Source.
type Tree2 struct {
	Type       uint8  // what the records are
	RecordSize uint64 // bytes
	Records    uint64 // in all, as the header says

	s         *Source
	addr      uint64
	root      uint64
	rootCount uint64
	depth     int
	leafWidth int   // bytes of a node's record count in a pointer to it
	width     []int // by depth: bytes of the count of records below a node of that depth
	most      []uint64
}

// maxDepth2 is more than 64-bit counts of records allow with two children a node.
const maxDepth2 = 64

// Tree2 reads the header of the version 2 B-tree at addr.
func (s *Source) Tree2(addr uint64) (*Tree2, error) {
	b, err := s.Block(addr, 16+uint64(s.File.SizeOfOffsets)+2+uint64(s.File.SizeOfLengths)+4, "BTHD")
	if err != nil {
		return nil, err
	}
	c := s.File.Cursor(b[4:])
	version := c.U8()
	t := &Tree2{s: s, addr: addr, Type: c.U8()}
	size := uint64(c.U32())
	t.RecordSize = uint64(c.U16())
	t.depth = int(c.U16())
	c.Skip(2) // when to split and merge
	t.root, t.rootCount, t.Records = c.Addr(), uint64(c.U16()), c.Length()
	if version != 0 || t.RecordSize == 0 {
		return nil, fault.New(fault.DataLoss, "h5file: read B-tree header at %#x: version %d, type %d, records of %d bytes", addr, version, t.Type, t.RecordSize)
	}
	return t, t.capacity(size)
}

// node2Overhead is signature, version, type and checksum.
const node2Overhead = 10

// capacity computes how many records nodes of each depth hold at most, which gives the widths of the counts.
func (t *Tree2) capacity(size uint64) error {
	if t.depth > maxDepth2 || size < node2Overhead+t.RecordSize {
		return fault.New(fault.DataLoss, "h5file: read B-tree header at %#x: depth %d, nodes of %d bytes", t.addr, t.depth, size)
	}
	n := (size - node2Overhead) / t.RecordSize
	t.leafWidth = countWidth(n)
	t.most, t.width = []uint64{n}, []int{0}
	below := n
	for u := 1; u <= t.depth; u++ {
		p := t.pointer(u)
		if size < node2Overhead+p {
			return fault.New(fault.DataLoss, "h5file: read B-tree header at %#x: nodes of %d bytes hold no pointer", t.addr, size)
		}
		n = (size - node2Overhead - p) / (t.RecordSize + p)
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
func (t *Tree2) pointer(depth int) uint64 {
	return uint64(int(t.s.File.SizeOfOffsets) + t.leafWidth + t.width[depth-1])
}

func (t *Tree2) empty() bool { return t.root == Undefined || t.rootCount == 0 && t.depth == 0 }

// Walk gives all records in order, as many as lie side by side at a time. They are valid during the call.
func (t *Tree2) Walk(visit func(records []byte) error) error {
	if t.empty() {
		return nil
	}
	return t.walk(node2{t.root, t.rootCount, t.depth}, visit)
}

// All are copies of the records, in order.
func (t *Tree2) All() ([][]byte, error) {
	all := [][]byte{}
	err := t.Walk(func(b []byte) error {
		all = slices.AppendSeq(all, slices.Chunk(slices.Clone(b), int(t.RecordSize)))
		return nil
	})
	return all, err
}

// node2 is where a node is, how many records it has and how many levels are below it.
type node2 struct {
	addr, n uint64
	depth   int
}

// read returns a node's records and the pointers behind them.
func (t *Tree2) read(n node2) (records, pointers []byte, err error) {
	if n.n > t.most[n.depth] {
		return nil, nil, fault.New(fault.DataLoss, "h5file: read B-tree node at %#x: %d records, room for %d", n.addr, n.n, t.most[n.depth])
	}
	signature, tail := "BTLF", uint64(0)
	if n.depth > 0 {
		signature, tail = "BTIN", (n.n+1)*t.pointer(n.depth)
	}
	b, err := t.s.Block(n.addr, 6+n.n*t.RecordSize+tail+4, signature)
	if err != nil {
		return nil, nil, err
	}
	if b[4] != 0 || b[5] != t.Type {
		return nil, nil, fault.New(fault.DataLoss, "h5file: read B-tree node at %#x: version %d, type %d", n.addr, b[4], b[5])
	}
	return b[6 : 6+n.n*t.RecordSize], b[6+n.n*t.RecordSize:], nil
}

// child decodes the next pointer in a node of a depth.
func (t *Tree2) child(c *Cursor, depth int) node2 {
	n := node2{addr: c.Addr(), n: c.Uint(t.leafWidth), depth: depth - 1}
	c.Skip(t.width[depth-1])
	return n
}

func (t *Tree2) walk(n node2, visit func([]byte) error) error {
	records, pointers, err := t.read(n)
	if err != nil {
		return err
	}
	if n.depth == 0 {
		return visit(records)
	}
	records, c := slices.Clone(records), t.s.File.Cursor(slices.Clone(pointers))
	for {
		if err := t.walk(t.child(c, n.depth), visit); err != nil || len(records) == 0 {
			return err
		}
		if err := visit(records[:t.RecordSize]); err != nil {
			return err
		}
		records = records[t.RecordSize:]
	}
}

// Search returns a copy of the record for which compare says 0; nil if there is none. compare says whether what is sought
// comes before (-1) or behind (1) a record; it may read through the source.
func (t *Tree2) Search(compare func(record []byte) (int, error)) ([]byte, error) {
	if t.empty() {
		return nil, nil
	}
	for n := (node2{t.root, t.rootCount, t.depth}); ; {
		records, pointers, err := t.read(n)
		if err != nil {
			return nil, err
		}
		records, pointers = slices.Clone(records), slices.Clone(pointers)
		at, found, err := t.within(records, compare)
		if err != nil {
			return nil, err
		}
		if found != nil || n.depth == 0 {
			return found, nil
		}
		n = t.child(t.s.File.Cursor(pointers[at*int(t.pointer(n.depth)):]), n.depth)
	}
}

// within searches one node: the record, or the number of the child where it is.
func (t *Tree2) within(records []byte, compare func([]byte) (int, error)) (child int, found []byte, err error) {
	size := int(t.RecordSize)
	low, high := 0, len(records)/size
	for low < high {
		mid := (low + high) / 2
		record := records[mid*size:][:size:size]
		order, err := compare(record)
		switch {
		case err != nil:
			return 0, nil, err
		case order == 0:
			return mid, record, nil
		case order < 0:
			high = mid
		default:
			low = mid + 1
		}
	}
	return low, nil, nil
}
