package typeconv

import "math"

// softFloatToInteger is libhdf5's H5T_conv_f_i: it cuts the fraction off and gives the nearest integer there is, 0 for NaN,
// and the least of all for what lies between -0.5 and 0.
func softFloatToInteger(from format, to integer) Func {
	return func(dst, src []byte) {
		p := from.parts(src)
		v := whole{negative: p.negative}
		switch e := max(p.exponent, 1) - from.bias; {
		case p.mantissa == 0 && p.exponent == 0 || p.exponent == from.maxExponent() && p.mantissa != 0:
		case p.exponent == from.maxExponent() && p.negative && to.signed:
			to.put(dst, 1<<(to.precision-1)&^ones(to.offset))
			return
		case p.exponent == from.maxExponent() || p.negative && e < -1:
			v.n = math.MaxUint64
		default:
			v.n = shifted(p.mantissa|1<<from.mantissa, e-int64(from.mantissa))
		}
		to.clip(dst, v)
	}
}

// shifted is m by a power of two, or the largest number.
func shifted(m uint64, by int64) uint64 {
	switch {
	case by <= -64:
		return 0
	case by <= 0:
		return m >> -by
	case by >= 64 || m>>(64-by) != 0:
		return math.MaxUint64
	}
	return m << by
}

// hardFloatToInteger compares with the limits, made floats of the source's size, and casts what is not beyond them. A
// limit that was rounded up is thus not beyond and cast nevertheless. Of halves only the limits of the smallest integers
// are compared with.
func hardFloatToInteger(from format, to integer) Func {
	least, most := -float64(to.most(true)), float64(to.most(false))
	if from.size == 4 {
		most = float64(float32(to.most(false)))
	}
	if from.size == 2 {
		least, most = halfLimits(to)
	}
	return func(dst, src []byte) {
		switch v := from.float(src); {
		case v > most:
			to.putBits(dst, to.most(false))
		case v < least:
			to.putBits(dst, -to.most(true))
		default:
			to.putBits(dst, cast(v, to))
		}
	}
}

func halfLimits(to integer) (least, most float64) {
	switch {
	case to.size == 1:
		return -float64(to.most(true)), float64(to.most(false))
	case to.size == 2 && to.signed:
		return -32768, 32768
	}
	return math.Inf(-1), math.Inf(1)
}

// cast is what x86-64 makes of a float: cvttsd2si to 32 bits for integers that fit in there, else to 64.
func cast(v float64, to integer) uint64 {
	switch {
	case to.size < 4 || to.size == 4 && to.signed:
		if v > -2147483649 && v < 2147483648 {
			return uint64(int64(v))
		}
		return 1 << 31
	case to.size == 8 && !to.signed && v >= 1<<63:
		return truncated(v-1<<63) ^ 1<<63
	}
	return truncated(v)
}

func truncated(v float64) uint64 {
	if v >= -1<<63 && v < 1<<63 {
		return uint64(int64(v))
	}
	return 1 << 63
}
