package planes

import (
	"math/bits"
	"slices"
)

// Strided gathers n values of width bytes, value i at src[i*stride+off], into dst, where they lie without gaps.
// reverse puts the bytes of each value in the opposite order.
func Strided(dst, src []byte, stride, off, width, n int, reverse bool) {
	if n == 0 || width == 0 {
		return
	}
	if n < 0 || width < 0 || off < 0 || stride < 0 || width > len(src) || off > len(src)-width ||
		stride > 0 && n-1 > (len(src)-width-off)/stride || n > len(dst)/width {
		panic("planes: strided: arguments exceed the slices")
	}
	dst, src = dst[:n*width], src[off:]
	switch {
	case width == 1:
		gather1(dst, src, stride)
	case stride == width && !reverse:
		copy(dst, src)
	case width == 2:
		gather2(dst, src, stride, reverse)
	case width == 4:
		gather4(dst, src, stride, reverse)
	case width == 8:
		gather8(dst, src, stride, reverse)
	case width == 16:
		gather16(dst, src, stride, reverse)
	default:
		gather(dst, src, stride, width, reverse)
	}
}

func gather1(dst, src []byte, stride int) {
	at := 0
	for i := range dst {
		dst[i] = src[at]
		at += stride
	}
}

func gather2(dst, src []byte, stride int, reverse bool) {
	for at := 0; len(dst) >= 2; at += stride {
		v := le.Uint16(src[at:])
		if reverse {
			v = bits.ReverseBytes16(v)
		}
		le.PutUint16(dst, v)
		dst = dst[2:]
	}
}

func gather4(dst, src []byte, stride int, reverse bool) {
	for at := 0; len(dst) >= 4; at += stride {
		v := le.Uint32(src[at:])
		if reverse {
			v = bits.ReverseBytes32(v)
		}
		le.PutUint32(dst, v)
		dst = dst[4:]
	}
}

func gather8(dst, src []byte, stride int, reverse bool) {
	for at := 0; len(dst) >= 8; at += stride {
		v := le.Uint64(src[at:])
		if reverse {
			v = bits.ReverseBytes64(v)
		}
		le.PutUint64(dst, v)
		dst = dst[8:]
	}
}

func gather16(dst, src []byte, stride int, reverse bool) {
	for at := 0; len(dst) >= 16; at += stride {
		a, b := le.Uint64(src[at:]), le.Uint64(src[at+8:])
		if reverse {
			a, b = bits.ReverseBytes64(b), bits.ReverseBytes64(a)
		}
		le.PutUint64(dst, a)
		le.PutUint64(dst[8:], b)
		dst = dst[16:]
	}
}

func gather(dst, src []byte, stride, width int, reverse bool) {
	for at := 0; len(dst) >= width; at += stride {
		copy(dst[:width], src[at:])
		if reverse {
			slices.Reverse(dst[:width])
		}
		dst = dst[width:]
	}
}
