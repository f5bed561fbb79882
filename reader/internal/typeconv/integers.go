package typeconv

import (
	"math/bits"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
)

// word is how the bytes of a number of up to eight make a word.
type word struct {
	size int
	big  bool
}

func (w word) get(src []byte) (v uint64) {
	for i := range w.size {
		k := i
		if !w.big {
			k = w.size - 1 - i
		}
		v = v<<8 | uint64(src[k])
	}
	return v
}

func (w word) put(dst []byte, v uint64) {
	for i := range w.size {
		k := i
		if w.big {
			k = w.size - 1 - i
		}
		dst[k] = byte(v >> (8 * i))
	}
}

func wordOf(t *h5type.Type) word { return word{size: t.Size, big: t.Order == h5type.BigEndian} }

// ones are the lowest n bits.
func ones(n int) uint64 {
	if n >= 64 {
		return ^uint64(0)
	}
	return 1<<max(n, 0) - 1
}

// integer is where the bits of one are.
type integer struct {
	word
	offset, precision int
	signed            bool
}

func integerOf(t *h5type.Type) integer {
	return integer{word: wordOf(t), offset: t.BitOffset, precision: t.Precision, signed: t.Signed}
}

// whole is a value: its magnitude and sign.
type whole struct {
	n        uint64
	negative bool
}

func (t integer) value(src []byte) whole {
	v := t.get(src) >> t.offset & ones(t.precision)
	if t.signed && v>>(t.precision-1) != 0 {
		return whole{n: -(v | ^ones(t.precision)), negative: true}
	}
	return whole{n: v}
}

// most is the largest magnitude of values of a sign.
func (t integer) most(negative bool) uint64 {
	switch {
	case negative && !t.signed:
		return 0
	case negative:
		return 1 << (t.precision - 1)
	case t.signed:
		return ones(t.precision - 1)
	}
	return ones(t.precision)
}

// clip puts a value, or the nearest there is.
func (t integer) clip(dst []byte, v whole) {
	n := min(v.n, t.most(v.negative))
	if v.negative {
		n = -n
	}
	t.putBits(dst, n)
}

func (t integer) putBits(dst []byte, v uint64) { t.put(dst, v&ones(t.precision)<<t.offset) }

func integers(from, to integer) Func {
	return func(dst, src []byte) { to.clip(dst, from.value(src)) }
}

// bitfields keeps the lowest bits.
func bitfields(from, to *h5type.Type) (Func, error) {
	if swapped(from, to) {
		return reversed(to.Size), nil
	}
	if from.Size > 8 || to.Size > 8 {
		return nil, fault.New(fault.Unsupported, "bitfields of more than 8 bytes are not converted here")
	}
	a, b := integerOf(from), integerOf(to)
	return func(dst, src []byte) { b.putBits(dst, a.get(src)>>a.offset&ones(a.precision)) }, nil
}

// integerToFloat rounds to nearest, half to even. Beyond the largest number is infinity: for hard conversions from it on,
// for soft ones from half a step behind it.
func integerToFloat(from integer, to format, hard bool) Func {
	most := to.largest()
	return func(dst, src []byte) {
		v := from.value(src)
		out := to.round(v)
		if hard && to.mantissa < 23 && v.n > most {
			out = to.infinity()
		}
		to.put(dst, to.signed(out, v.negative))
	}
}

// round is the float that a magnitude is nearest to.
func (f format) round(v whole) uint64 {
	if v.n == 0 {
		return 0
	}
	top := bits.Len64(v.n) - 1 // of the leading one
	exponent := int64(top) + f.bias
	rest := v.n & ones(top)
	if cut := top - f.mantissa; cut > 0 {
		half, low := uint64(1)<<(cut-1), rest&ones(cut)
		if rest >>= cut; low > half || low == half && rest&1 != 0 {
			rest++
		}
	} else {
		rest <<= -cut
	}
	if rest>>f.mantissa != 0 {
		rest, exponent = 0, exponent+1
	}
	if exponent >= f.maxExponent() {
		return f.infinity()
	}
	return f.pack(exponent, rest)
}
