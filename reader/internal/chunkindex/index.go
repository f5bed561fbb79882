package chunkindex

import (
	"cmp"
	"iter"
	"slices"
	"unsafe"

	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// Chunk is where a stored chunk is.
type Chunk struct {
	Addr uint64 // absolute in the file: the base address is added
	Size uint64 // bytes stored
	Mask uint32 // bit i set: filter i of the pipeline was not applied
}

// Index is a dataset's chunks, named by their position in the row-major grid of the current extent. It is immutable and
// safe for concurrent use.
type Index struct {
	grid grid
	n    int

	// Parallel columns. With linear they are sorted by it; without, they are the grid from its start, and what is not
	// stored has the address h5file.Undefined. size nil: every chunk has bytes; mask nil: every mask is zero.
	linear []uint64
	addr   []uint64
	size   []uint64
	mask   []uint32
	bytes  uint64

	implicit  *implicit // instead of the columns
	unpartial bool      // partial chunks are stored without filters
}

// Len returns the number of chunks stored within the extent.
func (x *Index) Len() int { return x.n }

// Stored returns the bytes of all chunks together, as they are in the file.
func (x *Index) Stored() uint64 {
	if x.size == nil {
		return uint64(x.n) * x.bytes // the walk made sure that it is in the file
	}
	total := uint64(0)
	for _, c := range x.All() {
		total += c.Size
	}
	return total
}

// Grid returns the number of chunks along each axis of the current extent. It is not to be changed.
func (x *Index) Grid() []uint64 { return x.grid.n }

// At returns the chunk at a row-major position in the grid; false if it isn't stored or is outside the extent.
func (x *Index) At(linear uint64) (Chunk, bool) {
	if linear >= x.grid.total {
		return Chunk{}, false
	}
	if x.implicit != nil {
		return x.implicit.at(x, linear)
	}
	if x.linear == nil {
		if linear >= uint64(len(x.addr)) || x.addr[linear] == h5file.Undefined {
			return Chunk{}, false
		}
		return x.row(int(linear)), true
	}
	i, ok := slices.BinarySearch(x.linear, linear)
	if !ok {
		return Chunk{}, false
	}
	return x.row(i), true
}

func (x *Index) row(i int) Chunk {
	c := Chunk{Addr: x.addr[i], Size: x.bytes}
	if x.size != nil {
		c.Size = x.size[i]
	}
	if x.mask != nil {
		c.Mask = x.mask[i]
	}
	return c
}

// All yields the chunks stored, by their row-major positions in ascending order.
func (x *Index) All() iter.Seq2[uint64, Chunk] {
	return func(yield func(uint64, Chunk) bool) {
		if x.implicit != nil {
			x.implicit.all(x, yield)
			return
		}
		for i, addr := range x.addr {
			at := uint64(i)
			if x.linear != nil {
				at = x.linear[i]
			}
			if addr != h5file.Undefined && !yield(at, x.row(i)) {
				return
			}
		}
	}
}

// Numbers iterates over the numbers of the stored chunks, ascending.
func (x *Index) Numbers() iter.Seq[uint64] {
	return func(yield func(uint64) bool) {
		for linear := range x.All() {
			if !yield(linear) {
				return
			}
		}
	}
}

// Unfiltered tells whether the chunk at a row-major position is stored without filters because it reaches over the
// extent and the dataset was created so (H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS).
func (x *Index) Unfiltered(linear uint64) bool {
	return x.unpartial && linear < x.grid.total && x.grid.partial(linear)
}

// Unused returns the mask of the filters that no chunk went through.
func (x *Index) Unused() uint32 {
	unused := ^uint32(0)
	for linear, c := range x.All() {
		if !x.Unfiltered(linear) {
			unused &= c.Mask
		}
	}
	return unused
}

// Covered returns how many elements of the chunk at a row-major position of the grid, from its first on, hold all that
// are inside the extent.
func (x *Index) Covered(linear uint64) uint64 { return x.grid.covered(linear) }

// Footprint returns the bytes of memory the index takes.
func (x *Index) Footprint() int64 {
	n := 8*(cap(x.linear)+cap(x.addr)+cap(x.size)) + 4*cap(x.mask) + 32*len(x.grid.n)
	return int64(n) + int64(unsafe.Sizeof(*x))
}

// grow makes room for n chunks, or for the whole grid if it is smaller.
func (x *Index) grow(n uint64) {
	x.addr = slices.Grow(x.addr, int(min(n, x.grid.total)))
}

// add appends a chunk. Those without an address are not stored; those outside the grid are left over from a larger
// extent.
func (x *Index) add(linear, addr, size uint64, mask uint32) {
	if addr == h5file.Undefined || linear >= x.grid.total {
		return
	}
	if size != x.bytes && x.size == nil {
		x.size = append(make([]uint64, 0, cap(x.addr)), slices.Repeat([]uint64{x.bytes}, len(x.addr))...)
	}
	if mask != 0 && x.mask == nil {
		x.mask = make([]uint32, len(x.addr), cap(x.addr))
	}
	if x.linear == nil && linear != uint64(len(x.addr)) {
		x.linear = make([]uint64, len(x.addr), cap(x.addr))
		for i := range x.linear {
			x.linear[i] = uint64(i)
		}
	}
	if x.linear != nil {
		x.linear = append(x.linear, linear)
	}
	x.addr = append(x.addr, addr)
	if x.size != nil {
		x.size = append(x.size, size)
	}
	if x.mask != nil {
		x.mask = append(x.mask, mask)
	}
}

// finish sorts the columns and spreads them over the grid where that is no larger.
func (x *Index) finish() {
	if !ascending(x.linear) {
		x.sort()
	}
	x.n = len(x.addr)
	if total := x.grid.total; x.linear != nil && (total/2 <= uint64(x.n) || total <= 64) {
		x.spread()
	}
	x.linear, x.addr, x.size, x.mask = fit(x.linear), fit(x.addr), fit(x.size), fit(x.mask)
}

// fit gives back room that a column does not need.
func fit[T any](v []T) []T {
	if cap(v)-len(v) > len(v)/4 {
		return slices.Clone(v)
	}
	return v
}

func ascending(v []uint64) bool {
	for i := 1; i < len(v); i++ {
		if v[i] <= v[i-1] {
			return false
		}
	}
	return true
}

// sort orders the columns by position. Of chunks that a damaged index names twice the first stays.
func (x *Index) sort() {
	order := make([]int, len(x.linear))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(x.linear[a], x.linear[b]) })
	order = slices.CompactFunc(order, func(a, b int) bool { return x.linear[a] == x.linear[b] })
	x.linear, x.addr = pick(x.linear, order), pick(x.addr, order)
	x.size, x.mask = pick(x.size, order), pick(x.mask, order)
}

func pick[T any](v []T, order []int) []T {
	if v == nil {
		return nil
	}
	out := make([]T, len(order))
	for i, from := range order {
		out[i] = v[from]
	}
	return out
}

// spread gives every place of the grid a row.
func (x *Index) spread() {
	addr := slices.Repeat([]uint64{h5file.Undefined}, int(x.grid.total))
	for i, at := range x.linear {
		addr[at] = x.addr[i]
	}
	x.addr = addr
	x.size, x.mask = scatter(x.size, x.linear, len(addr)), scatter(x.mask, x.linear, len(addr))
	x.linear = nil
}

func scatter[T any](v []T, to []uint64, n int) []T {
	if v == nil {
		return nil
	}
	out := make([]T, n)
	for i, at := range to {
		out[at] = v[i]
	}
	return out
}
