//go:build cgo && !purego

package filter

/*
#cgo LDFLAGS: -laec
#cgo noescape mtf_aec
#cgo nocallback mtf_aec
#include <libaec.h>

// mtf_aec returns the number of decoded bytes, -1 if src is damaged. SZ_BufftoBuffDecompress is no help: it doesn't say
// when src ended early.
static long long mtf_aec(void *dst, size_t ndst, const void *src, size_t nsrc, unsigned bits, unsigned block,
		unsigned rsi, unsigned flags) {
	struct aec_stream s = {0};
	s.next_in = src;
	s.avail_in = nsrc;
	s.next_out = dst;
	s.avail_out = ndst;
	s.bits_per_sample = bits;
	s.block_size = block;
	s.rsi = rsi;
	s.flags = flags;
	if (aec_decode_init(&s) != AEC_OK) {
		return -1;
	}
	int status = aec_decode(&s, AEC_FLUSH);
	size_t n = s.total_out;
	aec_decode_end(&s);
	return status == AEC_OK ? (long long)n : -1;
}
*/
import "C"

import "unsafe"

const szipCode = "libaec"

// aec decodes src into dst and returns the number of bytes, -1 if src is damaged.
func (z szip) aec(dst, src []byte) int {
	var flags C.uint
	if z.msb {
		flags |= C.AEC_DATA_MSB
	}
	if z.neighbours {
		flags |= C.AEC_DATA_PREPROCESS
	}
	return int(C.mtf_aec(unsafe.Pointer(unsafe.SliceData(dst)), C.size_t(len(dst)),
		unsafe.Pointer(unsafe.SliceData(src)), C.size_t(len(src)),
		C.uint(z.bits), C.uint(z.block), C.uint(z.interval), flags))
}
