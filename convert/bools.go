package convert

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/mtflight/mtflight/convert/h5type"
)

// truth is one byte, 0 or 1, of an integer or bitfield of up to 8 bytes.
func truth(t *h5type.Type) value {
	k := func(dst, src []byte, n int) {
		for i, b := range src[:n] {
			dst[i] = isSet(b)
		}
	}
	if significant(t) != 8 {
		load := loader(t)
		k = func(dst, src []byte, n int) {
			for i := range n {
				dst[i] = 0
				if load(src[i*t.Size:]) != 0 {
					dst[i] = 1
				}
			}
		}
	}
	return value{size: t.Size, out: 1, kind: converted, convert: k}
}

// isSet is 1 for all but 0, without a branch.
func isSet(b byte) byte { return byte((uint16(b) + 0xff) >> 8) }

// boolean keeps a byte a value until the batch is finished, since goroutines cannot share a byte of bits.
func (c *compiler) boolean(t *h5type.Type, at position) *node {
	buf := c.plan.column(at, truth(t))
	c.plan.spend(at, 1)
	return &node{typ: arrow.FixedWidthTypes.Boolean, finish: func(f *finisher, s *store, n int) (arrow.ArrayData, error) {
		wide := s.take(buf)
		defer wide.Release()
		return flat(arrow.FixedWidthTypes.Boolean, n, pack(f.mem, wide.Bytes()[:n])), nil
	}}
}

// pack gives the lowest bits of bytes as a bitmap.
func pack(mem memory.Allocator, wide []byte) *buffer {
	out := newBuffer(mem, int(bitutil.BytesForBits(int64(len(wide)))))
	packed := out.Bytes()
	for i := range packed {
		packed[i] = 0
		for k, b := range wide[8*i : min(8*i+8, len(wide))] {
			packed[i] |= b & 1 << k
		}
	}
	return out
}
