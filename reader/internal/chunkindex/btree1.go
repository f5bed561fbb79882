package chunkindex

import (
	"github.com/mtflight/mtflight/internal/fault"

	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// node1 is a node of a version 1 B-tree that is still to be read.
type node1 struct {
	addr  uint64
	level int
}

// maxLevel1 is more than the levels one byte counts.
const maxLevel1 = 256

// btree1 walks a version 1 B-tree of chunks (III.A.1), depth first. Levels have to fall from node to node, so that a
// path has an end.
func (w *walker) btree1() error {
	todo := []node1{{w.l.index, maxLevel1}}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		children, err := w.node1(n)
		if err != nil {
			return err
		}
		for i := len(children) - 1; i >= 0; i-- {
			todo = append(todo, children[i])
		}
	}
	return nil
}

// node1 adds a leaf's chunks, or returns an inner node's children.
func (w *walker) node1(n node1) ([]node1, error) {
	o := uint64(w.File.SizeOfOffsets)
	b, err := w.At(n.addr, 8+2*o)
	if err != nil {
		return nil, err
	}
	if err := h5file.Signature(b, n.addr, "TREE"); err != nil {
		return nil, err
	}
	kind, level, entries := b[4], int(b[5]), uint64(b[6])|uint64(b[7])<<8
	if kind != 1 || level >= n.level {
		return nil, fault.New(fault.DataLoss, "chunkindex: read B-tree node at %#x: type %d, level %d below %d", n.addr, kind, level, n.level)
	}
	key := 8 + 8*uint64(len(w.scaled)+1)
	if b, err = w.At(n.addr+8+2*o, entries*(key+o)); err != nil {
		return nil, err
	}
	c := w.File.Cursor(b)
	if level == 0 {
		return nil, w.leaf1(c, entries)
	}
	children := make([]node1, entries)
	for i := range children {
		c.Skip(int(key))
		children[i] = node1{c.Addr(), level}
	}
	return children, nil
}

// leaf1 adds the chunks of a leaf: each key with the child that follows. The last key is only a bound.
func (w *walker) leaf1(c *h5file.Cursor, entries uint64) error {
	for range entries {
		size, mask := c.U32(), c.U32()
		for i, chunk := range w.l.ChunkDims {
			at := c.Uint(8)
			if at%chunk != 0 {
				return fault.New(fault.DataLoss, "chunkindex: read B-tree key: chunk at element %d on axis %d, chunks of %d", at, i, chunk)
			}
			w.scaled[i] = at / chunk
		}
		c.Skip(8) // offset within an element
		if err := w.keyed(c.Addr(), uint64(size), mask); err != nil {
			return err
		}
	}
	return nil
}
