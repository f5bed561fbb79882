//go:build cgo && !purego

package filter

/*
#cgo pkg-config: libzstd
#cgo noescape ZSTD_decompressDCtx
#cgo nocallback ZSTD_decompressDCtx
#include <zstd.h>
*/
import "C"

import (
	"errors"
	"runtime"
	"sync"
	"unsafe"
)

const zstdCode = "libzstd"

// zstdContext owns a libzstd context, which one call at a time may use.
type zstdContext struct {
	d *C.ZSTD_DCtx
}

var zstdContexts = sync.Pool{New: func() any {
	z := &zstdContext{d: C.ZSTD_createDCtx()}
	if z.d != nil {
		runtime.AddCleanup(z, func(d *C.ZSTD_DCtx) { C.ZSTD_freeDCtx(d) }, z.d)
	}
	return z
}}

// zstdFrames decodes the Zstandard frames that make up src. It is up to twice as fast as the Go twin.
func zstdFrames(dst, src []byte) (int, error) {
	z := zstdContexts.Get().(*zstdContext)
	if z.d == nil {
		return 0, errors.New("no memory for a decompressor")
	}
	n := C.ZSTD_decompressDCtx(z.d, unsafe.Pointer(unsafe.SliceData(dst)), C.size_t(len(dst)),
		unsafe.Pointer(unsafe.SliceData(src)), C.size_t(len(src)))
	zstdContexts.Put(z)
	if C.ZSTD_isError(n) != 0 {
		return 0, errors.New(C.GoString(C.ZSTD_getErrorName(n)))
	}
	return int(n), nil
}
