package reader

import (
	"encoding/binary"
	"math"

	"github.com/mtflight/mtflight/convert/h5type"
)

// plainNumber is an integer or a float that fills its bytes.
type plainNumber struct {
	size          int
	float, signed bool
	order         binary.ByteOrder
}

// numberOf is a type as such a number, false for all other types.
func numberOf(t *h5type.Type) (plainNumber, bool) {
	n := plainNumber{size: t.Size, signed: t.Signed, order: binary.LittleEndian}
	if t.Order == h5type.BigEndian {
		n.order = binary.BigEndian
	}
	switch t.Class {
	case h5type.Integer:
		whole := t.BitOffset == 0 && t.Precision == 8*t.Size && t.Order != h5type.VAX
		return n, whole && (t.Size == 1 || t.Size == 2 || t.Size == 4 || t.Size == 8)
	case h5type.Float:
		n.float = true
		return n, t.IsIEEE() && (t.Size == 4 || t.Size == 8)
	}
	return n, false
}

// widening converts elements of one type to another that has all its values, so that any way of converting gives the
// same; nil for other pairs of types.
func widening(from, to *h5type.Type) func(dst, src []byte) {
	a, ok := numberOf(from)
	b, fine := numberOf(to)
	if !ok || !fine || !b.holds(a) {
		return nil
	}
	switch {
	case a.float && a.size == b.size: // whatever bits a NaN has
		return func(dst, src []byte) { b.put(dst, a.get(src)) }
	case a.float:
		return func(dst, src []byte) { b.putFloat(dst, a.getFloat(src)) }
	case b.float && a.signed:
		return func(dst, src []byte) { b.putFloat(dst, float64(a.getInt(src))) }
	case b.float:
		return func(dst, src []byte) { b.putFloat(dst, float64(a.get(src))) }
	}
	return func(dst, src []byte) { b.put(dst, uint64(a.getInt(src))) }
}

// holds tells whether every value of a is one of b.
func (b plainNumber) holds(a plainNumber) bool {
	bits := 8 * a.size // of a's magnitude
	if a.signed {
		bits--
	}
	switch {
	case a.float:
		return b.float && b.size >= a.size
	case b.float && b.size == 4:
		return bits <= 24
	case b.float:
		return bits <= 53
	case a.signed == b.signed:
		return b.size >= a.size
	}
	return b.signed && b.size > a.size
}

func (b plainNumber) get(src []byte) uint64 {
	switch b.size {
	case 1:
		return uint64(src[0])
	case 2:
		return uint64(b.order.Uint16(src))
	case 4:
		return uint64(b.order.Uint32(src))
	}
	return b.order.Uint64(src)
}

// getInt extends the sign, if there is one.
func (b plainNumber) getInt(src []byte) int64 {
	v := b.get(src)
	if unused := 64 - 8*b.size; b.signed {
		return int64(v<<unused) >> unused
	}
	return int64(v)
}

func (b plainNumber) getFloat(src []byte) float64 {
	if b.size == 4 {
		return float64(math.Float32frombits(uint32(b.get(src))))
	}
	return math.Float64frombits(b.get(src))
}

func (b plainNumber) put(dst []byte, v uint64) {
	switch b.size {
	case 1:
		dst[0] = byte(v)
	case 2:
		b.order.PutUint16(dst, uint16(v))
	case 4:
		b.order.PutUint32(dst, uint32(v))
	default:
		b.order.PutUint64(dst, v)
	}
}

func (b plainNumber) putFloat(dst []byte, v float64) {
	if b.size == 4 {
		b.put(dst, uint64(math.Float32bits(float32(v))))
		return
	}
	b.put(dst, math.Float64bits(v))
}
