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
	"bytes"
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

// frontMargins are the bytes behind what is asked for that inflateFront is given room for. libdeflate has no way to stop: it
// fails when a literal, a match (of 258 bytes at most) or a stored block (65,535) has no room, having written in order all
// before it. Behind marks the first margin is enough but for stored blocks, the second always.
var frontMargins = []int{frontMarked, 65535}

const (
	frontMarked = 1024
	frontGuard  = 512 // of them: more than what libdeflate writes ahead of where it is
)

// frontMark is what stands behind the guard before inflating.
var frontMark = func() (m [frontMarked - frontGuard]byte) {
	for i := range m {
		m[i] = byte(i*167+i>>3) ^ 0xa5
	}
	return m
}()

// inflateFront decodes at least the first n bytes of the zlib stream in src, and tells whether they are there.
func inflateFront(dst, src []byte, n int) bool {
	marks := []byte(nil)
	if len(dst) == n+frontMarked {
		marks = dst[n+frontGuard:]
		copy(marks, frontMark[:])
	}
	switch done, err := inflate(dst, src); {
	case err == nil:
		return done >= n
	case err != errTooLong:
		return false
	}
	return marks == nil || !bytes.Equal(marks, frontMark[:])
}

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
