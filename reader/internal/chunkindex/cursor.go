package chunkindex

import "encoding/binary"

// cursor decodes little-endian fields from front to back. Past the end it yields zeros and short is set, to be asked
// once at the end.
type cursor struct {
	b     []byte
	o, l  int // bytes of an offset and of a length
	short bool
}

func (f *File) cursor(b []byte) *cursor {
	return &cursor{b: b, o: int(f.SizeOfOffsets), l: int(f.SizeOfLengths)}
}

// bytes returns the next n bytes, nil if there are fewer.
func (c *cursor) bytes(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.short, c.b = true, nil
		return nil
	}
	p := c.b[:n:n]
	c.b = c.b[n:]
	return p
}

func (c *cursor) skip(n int) { c.bytes(uint64(n)) }

// uint decodes n <= 8 bytes.
func (c *cursor) uint(n int) uint64 {
	if len(c.b) >= 8 {
		v := binary.LittleEndian.Uint64(c.b)
		c.b = c.b[n:]
		return v << (64 - 8*n) >> (64 - 8*n)
	}
	var v uint64
	for i, x := range c.bytes(uint64(n)) {
		v |= uint64(x) << (8 * i)
	}
	return v
}

func (c *cursor) u8() uint8      { return uint8(c.uint(1)) }
func (c *cursor) u16() uint16    { return uint16(c.uint(2)) }
func (c *cursor) u32() uint32    { return uint32(c.uint(4)) }
func (c *cursor) length() uint64 { return c.uint(c.l) }

// addr decodes an address; all ones of whatever width is Undefined.
func (c *cursor) addr() uint64 {
	v := c.uint(c.o)
	if v == Undefined>>(64-8*c.o) {
		return Undefined
	}
	return v
}
