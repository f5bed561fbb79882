package filter

import (
	"errors"

	"github.com/klauspost/compress/snappy"
	"github.com/pierrec/lz4/v4"
)

// What a codec can say about its bytes.
var (
	errStream  = errors.New("the compressed stream is damaged or cut short")
	errTooLong = errors.New("the compressed stream is longer than the chunk")
)

// blockCodec decodes src into dst and returns the number of bytes. It writes no byte after dst, whatever src says, and
// is safe for concurrent use.
type blockCodec func(dst, src []byte) (int, error)

// The codecs that several filters contain.
var _ = []blockCodec{inflate, lz4Block, zstdFrames, snappyBlock, blosclz}

func lz4Block(dst, src []byte) (int, error) { return lz4.UncompressBlock(src, dst) }

func snappyBlock(dst, src []byte) (int, error) {
	n, err := snappy.DecodedLen(src)
	if err != nil {
		return 0, err
	}
	if n > len(dst) {
		return 0, errTooLong
	}
	out, err := snappy.Decode(dst, src)
	return len(out), err
}
