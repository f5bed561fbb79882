//go:build cgo && !purego

package filter

/*
#cgo LDFLAGS: -lbz2
#cgo noescape mtf_bunzip2
#cgo nocallback mtf_bunzip2
#cgo noescape mtf_bunzip2_front
#cgo nocallback mtf_bunzip2_front
#include <bzlib.h>

// mtf_bunzip2 returns the number of decoded bytes, or an error code of libbz2.
static long long mtf_bunzip2(void *dst, unsigned ndst, const void *src, unsigned nsrc) {
	int status = BZ2_bzBuffToBuffDecompress(dst, &ndst, (char *)src, nsrc, 0, 0);
	return status == BZ_OK ? (long long)ndst : status;
}
// mtf_bunzip2_front fills dst with the first bytes of the stream, and returns 1 if there are so many.
static int mtf_bunzip2_front(void *dst, unsigned ndst, const void *src, unsigned nsrc) {
	bz_stream z = {0};
	int status;
	if (BZ2_bzDecompressInit(&z, 0, 0) != BZ_OK) return 0;
	z.next_in = (char *)src;
	z.avail_in = nsrc;
	z.next_out = dst;
	z.avail_out = ndst;
	do {
		status = BZ2_bzDecompress(&z);
	} while (status == BZ_OK && z.avail_out > 0 && z.avail_in > 0);
	BZ2_bzDecompressEnd(&z);
	return z.avail_out == 0 && (status == BZ_OK || status == BZ_STREAM_END);
}
*/
import "C"

import "unsafe"

const bzip2Code = "libbz2"

// bunzip2 decodes the bzip2 stream at the start of src into dst and returns its length.
func bunzip2(dst, src []byte) (int, error) {
	n := C.mtf_bunzip2(unsafe.Pointer(unsafe.SliceData(dst)), C.uint(len(dst)), unsafe.Pointer(unsafe.SliceData(src)), C.uint(len(src)))
	switch {
	case n >= 0:
		return int(n), nil
	case n == C.BZ_OUTBUFF_FULL:
		return 0, errTooLong
	}
	return 0, errStream
}

// bunzip2Front fills dst with the first bytes of the stream, and tells whether there are so many.
func bunzip2Front(dst, src []byte) bool {
	return C.mtf_bunzip2_front(unsafe.Pointer(unsafe.SliceData(dst)), C.uint(len(dst)), unsafe.Pointer(unsafe.SliceData(src)), C.uint(len(src))) == 1
}
