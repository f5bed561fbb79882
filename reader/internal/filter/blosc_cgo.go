//go:build cgo && !purego

package filter

/*
#cgo pkg-config: blosc
#cgo noescape mtf_blosc
#cgo nocallback mtf_blosc
#include <blosc.h>

static int mtf_blosc(const void *src, size_t nsrc, void *dst, size_t ndst) {
	size_t nbytes;
	if (blosc_cbuffer_validate(src, nsrc, &nbytes) < 0 || nbytes != ndst) {
		return -1;
	}
	return blosc_decompress_ctx(src, dst, ndst, 1);
}
*/
import "C"

import "unsafe"

const bloscCode = "c-blosc; where that doesn't help, own Go container with the codecs' Go libraries"

// bloscFast decodes a chunk of c-blosc 1 in C, which is 1.3 to 4 times faster than in Go because of its unshuffle. zlib
// blocks are left to libdeflate, which is twice as fast as c-blosc's zlib. What c-blosc refuses is tried in Go, whose error says what is wrong.
func bloscFast(c *bloscChunk, dst []byte) bool {
	const zlib = 3
	if c.version != blosc1Format || c.flags>>5 == zlib {
		return false
	}
	n := C.mtf_blosc(unsafe.Pointer(unsafe.SliceData(c.data)), C.size_t(len(c.data)),
		unsafe.Pointer(unsafe.SliceData(dst)), C.size_t(len(dst)))
	return int(n) == len(dst)
}
