package rows

const End62 = int64(1) << 62

// Times is a product of counts, 2^62 where it is more.
func Times(a, b int64) int64 {
	if b > 0 && a > End62/b {
		return End62
	}
	return a * b
}

func Product(v []int64) int64 {
	p := int64(1)
	for _, n := range v {
		p *= n
	}
	return p
}
