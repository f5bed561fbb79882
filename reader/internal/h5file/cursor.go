package h5file

import "encoding/binary"

// Cursor decodes little-endian fields from front to back. Past the end it yields zeros and Short is set, to be asked
// once at the end.
type Cursor struct {
	B     []byte // what is left
	O, L  int    // bytes of an offset and of a length
	Short bool
}

// Cursor decodes b with the widths of f.
func (f *File) Cursor(b []byte) *Cursor {
	return &Cursor{B: b, O: int(f.SizeOfOffsets), L: int(f.SizeOfLengths)}
}

// Bytes returns the next n bytes, nil if there are fewer.
func (c *Cursor) Bytes(n uint64) []byte {
	if n > uint64(len(c.B)) {
		c.Short, c.B = true, nil
		return nil
	}
	p := c.B[:n:n]
	c.B = c.B[n:]
	return p
}

// Skip passes over n bytes.
func (c *Cursor) Skip(n int) { c.Bytes(uint64(n)) }

// Uint decodes n <= 8 bytes.
func (c *Cursor) Uint(n int) uint64 {
	if len(c.B) >= 8 {
		v := binary.LittleEndian.Uint64(c.B)
		c.B = c.B[n:]
		return v << (64 - 8*n) >> (64 - 8*n)
	}
	var v uint64
	for i, x := range c.Bytes(uint64(n)) {
		v |= uint64(x) << (8 * i)
	}
	return v
}

// U8 decodes one byte.
func (c *Cursor) U8() uint8 { return uint8(c.Uint(1)) }

// U16 decodes two bytes.
func (c *Cursor) U16() uint16 { return uint16(c.Uint(2)) }

// U32 decodes four bytes.
func (c *Cursor) U32() uint32 { return uint32(c.Uint(4)) }

// Length decodes a length of the file's width.
func (c *Cursor) Length() uint64 { return c.Uint(c.L) }

// Addr decodes an address; all ones of whatever width is Undefined.
func (c *Cursor) Addr() uint64 {
	v := c.Uint(c.O)
	if v == Undefined>>(64-8*c.O) {
		return Undefined
	}
	return v
}
