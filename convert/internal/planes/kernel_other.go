//go:build !amd64 || purego

package planes

func kernel2(dst []byte, stride int, planes []byte, start, pitch, n int) int {
	return go2(dst, stride, planes, start, pitch, n)
}

func kernel4(dst []byte, stride int, planes []byte, start, pitch, n int) int {
	return go4(dst, stride, planes, start, pitch, n)
}

func kernel8(dst []byte, stride int, planes []byte, start, pitch, n int) int {
	return go8(dst, stride, planes, start, pitch, n)
}
