package reader

// page is the part of a result that Request.Offset and Limit leave.
type page struct {
	offset, limit int64 // limit negative: all rows behind offset
}

// everything is the page of all rows.
var everything = page{limit: -1}

// end is the number of rows of the result behind which nothing is wanted, negative if all are.
func (g page) end() int64 {
	if g.limit < 0 {
		return -1
	}
	return min(g.offset, end62) + min(g.limit, end62-1)
}

// of is the page's rows of a sequence, without a look at those before it.
func (g page) of(s sequence) sequence {
	first := min(g.offset, s.Len())
	n := s.Len() - first
	if g.limit >= 0 {
		n = min(n, g.limit)
	}
	return cutOf(s, first, n)
}

// cutOf is n rows of a sequence from the first on; both lie in it. Sequences of other packages cut themselves.
func cutOf(s sequence, first, n int64) sequence {
	switch s := s.(type) {
	case span:
		return span{start: s.start + first*s.step, step: s.step, n: n}
	case rowList:
		return s[first : first+n]
	case chosen:
		s.first, s.n = s.first+first, n
		return s
	case interface{ cut(first, n int64) sequence }:
		return s.cut(first, n)
	}
	return s
}

// rest is a sequence without its first rows.
func rest(s sequence, n int64) sequence { return cutOf(s, n, s.Len()-n) }
