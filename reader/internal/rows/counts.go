package rows

import "github.com/mtflight/mtflight/internal/fault"

// End62 is what counts saturate at, so that two of them can be added.
const End62 = int64(1) << 62

// Times is a product of counts, 2^62 where it is more.
func Times(a, b int64) int64 {
	if b > 0 && a > End62/b {
		return End62
	}
	return a * b
}

// Product of extents: the elements of a dataspace, which has been bounded before.
func Product(v []int64) int64 {
	p := int64(1)
	for _, n := range v {
		p *= n
	}
	return p
}

// Bytes is what as many elements of a size take as the extents say, at most End62.
func Bytes(extents []uint64, size int) int64 {
	n := int64(size)
	for _, k := range extents {
		n = Times(n, int64(min(k, uint64(End62))))
	}
	return n
}

// Extents are those of a dataspace as int64; unlimited, and what no file can hold, is -1.
func Extents(v []uint64) []int64 {
	if v == nil {
		return nil
	}
	out := make([]int64, len(v))
	for i, n := range v {
		out[i] = int64(n)
		if out[i] < 0 {
			out[i] = -1
		}
	}
	return out
}

// Inner are the extents behind the first axis.
func Inner(shape []int64) []int {
	out := make([]int, 0, len(shape))
	for _, n := range shape[1:] {
		out = append(out, int(n))
	}
	return out
}

// Bounded is how many bytes elements of a size take in all. Extents that cannot be counted in 62 bits, and rows of more than 2^40 bytes,
// are fault.Unsupported.
func Bounded(shape []int64, size int64) (int64, error) {
	n := int64(1)
	for _, extent := range shape {
		if extent < 0 || (extent > 0 && n > End62/extent) {
			return 0, fault.New(fault.Unsupported, "extents of more than 2^62 elements")
		}
		n *= extent
	}
	row := size
	for _, extent := range shape[1:] {
		if extent > 0 && row > (1<<40)/extent {
			return 0, fault.New(fault.Unsupported, "rows of more than 2^40 bytes")
		}
		row *= extent
	}
	return Times(n, size), nil
}
