package filter

// Unshuffle gives a result without planes, for a caller whose elements are not those that were shuffled.
func Unshuffle(s *Scratch, r Result) Result {
	dst := s.out(len(r.Data))
	unshuffle(dst, r.Data, r.Elem)
	return Result{Data: dst}
}
