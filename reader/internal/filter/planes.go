package filter

// Unshuffle gives a result without planes, for a caller whose elements are not those that were shuffled.
func Unshuffle(s *Scratch, r Result) Result {
	dst := s.out(len(r.Data))
	r.unshuffle(dst)
	return Result{Data: dst}
}

// Elements writes so many elements from one on to dst. Of a few of many it is less work than Unshuffle, and needs no room.
func (r Result) Elements(dst []byte, first, n int) {
	for n > 0 {
		at := first / r.Planes * r.Planes
		all := min(r.Planes, len(r.Data)/r.Elem-at)
		part := min(n, at+all-first)
		interleave(dst, r.Data[at*r.Elem:(at+all)*r.Elem], r.Elem, first-at, part)
		dst, first, n = dst[part*r.Elem:], first+part, n-part
	}
}

// interleave writes n elements of w bytes, from the one at first on, of as many planes as w.
func interleave(dst, planes []byte, w, first, n int) {
	each := len(planes) / w
	for k := range w {
		d := k
		for _, b := range planes[k*each+first:][:n] {
			dst[d] = b
			d += w
		}
	}
}

// unshuffle writes the elements to dst, which is as long as the data.
func (r Result) unshuffle(dst []byte) {
	group := r.Planes * r.Elem
	for at := 0; at < len(dst); at += group {
		end := min(at+group, len(dst))
		unshuffle(dst[at:end], r.Data[at:end], r.Elem)
	}
}
