//go:build !cgo || purego

package parquet

import (
	"sync"

	"github.com/klauspost/compress/zstd"
)

var zstdEncoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(zstdLevel)), zstd.WithZeroFrames(true),
		zstd.WithEncoderCRC(false), zstd.WithAllLitEntropyCompression(true))
	if err != nil {
		panic(err)
	}
	return e
})

// zstdFrame compresses src into dst.
func zstdFrame(dst, src []byte) []byte { return zstdEncoder().EncodeAll(src, dst[:0]) }
