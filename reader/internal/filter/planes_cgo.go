//go:build cgo && !purego && (amd64 || arm64)

package filter

/*
#cgo noescape mtf_unshuffle
#cgo nocallback mtf_unshuffle
#cgo noescape mtf_bitunshuffle
#cgo nocallback mtf_bitunshuffle
#include "planes.h"
*/
import "C"

import "unsafe"

// fewest is the number of bytes from which on a call of C pays.
const fewest = 256

// unshuffle interleaves the len(src)/w byte planes of src into elements of w bytes; bytes after the last whole element
// are copied. dst is as long as src and doesn't overlap with it.
func unshuffle(dst, src []byte, w int) {
	n := len(src) / w
	if len(src) < fewest || n < 16 {
		unshuffleGo(dst, src, w)
		return
	}
	C.mtf_unshuffle(first(dst), first(src), C.size_t(n), C.size_t(w))
	copy(dst[n*w:], src[n*w:])
}

// bitUnshuffle undoes the bit transposition of https://github.com/kiyo-masui/bitshuffle for elements of w bytes, whose
// number is a multiple of eight. tmp is at least as long as src; the three don't overlap and have the same length.
func bitUnshuffle(dst, src, tmp []byte, w int) {
	if len(src) < fewest {
		bitUnshuffleGo(dst, src, tmp, w)
		return
	}
	if w == 1 {
		tmp = dst
	}
	C.mtf_bitunshuffle(first(dst[:len(src)]), first(src), first(tmp[:len(src)]), C.size_t(len(src)/w), C.size_t(w))
}

func first(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(b)) }
