package chunkindex

import (
	"encoding/binary"
	"math"
	"slices"
	"unsafe"

	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// An index as bytes, for who keeps it beside its file: the number of rows and which columns there are, as two numbers of eight bytes,
// then the columns that there are: linear, addr and size of eight bytes each, mask of four. All little-endian.
const (
	keptHead = 2 * 8
	hasLine  = 1
	hasSize  = 2
	hasMask  = 4
	mostRow  = 3*8 + 4
)

// Kept tells whether the index has a form as bytes: one that follows from the header alone has none.
func (x *Index) Kept() bool { return x.implicit == nil && len(x.addr) > 0 }

// Bytes are the index in a form that Restore takes.
func (x *Index) Bytes() []byte {
	flags := uint64(0)
	for flag, has := range map[uint64]bool{hasLine: x.linear != nil, hasSize: x.size != nil, hasMask: x.mask != nil} {
		if has {
			flags |= flag
		}
	}
	b := make([]byte, 0, keptHead+len(x.addr)*mostRow)
	for _, column := range [][]uint64{{uint64(len(x.addr)), flags}, x.linear, x.addr, x.size} {
		for _, v := range column {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
	}
	for _, v := range x.mask {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// MostBytes is how long the bytes of an index of a file of so many bytes may be: a chunk takes four bytes of an index there at least, and
// up to two rows here.
func MostBytes(o *Object, fileSize int64) int64 {
	rows := min(uint64(fileSize)/2+64, math.MaxInt64/mostRow/2)
	if g, err := newGrid(o.Space.Dims, o.Layout.ChunkDims); err == nil {
		rows = min(rows, g.total)
	}
	return keptHead + int64(rows)*mostRow
}

// Restore makes the index of an object of Bytes, which it keeps; nil where they are not those of one. Where its chunks lie is checked when
// they are read, as with Walk.
func Restore(o *Object, b []byte) *Index {
	l := &o.Layout
	g, err := newGrid(o.Space.Dims, l.ChunkDims)
	if l.Class != Chunked || err != nil || len(b) < keptHead {
		return nil
	}
	x := &Index{grid: g, bytes: l.ChunkBytes, unpartial: l.PartialUnfiltered}
	n, flags := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	if b = b[keptHead:]; n > uint64(len(b))/8 || n > g.total || flags > hasLine|hasSize|hasMask {
		return nil
	}
	take := func(has bool, width uint64) []byte {
		if !has || n*width > uint64(len(b)) {
			return nil
		}
		column := b[:n*width]
		b = b[n*width:]
		return column
	}
	x.linear = words(take(flags&hasLine != 0, 8))
	x.addr = words(take(true, 8))
	x.size = words(take(flags&hasSize != 0, 8))
	if mask := take(flags&hasMask != 0, 4); mask != nil {
		x.mask = make([]uint32, n)
		for i := range x.mask {
			x.mask[i] = binary.LittleEndian.Uint32(mask[4*i:])
		}
	}
	if len(b) > 0 || x.addr == nil || (flags&hasLine != 0) != (x.linear != nil) || (flags&hasSize != 0) != (x.size != nil) || (flags&hasMask != 0) != (x.mask != nil) {
		return nil
	}
	return x.restored()
}

// restored counts the chunks; nil where they are not in the order of the grid.
func (x *Index) restored() *Index {
	if x.linear != nil {
		if x.n = len(x.addr); !ascending(x.linear) || x.n > 0 && x.linear[x.n-1] >= x.grid.total || slices.Contains(x.addr, h5file.Undefined) {
			return nil
		}
		return x
	}
	for _, addr := range x.addr {
		if addr != h5file.Undefined {
			x.n++
		}
	}
	return x
}

// words are numbers of eight bytes: where the machine has them in this order, the bytes themselves.
func words(b []byte) []uint64 {
	if len(b) == 0 {
		return nil
	}
	one := uint16(1)
	if at := unsafe.Pointer(unsafe.SliceData(b)); *(*byte)(unsafe.Pointer(&one)) == 1 && uintptr(at)%8 == 0 {
		return unsafe.Slice((*uint64)(at), len(b)/8)
	}
	out := make([]uint64, len(b)/8)
	for i := range out {
		out[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return out
}
