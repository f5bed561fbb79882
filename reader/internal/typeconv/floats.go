package typeconv

import (
	"math"
	"math/bits"

	"github.com/mtflight/mtflight/convert/h5type"
)

// implied is the normalisation of floats whose mantissa has a leading one that is not stored (H5T_NORM_IMPLIED).
const implied = 2

// format is where the bits of a float with an implied leading one are: sizes in bits, positions from the lowest.
type format struct {
	word
	sign, exponentAt, exponent, mantissaAt, mantissa int
	bias                                             int64
}

func formatOf(t *h5type.Type) format {
	return format{word: wordOf(t), sign: t.SignBit, exponentAt: t.ExpPos, exponent: t.ExpSize, mantissaAt: t.MantPos, mantissa: t.MantSize, bias: int64(t.ExpBias)}
}

func (f format) maxExponent() int64 { return int64(ones(f.exponent)) }

func (f format) pack(exponent int64, mantissa uint64) uint64 {
	return uint64(exponent)<<f.exponentAt | mantissa&ones(f.mantissa)<<f.mantissaAt
}

func (f format) infinity() uint64 { return f.pack(f.maxExponent(), 0) }

func (f format) signed(v uint64, negative bool) uint64 {
	if negative {
		v |= 1 << f.sign
	}
	return v
}

// largest is the largest number, as an integer; for those that are below 2^64.
func (f format) largest() uint64 {
	shift := f.maxExponent() - 1 - f.bias - int64(f.mantissa)
	return ones(f.mantissa+1) << max(0, min(shift, 63))
}

// parts are what the bits of a float say.
type parts struct {
	negative bool
	exponent int64 // as stored
	mantissa uint64
}

func (f format) parts(src []byte) parts {
	v := f.get(src)
	return parts{v>>f.sign&1 != 0, int64(v >> f.exponentAt & ones(f.exponent)), v >> f.mantissaAt & ones(f.mantissa)}
}

// softFloats is libhdf5's H5T_conv_f_f: rounding goes away from zero at a half, numbers below the largest power of two do
// not become infinity by it, and among numbers too small for a leading one it loses a carry.
func softFloats(from, to format) Func {
	return func(dst, src []byte) {
		p := from.parts(src)
		to.put(dst, to.signed(soft(from, to, p), p.negative))
	}
}

func soft(from, to format, p parts) uint64 {
	switch {
	case p.exponent == 0 && p.mantissa == 0:
		return 0
	case p.exponent == from.maxExponent() && p.mantissa == 0:
		return to.infinity()
	case p.exponent == from.maxExponent():
		return to.pack(to.maxExponent(), ones(to.mantissa))
	}
	n, e, small := from.mantissa, p.exponent-from.bias, p.exponent == 0
	if small {
		top := bits.Len64(p.mantissa) - 1
		e = 1 - from.bias - int64(from.mantissa-top)
		n, p.mantissa = max(top, 1), p.mantissa&ones(top)
	}
	e += to.bias
	switch {
	case e < -int64(to.mantissa):
		return 0
	case e >= to.maxExponent():
		return to.infinity()
	case e <= 0:
		return to.pack(0, tiny(p.mantissa, n, int(1-e), to.mantissa))
	}
	return to.pack(roundedAway(p.mantissa, n, e, to, small))
}

// roundedAway fits a mantissa of n bits. A carry goes into the exponent unless the source had no leading one.
func roundedAway(m uint64, n int, e int64, to format, small bool) (int64, uint64) {
	cut := n - to.mantissa
	if cut <= 0 {
		return e, m << -cut
	}
	kept, up := m>>cut, m>>(cut-1)&1 != 0
	if !up || !small && kept == ones(n-cut) && e == to.maxExponent()-1 {
		return e, kept
	}
	if kept++; kept>>to.mantissa != 0 {
		if kept = 0; !small {
			e++
		}
	}
	return e, kept
}

// tiny is the mantissa of a number without a leading one: that of n bits moves right by shift, with its leading one.
func tiny(m uint64, n, shift, room int) uint64 {
	if shift > room {
		return 1
	}
	cut := shift + n - room
	if cut <= 0 {
		return 1<<(room-shift) | m<<-cut
	}
	if cut > n {
		return 1
	}
	kept := m >> cut
	if m>>(cut-1)&1 != 0 {
		kept = (kept + 1) & ones(n-cut)
	}
	return 1<<(room-shift) | kept
}

// float is the value of a native float.
func (f format) float(src []byte) float64 {
	v := f.get(src)
	switch f.size {
	case 8:
		return math.Float64frombits(v)
	case 4:
		return float64(math.Float32frombits(uint32(v)))
	}
	p := f.parts(src)
	var out float64
	switch {
	case p.exponent == 0:
		out = math.Ldexp(float64(p.mantissa), -24)
	case p.exponent < f.maxExponent():
		out = math.Ldexp(float64(p.mantissa|1<<10), int(p.exponent)-25)
	case p.mantissa == 0:
		out = math.Inf(1)
	default:
		return math.Float64frombits(f.quiet(v, 42))
	}
	if p.negative {
		out = -out
	}
	return out
}

// quiet is the NaN of a half as one of 64 bits.
func (f format) quiet(v uint64, shift int) uint64 {
	return v>>15<<63 | 0x7ff8<<48 | v&ones(10)<<shift
}

// hardFloats casts. What is beyond the largest number is infinity, also where rounding would come back.
func hardFloats(from, to format) Func {
	most := map[int]float64{2: 65504, 4: math.MaxFloat32, 8: math.MaxFloat64}[to.size]
	return func(dst, src []byte) {
		v := from.float(src)
		if v > most || v < -most {
			v = math.Inf(int(math.Copysign(1, v)))
		}
		switch to.size {
		case 8:
			to.put(dst, math.Float64bits(v))
		case 4:
			to.put(dst, uint64(math.Float32bits(float32(v))))
		default:
			to.put(dst, half(v))
		}
	}
}

// half rounds to the nearest of 16 bits, half to even.
func half(v float64) uint64 {
	b := math.Float64bits(v)
	sign, e := b>>63<<15, int(b>>52&0x7ff)-1023
	switch {
	case math.IsNaN(v):
		return sign | 0x7e00 | b>>42&ones(10)
	case math.IsInf(v, 0):
		return sign | 0x7c00
	}
	step := math.Ldexp(1, max(e, -14)-10)
	n := uint64(math.RoundToEven(math.Abs(v) / step)) // at most 2^11 of the steps there are
	if e < -14 {
		return sign | n
	}
	return sign | (uint64(e+14)<<10 + n)
}
