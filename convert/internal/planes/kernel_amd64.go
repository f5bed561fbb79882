//go:build !purego

package planes

// The SSE2 kernels, which every amd64 has. n is a positive multiple of 16; src is element 0 of the first plane and
// pitch, which may be negative, the way to the next one. They read n bytes of each plane and write n whole values.

//go:noescape
func sse2x2(dst, src *byte, pitch, n int)

//go:noescape
func sse2x4(dst, src *byte, pitch, n int)

//go:noescape
func sse2x8(dst, src *byte, pitch, n int)

// sse2x8s writes its values stride bytes apart.
//
//go:noescape
func sse2x8s(dst, src *byte, pitch, n, stride int)

func kernel2(dst []byte, stride int, planes []byte, start, pitch, n int) int {
	if n &^= 15; n == 0 || stride != 2 {
		return 0
	}
	sse2x2(&dst[0], &planes[start], pitch, n)
	return n
}

func kernel4(dst []byte, stride int, planes []byte, start, pitch, n int) int {
	if n &^= 15; n == 0 || stride != 4 {
		return 0
	}
	sse2x4(&dst[0], &planes[start], pitch, n)
	return n
}

func kernel8(dst []byte, stride int, planes []byte, start, pitch, n int) int {
	n &^= 15
	switch {
	case n == 0:
	case stride == 8:
		sse2x8(&dst[0], &planes[start], pitch, n)
	default:
		sse2x8s(&dst[0], &planes[start], pitch, n, stride)
	}
	return n
}
