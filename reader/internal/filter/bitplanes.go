package filter

import "encoding/binary"

// bitUnshuffleGo undoes the bit transposition of https://github.com/kiyo-masui/bitshuffle for elements of w bytes, whose
// number is a multiple of eight. In src row 8*k+b holds bit b of byte k of every element, eight elements to a byte, the
// first in the lowest bit. tmp is at least as long as src; the three don't overlap.
func bitUnshuffleGo(dst, src, tmp []byte, w int) {
	planes := tmp[:len(src)]
	if w == 1 {
		planes = dst
	}
	row := len(src) / w / 8
	for k := range w {
		bitPlane(planes[k*8*row:(k+1)*8*row], src[k*8*row:(k+1)*8*row], row)
	}
	if w > 1 {
		unshuffleGo(dst, planes, w)
	}
}

// bitPlane turns eight rows of bits into a plane of bytes.
func bitPlane(dst, src []byte, row int) {
	var m [8]uint64
	g := 0
	for ; g+8 <= row; g += 8 {
		for b := range m {
			m[b] = binary.LittleEndian.Uint64(src[b*row+g:])
		}
		transpose8(&m)
		for j := range m {
			binary.LittleEndian.PutUint64(dst[8*(g+j):], transposeBits(m[j]))
		}
	}
	for ; g < row; g++ {
		var x uint64
		for b := range 8 {
			x |= uint64(src[b*row+g]) << (8 * b)
		}
		binary.LittleEndian.PutUint64(dst[8*g:], transposeBits(x))
	}
}

// transposeBits transposes the 8 x 8 bits of x (Hacker's Delight, 7-3).
func transposeBits(x uint64) uint64 {
	t := (x ^ x>>7) & 0x00aa00aa00aa00aa
	x ^= t ^ t<<7
	t = (x ^ x>>14) & 0x0000cccc0000cccc
	x ^= t ^ t<<14
	t = (x ^ x>>28) & 0x00000000f0f0f0f0
	return x ^ t ^ t<<28
}
