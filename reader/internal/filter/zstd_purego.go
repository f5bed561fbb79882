//go:build !cgo || purego

package filter

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

const zstdCode = "klauspost/compress"

// zstdDecoder is shared: it keeps a state per processor and makes further callers wait for one.
var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true))
})

// zstdFrames decodes the Zstandard frames that make up src.
func zstdFrames(dst, src []byte) (int, error) {
	d, err := zstdDecoder()
	if err != nil {
		return 0, err
	}
	out, err := d.DecodeAll(src, dst[:0:len(dst)])
	return len(out), err
}

// zstdFront decodes nothing: the decoder that could stop keeps a window of its own.
func zstdFront([]byte, []byte, int) bool { return false }
