// Package planes holds the kernels that turn bytes of an HDF5 chunk into column values without an unshuffle pass.
//
// HDF5's shuffle filter stores byte k of element i at k*total + i: one plane per byte of the element. A member of a
// compound is then a few neighbouring planes, and Interleave makes values of them directly. Strided does the same
// for bytes that are not shuffled.
//
// Everything works on the caller's memory: nothing is kept or allocated, and calls that write disjoint bytes may run
// at once. Source and destination must not overlap. Lengths that do not fit the arguments are a caller's error and
// panic before anything is written, as a slice index does. Results are the same on every architecture; the SSE2
// kernels are left out with the build tag purego.
package planes

// tile is the number of destination bytes that are filled before the next planes of wide elements are visited, so
// that they stay in the first-level cache meanwhile.
const tile = 16 << 10

// Interleave writes n values of width bytes to dst, value i at i*dstStride. Byte k of value i is
// planes[(off+k)*total+first+i]; reverse puts the bytes in the opposite order, which makes big-endian values little-
// endian. total is the number of elements per plane; planes may end behind the last byte that is needed.
func Interleave(dst []byte, dstStride int, planes []byte, total, first, n, off, width int, reverse bool) {
	if n == 0 || width == 0 {
		return
	}
	if n < 0 || width < 0 || width > len(dst) || dstStride < width || n-1 > (len(dst)-width)/dstStride ||
		first < 0 || first > total-n || first+n > len(planes) ||
		off < 0 || off > len(planes) || off+width-1 > (len(planes)-first-n)/total {
		panic("planes: interleave: arguments exceed the slices")
	}
	start, pitch := off*total+first, total
	if reverse {
		start, pitch = start+(width-1)*total, -total
	}
	rows := max(tile/dstStride&^15, 16)
	for i := 0; i < n; i += rows {
		interleave(dst[i*dstStride:], dstStride, planes, start+i, pitch, min(rows, n-i), width)
	}
}

// interleave is Interleave with plane k of the value, from its first element, at start + k*pitch.
func interleave(dst []byte, stride int, planes []byte, start, pitch, n, width int) {
	k := 0
	for ; width-k >= 8; k += 8 {
		join(kernel8, go8, dst[k:], stride, planes, start+k*pitch, pitch, n, 8)
	}
	if width-k >= 4 {
		join(kernel4, go4, dst[k:], stride, planes, start+k*pitch, pitch, n, 4)
		k += 4
	}
	if width-k >= 2 {
		join(kernel2, go2, dst[k:], stride, planes, start+k*pitch, pitch, n, 2)
		k += 2
	}
	if k < width {
		naive(dst[k:], stride, planes, start+k*pitch, pitch, n, 1)
	}
}

// A kernel interleaves the first of n values of its own width and returns how many; the rest is too few for it.
type kernel func(dst []byte, stride int, planes []byte, start, pitch, n int) int

// join runs the kernels one after the other, each on what the one before has left.
func join(fast, slow kernel, dst []byte, stride int, planes []byte, start, pitch, n, width int) {
	done := fast(dst, stride, planes, start, pitch, n)
	if done < n {
		done += slow(dst[done*stride:], stride, planes, start+done, pitch, n-done)
	}
	if done < n {
		naive(dst[done*stride:], stride, planes, start+done, pitch, n-done, width)
	}
}

// naive is the definition.
func naive(dst []byte, stride int, planes []byte, start, pitch, n, width int) {
	if stride == 1 {
		copy(dst[:n], planes[start:])
		return
	}
	for k := range width {
		at := k
		for _, b := range planes[start+k*pitch:][:n] {
			dst[at] = b
			at += stride
		}
	}
}
