//go:build cgo && !purego

package filter

/*
#cgo pkg-config: blosc
#cgo noescape mtf_blosc
#cgo nocallback mtf_blosc
#include <blosc.h>
#include <stdint.h>

// mtf_blosc decodes a chunk. flags are what its header says meanwhile: without the shuffle that is not undone.
static int mtf_blosc(uint8_t *src, size_t nsrc, void *dst, size_t ndst, uint8_t flags) {
	size_t nbytes;
	if (blosc_cbuffer_validate(src, nsrc, &nbytes) < 0 || nbytes != ndst) {
		return -1;
	}
	const uint8_t stored = src[2];
	src[2] = flags;
	const int n = blosc_decompress_ctx(src, dst, ndst, 1);
	src[2] = stored;
	return n;
}
*/
import "C"

import "unsafe"

const bloscCode = "own Go container; c-blosc for BloscLZ, other codecs as of lz4, deflate and zstd"

// bloscFast decodes a chunk of c-blosc 1 in C if its codec is BloscLZ, which is up to half as fast again as in Go. With
// the other codecs the Go container is the faster one. What c-blosc refuses is tried in Go, whose error says what is wrong.
func bloscFast(c *bloscChunk, dst []byte) bool {
	const blosclz = 0
	if c.version != blosc1Format || c.flags>>5 != blosclz {
		return false
	}
	n := C.mtf_blosc((*C.uint8_t)(unsafe.SliceData(c.data)), C.size_t(len(c.data)),
		unsafe.Pointer(unsafe.SliceData(dst)), C.size_t(len(dst)), C.uint8_t(c.flags))
	return int(n) == len(dst)
}
