package filter

// Unshuffle gives a result without planes, for a caller whose elements are not those that were shuffled.
func Unshuffle(s *Scratch, r Result) Result {
	dst := s.out(len(r.Data))
	r.unshuffle(dst)
	return Result{Data: dst}
}

// unshuffle writes the elements to dst, which is as long as the data.
func (r Result) unshuffle(dst []byte) {
	group := r.Planes * r.Elem
	for at := 0; at < len(dst); at += group {
		end := min(at+group, len(dst))
		unshuffle(dst[at:end], r.Data[at:end], r.Elem)
	}
}
