//go:build cgo && !purego

package filter

/*
#cgo LDFLAGS: -lbz2
#cgo noescape mtf_bunzip2
#cgo nocallback mtf_bunzip2
#include <bzlib.h>

// mtf_bunzip2 returns the number of decoded bytes, or an error code of libbz2.
static long long mtf_bunzip2(void *dst, unsigned ndst, const void *src, unsigned nsrc) {
	int status = BZ2_bzBuffToBuffDecompress(dst, &ndst, (char *)src, nsrc, 0, 0);
	return status == BZ_OK ? (long long)ndst : status;
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
