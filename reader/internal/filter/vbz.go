package filter

import (
	"encoding/binary"
	"fmt"

	"github.com/mtflight/mtflight/internal/fault"
)

var vbzEntry = entry{
	info: Info{ID: 32020, Name: "vbz", Params: "version, integer bytes (1, 2, 4), 1: zigzag of differences, Zstandard level (0: none)",
		Code: "own Go; Zstandard as of zstd"},
	open: openVBZ,
}

// vbz is the filter of Oxford Nanopore's fast5 files: the decoded size in four bytes, then integers of width bytes as
// StreamVByte (https://arxiv.org/abs/1709.08990), in a Zstandard frame. With zigzag they are the zigzagged differences.
// Version 1 packs bytes by half bytes.
type vbz struct {
	width        int
	zigzag, zstd bool
	lengths      [4]int // half bytes of an integer by its key
}

// openVBZ refuses integers of 0 bytes, which are not packed.
func openVBZ(params []uint32, _ int) (decoder, error) {
	if len(params) < 4 || params[0] > 1 {
		return nil, fault.New(fault.Unsupported, "no version of it that is known")
	}
	width := params[1]
	if width != 1 && width != 2 && width != 4 {
		return nil, fault.New(fault.Unsupported, "integers of %d bytes", width)
	}
	v := vbz{width: int(width), zigzag: params[2] != 0, zstd: params[3] != 0, lengths: [4]int{2, 4, 6, 8}}
	if width == 1 && params[0] == 1 {
		v.lengths = [4]int{0, 1, 2, 4}
	}
	return v, nil
}

func (v vbz) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	if len(src) < 4 {
		return nil, errStream
	}
	n := binary.LittleEndian.Uint32(src)
	if uint64(n) > uint64(want.n) {
		return nil, errTooLong
	}
	if int(n)%v.width != 0 {
		return nil, fmt.Errorf("%d bytes of integers of %d", n, v.width)
	}
	count, packed := int(n)/v.width, src[4:]
	if v.zstd {
		packed = s.temp(v.packed(count))
		k, err := zstdFrames(packed, src[4:])
		if err != nil {
			return nil, fmt.Errorf("%d stored bytes: %w", len(src), err)
		}
		packed = packed[:k]
	}
	dst := s.out(int(n))
	return dst, v.unpack(dst, packed, count)
}

// packed is the most bytes that so many integers take in StreamVByte.
func (vbz) packed(count int) int { return (count+3)/4 + 4*count }

// unpack decodes StreamVByte: two bits an integer, its key, that say how long it is, then the integers.
func (v vbz) unpack(dst, src []byte, count int) error {
	keys := (count + 3) / 4
	if keys > len(src) {
		return errStream
	}
	data, at, last := src[keys:], 0, uint32(0) // at counts half bytes
	for i := range count {
		n := v.lengths[src[i>>2]>>(2*(i&3))&3]
		if n > 2*len(data)-at {
			return errStream
		}
		x := halves(data[at>>1:], at&1, n)
		if at += n; v.zigzag {
			last += x>>1 ^ -(x & 1)
			x = last
		}
		switch v.width {
		case 1:
			dst[i] = byte(x)
		case 2:
			binary.LittleEndian.PutUint16(dst[2*i:], uint16(x))
		default:
			binary.LittleEndian.PutUint32(dst[4*i:], x)
		}
	}
	if (at+1)/2 != len(data) {
		return errStream
	}
	return nil
}

// halves is a little-endian integer of n half bytes from the skip-th on; b has as many at least.
func halves(b []byte, skip, n int) uint32 {
	x := uint64(0)
	if len(b) >= 8 {
		x = binary.LittleEndian.Uint64(b)
	} else {
		for i := range min(len(b), 5) {
			x |= uint64(b[i]) << (8 * i)
		}
	}
	return uint32(x >> (4 * skip) & (1<<(4*n) - 1))
}
