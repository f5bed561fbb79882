package filter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
)

var lzoEntry = entry{
	info: Info{ID: 305, Name: "lzo", Params: "level, PyTables format, object type; none of them used", Code: "own Go"},
	open: func([]uint32, int) (decoder, error) { return lzoFilter{}, nil },
}

// lzoFilter is PyTables' LZO filter: an LZO1X stream. Some old files have the Adler-32 of the decoded bytes and their
// number after it, four bytes each, little-endian.
type lzoFilter struct{}

func (lzoFilter) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	dst := s.out(want.n)
	z := lzo{dst: dst, src: src}
	if err := z.decode(); err != nil {
		return nil, fmt.Errorf("%d stored bytes: %w", len(src), err)
	}
	dst = dst[:z.op]
	return dst, lzoTrailer(dst, src[z.ip:])
}

func lzoTrailer(dst, rest []byte) error {
	switch {
	case len(rest) == 0:
		return nil
	case len(rest) != 8:
		return fmt.Errorf("%d bytes after the stream", len(rest))
	}
	stored, sum := binary.LittleEndian.Uint32(rest), adler32.Checksum(dst)
	if stored != sum || int(binary.LittleEndian.Uint32(rest[4:])) != len(dst) {
		return fmt.Errorf("checksum is %08x of %d bytes, the file says %08x of %d", sum, len(dst), stored,
			binary.LittleEndian.Uint32(rest[4:]))
	}
	return nil
}

// lzo decodes an LZO1X stream as described in the Linux kernel's Documentation/staging/lzo.rst: instructions copy from
// what was decoded, and up to three literals after that; what an instruction means depends on the literals before it.
type lzo struct {
	dst, src []byte
	op, ip   int
	literals int // copied since the last match: 0 to 3, or 4 for more
}

var errLzoEnd = errors.New("end of stream")

// decode runs the instructions up to the end marker.
func (z *lzo) decode() error {
	if len(z.src) > 0 && z.src[0] > 17 { // only here: literals to begin with
		n := int(z.src[0]) - 17
		z.ip, z.literals = 1, min(n, 4)
		if err := z.copyLiterals(n); err != nil {
			return err
		}
	}
	for z.ip < len(z.src) {
		if err := z.step(); err == errLzoEnd {
			return nil
		} else if err != nil {
			return err
		}
	}
	return errStream
}

func (z *lzo) step() error {
	b := int(z.src[z.ip])
	z.ip++
	switch {
	case b >= 64:
		return z.near(b)
	case b >= 32:
		return z.far(b, 5, 1)
	case b >= 16:
		return z.far(b, 3, 16384+b&8<<11)
	case z.literals == 0:
		return z.literalRun(b)
	}
	return z.short(b)
}

// literalRun copies 4 literals or more.
func (z *lzo) literalRun(b int) error {
	n, err := z.length(b, 4)
	if err != nil {
		return err
	}
	z.literals = 4
	return z.copyLiterals(n + 3)
}

// short copies two bytes from nearby, or three from farther off after a run of literals.
func (z *lzo) short(b int) error {
	h, err := z.byte()
	if err != nil {
		return err
	}
	dist := h<<2 + b>>2
	if z.literals == 4 {
		return z.match(dist+2049, 3, b&3)
	}
	return z.match(dist+1, 2, b&3)
}

// near copies 3 to 8 bytes from up to 2048 bytes back.
func (z *lzo) near(b int) error {
	h, err := z.byte()
	if err != nil {
		return err
	}
	n := b>>5 + 1
	return z.match(h<<3+b>>2&7+1, n, b&3)
}

// far copies any number of bytes; its distance counts from base.
func (z *lzo) far(b, bits, base int) error {
	n, err := z.length(b, bits)
	if err != nil {
		return err
	}
	if len(z.src)-z.ip < 2 {
		return errStream
	}
	d := int(binary.LittleEndian.Uint16(z.src[z.ip:]))
	z.ip += 2
	if base == 16384 && d>>2 == 0 {
		return errLzoEnd
	}
	return z.match(base+d>>2, n+2, d&3)
}

// length reads a length from the low bits of b. If they are zero it goes on: 255 for each zero byte, then a last byte.
func (z *lzo) length(b, bits int) (int, error) {
	low := 1<<bits - 1
	if b&low != 0 {
		return b & low, nil
	}
	for n := low; ; n += 255 {
		v, err := z.byte()
		if err != nil || v != 0 {
			return n + v, err
		}
	}
}

func (z *lzo) byte() (int, error) {
	if z.ip >= len(z.src) {
		return 0, errStream
	}
	z.ip++
	return int(z.src[z.ip-1]), nil
}

func (z *lzo) match(dist, n, literals int) error {
	if dist > z.op {
		return errStream
	}
	if n > len(z.dst)-z.op {
		return errTooLong
	}
	copyMatch(z.dst, z.op, dist, n)
	z.op += n
	z.literals = literals
	return z.copyLiterals(literals)
}

func (z *lzo) copyLiterals(n int) error {
	if n > len(z.src)-z.ip {
		return errStream
	}
	if n > len(z.dst)-z.op {
		return errTooLong
	}
	copy(z.dst[z.op:], z.src[z.ip:z.ip+n])
	z.op, z.ip = z.op+n, z.ip+n
	return nil
}
