package planes

import (
	"math/bits"
	"slices"
	"unsafe"
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
	rows := max(tile/width, 1) // turned round while in the cache
	for i := 0; i < n; i += rows {
		part := dst[i*width : min(i+rows, n)*width]
		gather(part, src[i*stride+off:], stride, width)
		if reverse {
			reverseEach(part, width)
		}
	}
}

// gather relies on the bounds that Strided has checked.
func gather(dst, src []byte, stride, width int) {
	switch {
	case stride == width:
		copy(dst, src)
	case width == 1:
		gatherOf[[1]byte](dst, src, stride)
	case width == 2:
		gatherOf[[2]byte](dst, src, stride)
	case width == 4:
		gatherOf[[4]byte](dst, src, stride)
	case width == 8:
		gatherOf[[8]byte](dst, src, stride)
	case width == 16:
		gatherOf[[16]byte](dst, src, stride)
	default:
		for at := 0; len(dst) > 0; at += stride {
			copy(dst[:width], src[at:])
			dst = dst[width:]
		}
	}
}

// gatherOf goes without bounds checks, which took longer than the copying: Strided has made sure of the last row.
// Values are byte arrays because nothing is aligned.
func gatherOf[T [1]byte | [2]byte | [4]byte | [8]byte | [16]byte](dst, src []byte, stride int) {
	to, from := unsafe.Pointer(unsafe.SliceData(dst)), unsafe.Pointer(unsafe.SliceData(src))
	width := int(unsafe.Sizeof(*new(T)))
	for i := range len(dst) / width {
		*(*T)(unsafe.Add(to, i*width)) = *(*T)(unsafe.Add(from, i*stride))
	}
}

// reverseEach turns round the bytes of every value in b.
func reverseEach(b []byte, width int) {
	switch width {
	case 1:
	case 2:
		for ; len(b) >= 2; b = b[2:] {
			le.PutUint16(b, bits.ReverseBytes16(le.Uint16(b)))
		}
	case 4:
		for ; len(b) >= 4; b = b[4:] {
			le.PutUint32(b, bits.ReverseBytes32(le.Uint32(b)))
		}
	case 8:
		for ; len(b) >= 8; b = b[8:] {
			le.PutUint64(b, bits.ReverseBytes64(le.Uint64(b)))
		}
	default:
		for ; len(b) >= width; b = b[width:] {
			slices.Reverse(b[:width])
		}
	}
}
