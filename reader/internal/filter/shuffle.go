package filter

import (
	"encoding/binary"
	"errors"
)

var shuffleEntry = entry{
	info:  Info{ID: 2, Name: "shuffle", Params: "bytes of an element", Code: "own Go"},
	open:  openShuffle,
	fixed: true,
}

// shuffle is H5Z_FILTER_SHUFFLE for elements of this many bytes.
type shuffle int

func openShuffle(params []uint32, _ int) (decoder, error) {
	if len(params) < 1 || params[0] == 0 {
		return nil, errors.New("the size of an element is missing")
	}
	return shuffle(params[0]), nil
}

func (sh shuffle) decode(s *Scratch, src []byte, _ size) ([]byte, error) {
	if sh.idle(len(src)) {
		return src, nil
	}
	dst := s.out(len(src))
	unshuffle(dst, src, int(sh))
	return dst, nil
}

// idle says whether shuffling n bytes leaves them as they are.
func (sh shuffle) idle(n int) bool { return sh == 1 || n/int(sh) <= 1 }

// planes is part of planar.
func (sh shuffle) planes(_ *Scratch, src []byte, _ size) (Result, error) {
	if sh.idle(len(src)) {
		return Result{Data: src}, nil
	}
	return Result{Data: src, Planes: len(src) / int(sh), Elem: int(sh)}, nil
}

// unshuffleGo interleaves the len(src)/w byte planes of src into elements of w bytes; bytes after the last whole element
// are copied. dst is as long as src and doesn't overlap with it. It works on 2 KiB of elements at a time so that the
// strided side stays in the first-level cache.
func unshuffleGo(dst, src []byte, w int) {
	n := len(src) / w
	copy(dst[n*w:], src[n*w:])
	switch w {
	case 1:
		copy(dst, src)
	case 2:
		unshuffle2(dst, src, n)
	case 4:
		unshuffle4(dst, src, n)
	default:
		block := max(8, 2048/w&^7)
		for lo := 0; lo < n; lo += block {
			unshuffleBlock(dst, src, w, lo, min(lo+block, n))
		}
	}
}

func unshuffleBlock(dst, src []byte, w, lo, hi int) {
	n, k := len(src)/w, 0
	for ; k+8 <= w; k += 8 {
		eight(dst, src[k*n:(k+8)*n], w, k, lo, hi)
	}
	for ; k < w; k++ {
		d := lo*w + k
		for _, b := range src[k*n+lo : k*n+hi] {
			dst[d] = b
			d += w
		}
	}
}

// eight writes elements lo to hi of eight neighbouring planes to dst at byte k of each element.
func eight(dst, planes []byte, w, k, lo, hi int) {
	n := len(planes) / 8
	var m [8]uint64
	i := lo
	for ; i+8 <= hi; i += 8 {
		for j := range m {
			m[j] = binary.LittleEndian.Uint64(planes[j*n+i:])
		}
		transpose8(&m)
		d := i*w + k
		for j := range m {
			binary.LittleEndian.PutUint64(dst[d:], m[j])
			d += w
		}
	}
	for ; i < hi; i++ {
		for j := range 8 {
			dst[i*w+k+j] = planes[j*n+i]
		}
	}
}

// transpose8 transposes 8 x 8 bytes, a row per word: swap halves, then quarters, then neighbours.
func transpose8(m *[8]uint64) {
	for j := range 4 {
		a, b := m[j], m[j+4]
		m[j], m[j+4] = a&0xffffffff|b<<32, a>>32|b&^uint64(0xffffffff)
	}
	for _, j := range [4]int{0, 1, 4, 5} {
		a, b := m[j], m[j+2]
		const low = 0x0000ffff0000ffff
		m[j], m[j+2] = a&low|b&low<<16, a>>16&low|b&^uint64(low)
	}
	for j := 0; j < 8; j += 2 {
		a, b := m[j], m[j+1]
		const low = 0x00ff00ff00ff00ff
		m[j], m[j+1] = a&low|b&low<<8, a>>8&low|b&^uint64(low)
	}
}

func unshuffle2(dst, src []byte, n int) {
	a, b := src[:n], src[n:2*n]
	i := 0
	for ; i+4 <= n; i += 4 {
		x := spread(binary.LittleEndian.Uint32(a[i:])) | spread(binary.LittleEndian.Uint32(b[i:]))<<8
		binary.LittleEndian.PutUint64(dst[2*i:], x)
	}
	for ; i < n; i++ {
		dst[2*i], dst[2*i+1] = a[i], b[i]
	}
}

// spread puts a zero byte above each of the four bytes.
func spread(v uint32) uint64 {
	x := uint64(v)
	x = (x | x<<16) & 0x0000ffff0000ffff
	return (x | x<<8) & 0x00ff00ff00ff00ff
}

func unshuffle4(dst, src []byte, n int) {
	a, b, c, d := src[:n], src[n:2*n], src[2*n:3*n], src[3*n:4*n]
	i := 0
	for ; i+4 <= n; i += 4 {
		lo := spread(binary.LittleEndian.Uint32(a[i:])) | spread(binary.LittleEndian.Uint32(b[i:]))<<8
		hi := spread(binary.LittleEndian.Uint32(c[i:])) | spread(binary.LittleEndian.Uint32(d[i:]))<<8
		binary.LittleEndian.PutUint64(dst[4*i:], pair(uint32(lo), uint32(hi)))
		binary.LittleEndian.PutUint64(dst[4*i+8:], pair(uint32(lo>>32), uint32(hi>>32)))
	}
	for ; i < n; i++ {
		dst[4*i], dst[4*i+1], dst[4*i+2], dst[4*i+3] = a[i], b[i], c[i], d[i]
	}
}

// pair interleaves the two 16-bit halves of lo and hi.
func pair(lo, hi uint32) uint64 {
	x, y := uint64(lo), uint64(hi)
	x = (x | x<<16) & 0x0000ffff0000ffff
	y = (y | y<<16) & 0x0000ffff0000ffff
	return x | y<<16
}
