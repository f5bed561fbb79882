package chunkstats

import (
	"encoding/binary"
	"math"
)

// A column as bytes: numbers of eight, little-endian, first those of head; then lo and hi of each chunk, null and nan where
// flags say so, a byte of state for each chunk, and the texts.
type head struct{ class, chunks, rows, flags, text uint64 }

const (
	headBytes = 5 * 8
	hasNull   = 1
	hasNaN    = 2
)

func (c *column) encode(t *Table) []byte {
	h := head{class: uint64(c.class), chunks: uint64(t.chunks), rows: uint64(t.rows), text: uint64(len(c.text))}
	if c.null != nil {
		h.flags |= hasNull
	}
	if c.nan != nil {
		h.flags |= hasNaN
	}
	b := make([]byte, 0, h.bytes())
	b = appendAll(b, []uint64{h.class, h.chunks, h.rows, h.flags, h.text})
	for _, numbers := range [][]uint64{c.lo, c.hi, c.null, c.nan} {
		b = appendAll(b, numbers)
	}
	for _, s := range c.state {
		b = append(b, byte(s))
	}
	return append(b, c.text...)
}

func appendAll(b []byte, numbers []uint64) []byte {
	for _, n := range numbers {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

// bytes is the length of it all; math.MaxUint64 where that is absurd.
func (h head) bytes() uint64 {
	if h.chunks > 1<<40 || h.text > 1<<48 {
		return math.MaxUint64
	}
	each := uint64(2*8 + 1)
	if h.flags&hasNull != 0 {
		each += 8
	}
	if h.flags&hasNaN != 0 {
		each += 8
	}
	return headBytes + h.chunks*each + h.text
}

// decode makes the column of a table of bytes; nil where they are of no column, or of another table's.
func (t *Table) decode(b []byte) *column {
	if len(b) < headBytes {
		return nil
	}
	first := numbers(b[:headBytes])
	h := head{first[0], first[1], first[2], first[3], first[4]}
	if h.flags > hasNull|hasNaN || h.bytes() != uint64(len(b)) || int64(h.chunks) != t.chunks || int64(h.rows) != t.rows || h.class < uint64(Int) || h.class > uint64(Text) {
		return nil
	}
	c := &column{class: Class(h.class)}
	b = b[headBytes:]
	take := func() []uint64 {
		n := h.chunks * 8
		out := numbers(b[:n])
		b = b[n:]
		return out
	}
	c.lo, c.hi = take(), take()
	if h.flags&hasNull != 0 {
		c.null = take()
	}
	if h.flags&hasNaN != 0 {
		c.nan = take()
	}
	c.state = make([]state, h.chunks)
	for i := range c.state {
		c.state[i] = state(b[i])
	}
	c.text = append([]byte{}, b[h.chunks:]...)
	if !c.plausible() {
		return nil
	}
	return c
}

func numbers(b []byte) []uint64 {
	out := make([]uint64, len(b)/8)
	for i := range out {
		out[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return out
}

// plausible checks every entry, and counts those that are known.
func (c *column) plausible() bool {
	for i, s := range c.state {
		if s > long || s == bounded && !c.ordered(c.lo[i], c.hi[i]) || c.null != nil && int64(c.null[i]) < 0 || c.nan != nil && int64(c.nan[i]) < 0 {
			return false
		}
		if s != unknown {
			c.known++
		}
	}
	return true
}

func (c *column) ordered(lo, hi uint64) bool {
	if c.class != Text {
		return lo <= hi
	}
	for _, ref := range [2]uint64{lo, hi} {
		if from, n := ref>>textBits, ref&(1<<textBits-1); n > MaxText || from > uint64(len(c.text)) || n > uint64(len(c.text))-from {
			return false
		}
	}
	return string(c.cell(lo)) <= string(c.cell(hi))
}
