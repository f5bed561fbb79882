package filter

import (
	"bytes"
	"compress/bzip2"
	"fmt"
)

var bzip2Entry = entry{
	info: Info{ID: 307, Name: "bzip2", Params: "block size in 100 kB", Code: "Go's compress/bzip2"},
	open: func([]uint32, int) (decoder, error) { return bzip2Filter{}, nil },
}

// bzip2Filter is the bzip2 filter of PyTables and HDFGroup/hdf5_plugins: a bzip2 stream.
type bzip2Filter struct{}

func (bzip2Filter) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	dst := s.out(want.n)
	n, err := readAll(dst, bzip2.NewReader(bytes.NewReader(src)))
	if err != nil {
		return nil, fmt.Errorf("%d stored bytes: %w", len(src), err)
	}
	return dst[:n], nil
}
