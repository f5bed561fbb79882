package reader

const end62 = int64(1) << 62

// times is a product of counts, 2^62 where it is more.
func times(a, b int64) int64 {
	if b > 0 && a > end62/b {
		return end62
	}
	return a * b
}

func product(v []int64) int64 {
	p := int64(1)
	for _, n := range v {
		p *= n
	}
	return p
}
