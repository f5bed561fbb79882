package chunkindex

import (
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// Record types of version 2 B-trees (III.A.2): chunks without and with filters.
const (
	plainChunks    = 10
	filteredChunks = 11
)

// tree2 is a version 2 B-tree of chunks (VII.E).
type tree2 struct {
	*walker
	*h5file.Tree2
	sizeWidth int // bytes of a chunk's size in a record with filters
}

func (w *walker) btree2() error {
	tree, err := w.Tree2(w.l.index)
	if err != nil {
		return err
	}
	t := &tree2{walker: w, Tree2: tree}
	if err := t.describe(); err != nil {
		return err
	}
	w.x.grow(min(t.Records, w.File.Size()/t.RecordSize))
	return t.Walk(t.records)
}

// describe checks the record: an address, for filtered chunks size and mask, and the numbers along the axes.
func (t *tree2) describe() error {
	fixed := int(t.File.SizeOfOffsets) + 8*len(t.scaled)
	ok := t.Type == plainChunks && int(t.RecordSize) == fixed
	if t.Type == filteredChunks {
		t.sizeWidth = int(t.RecordSize) - fixed - 4
		ok = t.sizeWidth >= 1 && t.sizeWidth <= 8
	}
	if !ok {
		return fault.New(fault.DataLoss, "chunkindex: read B-tree header at %#x: type %d, records of %d bytes", t.l.index, t.Type, t.RecordSize)
	}
	return nil
}

func (t *tree2) records(b []byte) error {
	c := t.File.Cursor(b)
	size, mask := t.l.ChunkBytes, uint32(0)
	for len(c.B) > 0 {
		addr := c.Addr()
		if t.Type == filteredChunks {
			size, mask = c.Uint(t.sizeWidth), c.U32()
		}
		for i := range t.scaled {
			t.scaled[i] = c.Uint(8)
		}
		if err := t.keyed(addr, size, mask); err != nil {
			return err
		}
	}
	return nil
}
