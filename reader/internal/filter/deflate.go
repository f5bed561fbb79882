package filter

import "fmt"

var deflateEntry = entry{
	info: Info{ID: 1, Name: "deflate", Params: "compression level", Code: inflateCode},
	open: func([]uint32, int) (decoder, error) { return deflate{}, nil },
}

// deflate is H5Z_FILTER_DEFLATE: a zlib stream (RFC 1950). Bytes after its end are ignored as libhdf5 does.
type deflate struct{}

func (deflate) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	dst := s.out(want.n)
	n, err := inflate(dst, src)
	if err != nil {
		return nil, fmt.Errorf("%d stored bytes: %w", len(src), err)
	}
	return dst[:n], nil
}

// front is part of fronted.
func (deflate) front(s *Scratch, src []byte, total, n int) ([]byte, bool) {
	for _, behind := range frontMargins {
		if !saves(n+behind, total) {
			break
		}
		dst := s.out(n + behind)
		if inflateFront(dst, src, n) {
			return dst[:n], true
		}
		s.turn ^= 1 // so that the next trial takes the same buffer, not the one that src may lie in
	}
	return nil, false
}
