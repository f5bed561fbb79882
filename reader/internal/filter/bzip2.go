package filter

import (
	"errors"
	"fmt"
	"math"
)

var bzip2Entry = entry{
	info: Info{ID: 307, Name: "bzip2", Params: "block size in 100 kB", Code: bzip2Code},
	open: func([]uint32, int) (decoder, error) { return bzip2Filter{}, nil },
}

// bzip2Filter is the bzip2 filter of PyTables and HDFGroup/hdf5_plugins: a bzip2 stream.
type bzip2Filter struct{}

func (bzip2Filter) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	if len(src) > math.MaxUint32 || want.n > math.MaxUint32 {
		return nil, errors.New("bzip2 takes less than 4 GiB")
	}
	dst := s.out(want.n)
	n, err := bunzip2(dst, src)
	if err != nil {
		return nil, fmt.Errorf("%d stored bytes: %w", len(src), err)
	}
	return dst[:n], nil
}

// front is part of fronted.
func (bzip2Filter) front(s *Scratch, src []byte, total, n int) ([]byte, bool) {
	if len(src) > math.MaxUint32 || total > math.MaxUint32 {
		return nil, false
	}
	dst := s.out(n)
	return dst, bunzip2Front(dst, src)
}
