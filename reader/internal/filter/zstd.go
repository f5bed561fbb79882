package filter

import "fmt"

var zstdEntry = entry{
	info: Info{ID: 32015, Name: "zstd", Params: "compression level", Code: zstdCode},
	open: func([]uint32, int) (decoder, error) { return zstdFilter{}, nil },
}

// zstdFilter is https://github.com/aparamon/HDF5Plugin-Zstandard: Zstandard frames (RFC 8878).
type zstdFilter struct{}

func (zstdFilter) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	dst := s.out(want.n)
	n, err := zstdFrames(dst, src)
	if err != nil {
		return nil, fmt.Errorf("%d stored bytes: %w", len(src), err)
	}
	return dst[:n], nil
}

// front is part of fronted.
func (zstdFilter) front(s *Scratch, src []byte, total, n int) ([]byte, bool) {
	dst := s.out(total) // what comes later may refer to all of it
	return dst[:n], zstdFront(dst, src, n)
}
