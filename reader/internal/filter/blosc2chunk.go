package filter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/mtflight/mtflight/internal/fault"
)

// parseExtended reads the 16 further bytes of a header of c-blosc 2.
func (c *bloscChunk) parseExtended() error {
	const sizes, lazy, formatAlpha = 32, 8, 3
	if len(c.data) < sizes {
		return errors.New("the Blosc2 header is cut short")
	}
	c.header = sizes
	copy(c.filters[:], c.data[16:22])
	copy(c.meta[:], c.data[24:30])
	if c.version == formatAlpha { // it had five filters and left the sixth as it was
		c.filters[5], c.meta[5] = 0, 0
	}
	flags2, flags := c.data[30], c.data[31]
	c.special, c.dict = flags>>4&7, flags&1 != 0
	switch {
	case flags2 != 0:
		return fault.New(fault.Unsupported, "blosc2 chunk with blocks of variable length (flags %#x)", flags2)
	case flags&lazy != 0 && c.special == 0:
		return errors.New("lazy blosc2 chunk: its data is not in the file")
	case flags&0x80 != 0:
		return errors.New("instrumented blosc2 chunk: it holds no data")
	case c.dict:
		return fault.New(fault.Unsupported, "blosc2 chunk with a dictionary")
	}
	return nil
}

// The values of special chunks.
const (
	specialZero   = 1
	specialNaN    = 2
	specialValue  = 3
	specialUninit = 4
)

// fill writes the value of a special chunk. Uninitialised bytes are zero here.
func (c *bloscChunk) fill(dst []byte) error {
	switch c.special {
	case specialZero, specialUninit:
		clear(dst)
		return nil
	case specialNaN:
		return fillNaN(dst, c.typesize)
	case specialValue:
		return repeat(dst, c.data[c.header:])
	}
	return fmt.Errorf("unknown special Blosc2 chunk %d", c.special)
}

// plainBlock writes block i of a special chunk or of one that is stored as it is to dst. The block has the size of dst.
func (c *bloscChunk) plainBlock(dst []byte, i int) error {
	if c.special != 0 {
		return c.fill(dst)
	}
	if len(c.data)-c.header < (i+1)*len(dst) {
		return errStream
	}
	copy(dst, c.data[c.header+i*len(dst):])
	return nil
}

func fillNaN(dst []byte, w int) error {
	switch w {
	case 4:
		return repeat(dst, binary.LittleEndian.AppendUint32(nil, 0x7fc00000))
	case 8:
		return repeat(dst, binary.LittleEndian.AppendUint64(nil, 0x7ff8000000000000))
	}
	return fmt.Errorf("blosc2 chunk of NaN in elements of %d bytes", w)
}

func repeat(dst, value []byte) error {
	if len(value) == 0 || len(dst)%len(value) != 0 {
		return fmt.Errorf("%d bytes of a repeated value of %d", len(dst), len(value))
	}
	for n := copy(dst, value); n < len(dst); n *= 2 {
		copy(dst[n:], dst[:n])
	}
	return nil
}

// runStream writes a stream that is one repeated byte: zeros if size is 0, else the byte -size, announced by a token.
func runStream(dst, src []byte, size int) ([]byte, error) {
	if size == 0 {
		clear(dst)
		return src, nil
	}
	if len(src) == 0 || src[0]&1 == 0 || -size > math.MaxUint8 {
		return nil, errStream
	}
	for i := range dst {
		dst[i] = byte(-size)
	}
	return src[1:], nil
}
