package objects

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// symbols is a group of the old kind: a version 1 B-tree of symbol table nodes and a local heap with the names (III.B,
// IV.A.2.r).
type symbols struct {
	s     *h5file.Source
	root  uint64
	names []byte // of the heap
}

func openSymbols(s *h5file.Source, message []byte) (*symbols, error) {
	c := s.File.Cursor(message)
	root, heap := c.Addr(), c.Addr()
	if c.Short {
		return nil, h5file.CutOff("symbol table")
	}
	names, err := s.LocalHeap(heap)
	if err != nil {
		return nil, err
	}
	return &symbols{s, root, bytes.Clone(names)}, nil
}

func eachSymbol(s *h5file.Source, message []byte, add func(link) error) error {
	t, err := openSymbols(s, message)
	if err != nil {
		return err
	}
	return t.walk(add)
}

// name is a NUL-terminated text of the heap.
func (t *symbols) name(at uint64) (string, error) {
	if at >= uint64(len(t.names)) {
		return "", fault.New(fault.DataLoss, "a name lies at %d of a local heap of %d bytes", at, len(t.names))
	}
	name, _, ended := bytes.Cut(t.names[at:], []byte{0})
	if !ended {
		return "", fault.New(fault.DataLoss, "a name at %d of a local heap has no end", at)
	}
	return string(name), nil
}

// maxLevel is more than the levels that one byte counts.
const maxLevel = 256

// node is a node of the B-tree that is still to be read.
type node struct {
	addr  uint64
	level int // that it must be below
}

// children reads a node (III.A.1): what lies below it, the keys between, and its level.
func (t *symbols) children(n node) (addrs, keys []uint64, level int, err error) {
	o, l := uint64(t.s.File.SizeOfOffsets), uint64(t.s.File.SizeOfLengths)
	b, err := t.s.At(n.addr, 8+2*o)
	if err != nil {
		return nil, nil, 0, err
	}
	if err := h5file.Signature(b, n.addr, "TREE"); err != nil {
		return nil, nil, 0, err
	}
	entries := uint64(b[6]) | uint64(b[7])<<8
	if level = int(b[5]); b[4] != 0 || level >= n.level {
		return nil, nil, 0, fault.New(fault.DataLoss, "B-tree node at %#x: type %d, level %d below %d", n.addr, b[4], level, n.level)
	}
	if b, err = t.s.At(n.addr+8+2*o, entries*(l+o)+l); err != nil {
		return nil, nil, 0, err
	}
	c := t.s.File.Cursor(b)
	keys = []uint64{c.Length()}
	for range entries {
		addrs, keys = append(addrs, c.Addr()), append(keys, c.Length())
	}
	return addrs, keys, level, nil
}

// walk gives all symbols, depth first. Levels have to fall from node to node, so that a path has an end.
func (t *symbols) walk(add func(link) error) error {
	todo := []node{{t.root, maxLevel}}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		addrs, _, level, err := t.children(n)
		if err != nil {
			return err
		}
		if level == 0 {
			err = t.leaves(addrs, add)
		} else {
			todo = append(todo, below(addrs, level)...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// below are the nodes to be read next, the last one first.
func below(addrs []uint64, level int) []node {
	out := make([]node, 0, len(addrs))
	for _, at := range slices.Backward(addrs) {
		out = append(out, node{at, level})
	}
	return out
}

func (t *symbols) leaves(addrs []uint64, add func(link) error) error {
	for _, at := range addrs {
		if err := t.leaf(at, add); err != nil {
			return err
		}
	}
	return nil
}

// leaf gives the entries of a symbol table node (III.B, III.C).
func (t *symbols) leaf(addr uint64, add func(link) error) error {
	b, err := t.s.At(addr, 8)
	if err != nil {
		return err
	}
	if err := h5file.Signature(b, addr, "SNOD"); err != nil {
		return err
	}
	n := uint64(b[6]) | uint64(b[7])<<8
	if b[4] != 1 {
		return fault.New(fault.Unsupported, "symbol table node of version %d", b[4])
	}
	entry := uint64(t.s.File.SizeOfLengths) + uint64(t.s.File.SizeOfOffsets) + 8 + 16
	if b, err = t.s.At(addr+8, n*entry); err != nil {
		return err
	}
	for c := t.s.File.Cursor(b); len(c.B) > 0; {
		l, err := t.entry(c)
		if err == nil {
			err = add(l)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// entry decodes a symbol table entry (III.C), where libhdf5 keeps the place of a name as a length (H5G__ent_decode). One of
// cache type 2 is a soft link.
func (t *symbols) entry(c *h5file.Cursor) (l link, err error) {
	at := c.Length()
	l.addr = c.Addr()
	cache := c.U32()
	c.Skip(4)
	scratch := c.Bytes(16)
	if l.name, err = t.name(at); err == nil && cache == 2 {
		l.class = softLink
		l.target, err = t.name(uint64(t.s.File.Cursor(scratch).U32()))
	}
	if err != nil {
		return l, err
	}
	return l, t.s.Spend(t.root, uint64(len(l.name)+len(l.target)))
}

// findSymbol is the link of a name. Keys of the B-tree are names of the heap: a child has what comes behind the key before
// it, up to the one behind it.
func findSymbol(s *h5file.Source, message []byte, name string) (link, bool, error) {
	t, err := openSymbols(s, message)
	if err != nil {
		return link{}, false, err
	}
	for n := (node{t.root, maxLevel}); ; {
		addrs, keys, level, err := t.children(n)
		if err != nil {
			return link{}, false, err
		}
		i, err := t.childOf(keys, name)
		if err != nil || i >= len(addrs) {
			return link{}, false, err
		}
		if level == 0 {
			return t.within(addrs[i], name)
		}
		n = node{addrs[i], level}
	}
}

// childOf is the number of the child in which a name would be.
func (t *symbols) childOf(keys []uint64, name string) (int, error) {
	low, high := 0, len(keys)-1
	for low < high {
		mid := (low + high) / 2
		key, err := t.name(keys[mid+1])
		if err != nil {
			return 0, err
		}
		if cmp.Compare(name, key) <= 0 {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low, nil
}

func (t *symbols) within(addr uint64, name string) (found link, ok bool, err error) {
	err = t.leaf(addr, func(l link) error {
		if l.name == name {
			found, ok = l, true
		}
		return nil
	})
	return found, ok && err == nil, err
}
