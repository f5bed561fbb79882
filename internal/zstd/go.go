//go:build !cgo || purego

package zstd

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

var encoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)), zstd.WithZeroFrames(true),
		zstd.WithEncoderCRC(false), zstd.WithAllLitEntropyCompression(true))
	if err != nil {
		panic(err)
	}
	return e
})

// Frame compresses src into the room of dst; false where that has no room for it.
func Frame(dst, src []byte) ([]byte, bool) {
	out := encoder().EncodeAll(src, dst[:0])
	if len(out) > cap(dst) {
		return nil, false
	}
	return out, true
}
