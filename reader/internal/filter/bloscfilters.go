package filter

import (
	"encoding/binary"

	"github.com/mtflight/mtflight/internal/fault"
)

// filtered says whether the blocks went through a filter that has to be undone.
func (c *bloscChunk) filtered() bool {
	for _, f := range c.filters {
		if f != 0 && f != filterTruncate && f != filterTruncateInt {
			return true
		}
	}
	return false
}

// undoFilters undoes the chunk's filters of a block, the last first. data and tmp are as long as dst.
func (c *bloscChunk) undoFilters(dst, data, tmp, chunk []byte) error {
	next := dst // where most chunks' only filter writes to
	for i := len(c.filters) - 1; i >= 0; i-- {
		switch f := c.filters[i]; f {
		case 0, filterTruncate, filterTruncateInt: // truncated precision stays so
			continue
		case filterShuffle:
			unshuffle(next, data, c.shuffleWidth(i))
		case filterBitshuffle:
			c.bitUnshuffle(next, data, tmp)
		case filterDelta:
			c.undoDelta(data, chunk, &dst[0] == &chunk[0])
			continue
		case filterByteDelta:
			undoByteDelta(data, c.shuffleWidth(i))
			continue
		default:
			return fault.New(fault.Unsupported, "Blosc filter %d: registered and user-defined filters aren't undone", f)
		}
		data, next = next, data
	}
	if &data[0] != &dst[0] {
		copy(dst, data)
	}
	return nil
}

// shuffleWidth returns the bytes that filter i shuffled: the filter's meta value, or an element.
func (c *bloscChunk) shuffleWidth(i int) int {
	if c.meta[i] != 0 {
		return int(c.meta[i])
	}
	return c.typesize
}

// bitUnshuffle undoes bitshuffle for the elements that come in eights. c-blosc 1 left a block alone whose number of
// elements is no multiple of eight.
func (c *bloscChunk) bitUnshuffle(dst, src, tmp []byte) {
	n := len(src) / c.typesize
	if n%8 != 0 && c.version <= blosc1Format {
		n = 0
	}
	done := n &^ 7 * c.typesize
	bitUnshuffle(dst[:done], src[:done], tmp, c.typesize)
	copy(dst[done:], src[done:])
}

// undoDelta undoes the delta filter in place: XOR with the element before in the chunk's first block, with the decoded
// first block's element in the others.
func (c *bloscChunk) undoDelta(data, chunk []byte, first bool) {
	w := 1
	switch {
	case c.typesize == 2 || c.typesize == 4:
		w = c.typesize
	case c.typesize%8 == 0:
		w = 8
	}
	n := len(data) / w * w
	if !first {
		xor(data[:n], chunk[:n])
		return
	}
	for i := w; i < n; i++ {
		data[i] ^= data[i-w]
	}
}

// xor sets a to a XOR b, which is as long.
func xor(a, b []byte) {
	i := 0
	for ; i+8 <= len(a); i += 8 {
		binary.LittleEndian.PutUint64(a[i:], binary.LittleEndian.Uint64(a[i:])^binary.LittleEndian.Uint64(b[i:]))
	}
	for ; i < len(a); i++ {
		a[i] ^= b[i]
	}
}

// undoByteDelta undoes the differences between neighbours in each of the w planes of shuffled bytes.
func undoByteDelta(data []byte, w int) {
	n := len(data) / w
	for k := range w {
		plane := data[k*n : (k+1)*n]
		for i := 1; i < n; i++ {
			plane[i] += plane[i-1]
		}
	}
}
