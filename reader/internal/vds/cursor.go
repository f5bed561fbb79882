package vds

import (
	"bytes"
	"encoding/binary"

	"github.com/mtflight/mtflight/internal/fault"
)

// cursor decodes little-endian fields from front to back. Past the end it yields zeros and short is set.
type cursor struct {
	b     []byte
	short bool
}

// bytes returns the next n bytes, nil if there are fewer.
func (c *cursor) bytes(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.short, c.b = true, nil
		return nil
	}
	p := c.b[:n]
	c.b = c.b[n:]
	return p
}

// uint decodes n <= 8 bytes.
func (c *cursor) uint(n int) uint64 {
	var v [8]byte
	copy(v[:], c.bytes(uint64(n)))
	return binary.LittleEndian.Uint64(v[:])
}

func (c *cursor) u32() uint32 { return uint32(c.uint(4)) }

// text decodes a string up to its NUL.
func (c *cursor) text() string {
	n := bytes.IndexByte(c.b, 0)
	if n < 0 {
		c.short, c.b = true, nil
		return ""
	}
	s := string(c.b[:n])
	c.b = c.b[n+1:]
	return s
}

// coordinate decodes a coordinate or an extent of n bytes; all ones is unlimited. What can't be counted in 62 bits is
// refused.
func (c *cursor) coordinate(n int) (int64, error) {
	v := c.uint(n)
	if v == ^uint64(0)>>(64-8*n) {
		return unlimited, nil
	}
	if v >= limit {
		return 0, fault.New(fault.Unsupported, "vds: parse selection: coordinate %d", v)
	}
	return int64(v), nil
}
