package chunkindex

import (
	"math"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"

	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// walker fills an index from the file.
type walker struct {
	*h5file.Source
	o      *Object
	l      *Layout
	x      *Index
	scaled []uint64 // scratch: a chunk's numbers along the axes
	last   []uint64 // those of the chunk that a B-tree had before
}

// Walk reads the chunk index of a chunked dataset, once and whole: its cost is proportional to the bytes of the
// index. It fails with fault.Precondition for other layouts and fault.DataLoss for a damaged index. A dataset of which
// nothing is stored has an empty index.
func Walk(f *h5file.File, o *Object) (*Index, error) {
	l := &o.Layout
	if l.Class != Chunked {
		return nil, fault.New(fault.Precondition, "chunkindex: walk chunk index: layout class is %d, not chunked", l.Class)
	}
	g, err := newGrid(o.Space.Dims, l.ChunkDims)
	if err != nil {
		return nil, err
	}
	x := &Index{grid: g, bytes: l.ChunkBytes, unpartial: l.PartialUnfiltered}
	if g.total == 0 || l.index == h5file.Undefined {
		return x, nil
	}
	w := &walker{Source: f.Source(), o: o, l: l, x: x, scaled: make([]uint64, len(g.n))}
	if err := w.walk(); err != nil {
		return nil, err
	}
	if x.implicit == nil {
		x.finish()
	}
	return x, nil
}

func (w *walker) walk() error {
	switch w.l.Index {
	case BTree1:
		return w.btree1()
	case Single:
		return w.single()
	case Implicit:
		return w.implicitIndex()
	case FixedArray:
		return w.fixedArray()
	case ExtensibleArray:
		return w.extensibleArray()
	case BTree2:
		return w.btree2()
	}
	return fault.New(fault.Unsupported, "chunkindex: walk chunk index: type %d", w.l.Index)
}

// chunk adds a chunk by the numbers along its axes, which are in w.scaled.
func (w *walker) chunk(addr, size uint64, mask uint32) error {
	at, ok := w.x.grid.linear(w.scaled)
	if !ok {
		return nil // of an extent that was larger
	}
	return w.place(at, addr, size, mask)
}

// keyed is chunk for B-trees. Their keys ascend: libhdf5 does not find a chunk behind one that is damaged, and takes it
// for one that was never written.
func (w *walker) keyed(addr, size uint64, mask uint32) error {
	if slices.Compare(w.last, w.scaled) >= 0 {
		return fault.New(fault.DataLoss, "chunkindex: read B-tree at %#x: chunk %d follows chunk %d", w.l.index, w.scaled, w.last)
	}
	w.last = append(w.last[:0], w.scaled...)
	return w.chunk(addr, size, mask)
}

// place adds a chunk by its position.
func (w *walker) place(at, addr, size uint64, mask uint32) error {
	addr, err := w.File.Absolute(addr)
	if err != nil {
		return err
	}
	w.x.add(at, addr, size, mask)
	return nil
}

// single is the index of a dataset of one chunk: its address (VII.A).
func (w *walker) single() error {
	size := w.l.ChunkBytes
	if w.l.filtered {
		size = w.l.singleSize
	}
	return w.place(0, w.l.index, size, w.l.singleMask)
}

// implicit is all chunks of the maximal extent in one piece, in row-major order (VII.B).
type implicit struct {
	max  grid
	addr uint64 // absolute
}

func (w *walker) implicitIndex() error {
	m, err := newGrid(w.o.Space.Max, w.l.ChunkDims)
	if err != nil {
		return err
	}
	for i, n := range w.x.grid.n {
		if n > m.n[i] {
			return fault.New(fault.DataLoss, "chunkindex: walk chunk index: extent %d exceeds its maximum %d", w.o.Space.Dims, w.o.Space.Max)
		}
	}
	addr, err := w.File.Absolute(w.l.index)
	if err != nil {
		return err
	}
	size, ok := h5file.Product([]uint64{m.total, w.l.ChunkBytes})
	if !ok || addr+size < addr || w.x.grid.total > min(m.total, math.MaxInt) {
		return fault.New(fault.DataLoss, "chunkindex: walk chunk index: %d chunks of %d bytes in one piece", m.total, w.l.ChunkBytes)
	}
	w.x.implicit = &implicit{m, addr}
	w.x.n = int(w.x.grid.total)
	return nil
}

// at computes where the chunk at a position of x's grid is.
func (m *implicit) at(x *Index, linear uint64) (Chunk, bool) {
	at := uint64(0)
	for i, stride := range x.grid.stride {
		at += linear / stride * m.max.stride[i]
		linear %= stride
	}
	return Chunk{Addr: m.addr + at*x.bytes, Size: x.bytes}, true
}

func (m *implicit) all(x *Index, yield func(uint64, Chunk) bool) {
	for i := range x.grid.total {
		if c, _ := m.at(x, i); !yield(i, c) {
			return
		}
	}
}
