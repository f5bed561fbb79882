//go:build cgo && !purego

package filter

/*
#cgo pkg-config: libdeflate
#cgo noescape mtf_inflate
#cgo nocallback mtf_inflate
#include <libdeflate.h>

// The sizes are returned in one word each, so that no Go pointer to them has to be pinned.
typedef struct { int status; size_t n; } mtf_inflated;

static mtf_inflated mtf_inflate(struct libdeflate_decompressor *d, const void *src, size_t nsrc, void *dst, size_t ndst) {
	size_t in = 0;
	mtf_inflated r = {0, 0};
	r.status = libdeflate_zlib_decompress_ex(d, src, nsrc, dst, ndst, &in, &r.n);
	return r;
}
*/
import "C"

import (
	"errors"
	"runtime"
	"sync"
	"unsafe"
)

const inflateCode = "libdeflate"

// inflater owns a libdeflate decompressor, which one call at a time may use.
type inflater struct {
	d *C.struct_libdeflate_decompressor
}

var inflaters = sync.Pool{New: func() any {
	f := &inflater{d: C.libdeflate_alloc_decompressor()}
	if f.d != nil {
		runtime.AddCleanup(f, func(d *C.struct_libdeflate_decompressor) { C.libdeflate_free_decompressor(d) }, f.d)
	}
	return f
}}

// inflate decodes the zlib stream at the start of src into dst and returns its length.
func inflate(dst, src []byte) (int, error) {
	f := inflaters.Get().(*inflater)
	if f.d == nil {
		return 0, errors.New("no memory for a decompressor")
	}
	r := C.mtf_inflate(f.d, unsafe.Pointer(unsafe.SliceData(src)), C.size_t(len(src)),
		unsafe.Pointer(unsafe.SliceData(dst)), C.size_t(len(dst)))
	inflaters.Put(f)
	switch r.status {
	case C.LIBDEFLATE_SUCCESS:
		return int(r.n), nil
	case C.LIBDEFLATE_INSUFFICIENT_SPACE:
		return 0, errTooLong
	}
	return 0, errStream
}
