package filter

import (
	"encoding/binary"
	"fmt"
)

var szipEntry = entry{
	info: Info{ID: 4, Name: "szip", Params: "option mask, pixels per block, bits per pixel, pixels per scanline",
		Code: szipCode, Help: "a build with cgo and libaec reads it"},
	open: openSzip,
}

// szip is H5Z_FILTER_SZIP: the decoded size in four bytes, little-endian, then a stream of extended Rice codes as of
// CCSDS 121.0-B, arranged as the original szip did it: 32- and 64-bit pixels as shuffled bytes, each scanline filled up
// to whole blocks.
type szip struct {
	msb, neighbours bool // options: byte order; differences between neighbours are coded
	shuffled        int  // bytes of a pixel that was split into bytes, else 0
	bits, sample    int  // of a coded sample: its bits, and the bytes it has in memory
	block           int  // samples
	line, pad       int  // samples of a scanline, and those added to it
	interval        int  // blocks of a scanline
}

// openSzip refuses what szlib.h rules out.
func openSzip(params []uint32, _ int) (decoder, error) {
	const msb, neighbours, maxBlock, maxBlocks = 16, 32, 32, 128
	if len(params) < 4 {
		return nil, fmt.Errorf("%d of 4 values", len(params))
	}
	mask, block, bits, line := params[0], params[1], params[2], params[3]
	switch {
	case block == 0 || block > maxBlock || block%2 != 0:
		return nil, fmt.Errorf("blocks of %d pixels", block)
	case bits == 0 || bits > 32 && bits != 64:
		return nil, fmt.Errorf("%d bits per pixel", bits)
	case line < block || line > maxBlock*maxBlocks:
		return nil, fmt.Errorf("scanlines of %d pixels", line)
	}
	z := szip{msb: mask&msb != 0, neighbours: mask&neighbours != 0, bits: int(bits), block: int(block), line: int(line)}
	z.interval = (z.line + z.block - 1) / z.block
	z.pad = z.interval*z.block - z.line
	if bits == 32 || bits == 64 {
		z.shuffled, z.bits = z.bits/8, 8
	}
	z.sample = 1
	for 8*z.sample < z.bits {
		z.sample *= 2
	}
	return z, nil
}

func (z szip) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	n, err := z.length(src, want)
	if err != nil {
		return nil, err
	}
	dst := s.out(n)
	if n == 0 {
		return dst, nil
	}
	if z.pad == 0 && z.shuffled == 0 {
		return dst, z.fill(dst, src[4:])
	}
	tmp := s.temp(z.coded(n))
	if err := z.unpad(tmp[:n], tmp, src[4:]); err != nil {
		return nil, err
	}
	z.gather(dst, tmp[:n])
	return dst, nil
}

// planes is part of planar: pixels that were split into bytes may stay so.
func (z szip) planes(s *Scratch, src []byte, want size) (Result, error) {
	n, err := z.length(src, want)
	if err != nil || z.shuffled == 0 || n == 0 || s.dst != nil {
		data, err := z.decode(s, src, want)
		return Result{Data: data}, err
	}
	buf := s.out(z.coded(n))
	err = z.unpad(buf[:n], buf, src[4:])
	return Result{Data: buf[:n], Planes: n / z.shuffled, Elem: z.shuffled}, err
}

// length is how many bytes are decoded.
func (z szip) length(src []byte, want size) (int, error) {
	if len(src) < 4 {
		return 0, errStream
	}
	n := binary.LittleEndian.Uint32(src)
	if int64(n) > int64(want.n) {
		return 0, fmt.Errorf("the header says %d bytes where the chunk has %d", n, want.n)
	}
	if z.shuffled > 0 && int(n)%z.shuffled != 0 { // the encoder splits whole pixels and leaves the rest to chance
		return 0, fmt.Errorf("the last %d of %d bytes were not stored: they fill no pixel of %d", int(n)%z.shuffled, n, z.shuffled)
	}
	return int(n), nil
}

// coded is how many bytes n of them take with what fills up the scanlines.
func (z szip) coded(n int) int {
	if z.pad == 0 {
		return n
	}
	lines := (n/z.sample + z.line - 1) / z.line
	return max(n, lines*(z.line+z.pad)*z.sample)
}

// fill decodes src into all of dst.
func (z szip) fill(dst, src []byte) error {
	if n := z.aec(dst, src); n != len(dst) {
		return fmt.Errorf("%d bytes of %d: %w", n, len(dst), errStream)
	}
	return nil
}

// unpad decodes src into tmp and copies the scanlines without what was added to them to dst, which may be tmp's beginning.
func (z szip) unpad(dst, tmp, src []byte) error {
	line, step := z.line*z.sample, (z.line+z.pad)*z.sample
	full, rest := len(dst)/line, len(dst)%line
	need := full * step
	if rest > 0 {
		need += rest
	} else {
		need -= z.pad * z.sample
	}
	if n := z.aec(tmp, src); n < need {
		return fmt.Errorf("%d bytes of %d: %w", n, need, errStream)
	}
	for len(dst) > 0 {
		n := copy(dst, tmp[:min(line, len(tmp))])
		dst, tmp = dst[n:], tmp[min(step, len(tmp)):]
	}
	return nil
}

// gather puts the bytes of split pixels together again.
func (z szip) gather(dst, src []byte) {
	if z.shuffled > 0 {
		unshuffle(dst, src, z.shuffled)
	} else {
		copy(dst, src)
	}
}
