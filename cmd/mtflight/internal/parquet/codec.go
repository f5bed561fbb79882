package parquet

import (
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/klauspost/compress/s2"
)

// snappy compresses as Google's library does, in half the time of arrow-go's choice and by a few percent less.
type snappy struct{ compress.Codec }

func (snappy) Encode(dst, src []byte) []byte             { return s2.EncodeSnappy(dst, src) }
func (snappy) EncodeLevel(dst, src []byte, _ int) []byte { return s2.EncodeSnappy(dst, src) }

// zstd is arrow-go's, which asserts that there is something to compress: the dictionary of a column of nulls is empty.
type zstd struct{ compress.Codec }

func (z zstd) CompressBound(size int64) int64 { return z.Codec.CompressBound(max(size, 1)) }

func init() {
	wrap(compress.Codecs.Snappy, func(c compress.Codec) compress.Codec { return snappy{c} })
	wrap(compress.Codecs.Zstd, func(c compress.Codec) compress.Codec { return zstd{c} })
}

func wrap(name compress.Compression, by func(compress.Codec) compress.Codec) {
	codec, err := compress.GetCodec(name)
	if err != nil {
		panic(err)
	}
	compress.RegisterCodec(name, by(codec))
}
