package parquet

import (
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/klauspost/compress/s2"
)

// snappy compresses as Google's library does, in half the time of arrow-go's choice and by a few percent less.
type snappy struct{ compress.Codec }

func (snappy) Encode(dst, src []byte) []byte             { return s2.EncodeSnappy(dst, src) }
func (snappy) EncodeLevel(dst, src []byte, _ int) []byte { return s2.EncodeSnappy(dst, src) }

func init() {
	codec, err := compress.GetCodec(compress.Codecs.Snappy)
	if err != nil {
		panic(err)
	}
	compress.RegisterCodec(compress.Codecs.Snappy, snappy{codec})
}
