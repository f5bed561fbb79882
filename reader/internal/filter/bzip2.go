package filter

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/dsnet/compress/bzip2"
)

var bzip2Entry = entry{
	info: Info{ID: 307, Name: "bzip2", Params: "block size in 100 kB", Code: "dsnet/compress"},
	open: func([]uint32, int) (decoder, error) { return bzip2Filter{}, nil },
}

// bzip2Filter is the bzip2 filter of PyTables and HDFGroup/hdf5_plugins: a bzip2 stream.
type bzip2Filter struct{}

// bzip2Readers keeps readers with their block buffers: they are a third faster than Go's own, which can't be reused.
var bzip2Readers sync.Pool // of *bzip2.Reader

func (bzip2Filter) decode(s *Scratch, src []byte, want size) ([]byte, error) {
	r, _ := bzip2Readers.Get().(*bzip2.Reader)
	if r == nil {
		r = new(bzip2.Reader)
	}
	if err := r.Reset(bytes.NewReader(src)); err != nil {
		return nil, err
	}
	defer bzip2Readers.Put(r)
	dst := s.out(want.n)
	n, err := readAll(dst, r)
	if err != nil {
		return nil, fmt.Errorf("%d stored bytes: %w", len(src), err)
	}
	return dst[:n], nil
}
