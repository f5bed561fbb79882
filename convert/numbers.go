package convert

import (
	"encoding/binary"
	"math/bits"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/mtflight/mtflight/convert/h5type"
)

var (
	signedTypes   = map[int]arrow.DataType{1: arrow.PrimitiveTypes.Int8, 2: arrow.PrimitiveTypes.Int16, 4: arrow.PrimitiveTypes.Int32, 8: arrow.PrimitiveTypes.Int64}
	unsignedTypes = map[int]arrow.DataType{1: arrow.PrimitiveTypes.Uint8, 2: arrow.PrimitiveTypes.Uint16, 4: arrow.PrimitiveTypes.Uint32, 8: arrow.PrimitiveTypes.Uint64}
)

func intType(t *h5type.Type, width int) arrow.DataType {
	if t.Signed {
		return signedTypes[width]
	}
	return unsignedTypes[width]
}

// wider is the next width that Arrow has, for integers and bitfields of any size.
func wider(t *h5type.Type) (int, error) {
	if t.Size > 8 {
		return 0, unsupported("integer of %d bytes", t.Size)
	}
	if t.Order == h5type.VAX {
		return 0, unsupported("integer in VAX byte order")
	}
	return 1 << bits.Len(uint(t.Size-1)), nil
}

// integer is how integers and bitfields become integers of Arrow's widths.
func integer(t *h5type.Type) (value, error) {
	width, err := wider(t)
	if err != nil {
		return value{}, err
	}
	if significant(t) == 8*width {
		return ordered(t.Size, t.Order), nil
	}
	load := loader(t)
	k := func(dst, src []byte, n int) {
		for i := range n {
			storeInt(dst[i*width:], width, uint64(load(src[i*t.Size:])))
		}
	}
	return value{size: t.Size, out: width, kind: converted, convert: k}, nil
}

// significant is how many bits of an integer or bitfield count. libhdf5 takes the other byte order for the only
// difference between big-endian integers of a native size, of any precision, and native ones.
func significant(t *h5type.Type) int {
	native := t.Size&(t.Size-1) == 0 && t.Size <= 8
	if native && t.Class == h5type.Integer && t.Order == h5type.BigEndian && t.BitOffset == 0 {
		return 8 * t.Size
	}
	return t.Precision
}

// ordered is a number that only may have the other byte order.
func ordered(size int, o h5type.Order) value {
	v := plainBytes(size)
	if o == h5type.BigEndian && size > 1 {
		v.kind = swapped
	}
	return v
}

func storeInt(dst []byte, width int, v uint64) {
	switch width {
	case 1:
		dst[0] = byte(v)
	case 2:
		binary.LittleEndian.PutUint16(dst, uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(dst, uint32(v))
	default:
		binary.LittleEndian.PutUint64(dst, v)
	}
}

// loader reads an integer of up to 8 bytes as libhdf5 converts it to a native one.
func loader(t *h5type.Type) func(src []byte) int64 { return bitsLoader(t, significant(t)) }

// bitsLoader reads an integer of up to 8 bytes: so many bits at its offset, then its sign, and nothing of the padding.
func bitsLoader(t *h5type.Type, precision int) func(src []byte) int64 {
	size, shift := t.Size, t.BitOffset
	unused := 64 - precision
	big, signed := t.Order == h5type.BigEndian, t.Signed
	return func(src []byte) int64 {
		v := loadBytes(src[:size], big) >> shift << unused
		if signed {
			return int64(v) >> unused
		}
		return int64(v >> unused)
	}
}

func loadBytes(src []byte, big bool) uint64 {
	var v uint64
	if big {
		for _, b := range src {
			v = v<<8 | uint64(b)
		}
		return v
	}
	if len(src) == 8 {
		return binary.LittleEndian.Uint64(src)
	}
	for i := len(src) - 1; i >= 0; i-- {
		v = v<<8 | uint64(src[i])
	}
	return v
}
