//go:build !cgo || purego

package filter

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
)

const inflateCode = "klauspost/compress"

var inflaters sync.Pool // of *inflater

// inflater is a zlib reader that is used again and again.
type inflater struct {
	src bytes.Reader
	z   io.ReadCloser
}

func (f *inflater) reset(src []byte) (err error) {
	f.src.Reset(src)
	if f.z == nil {
		f.z, err = zlib.NewReader(&f.src)
		return err
	}
	return f.z.(zlib.Resetter).Reset(&f.src, nil)
}

// inflate decodes the zlib stream at the start of src into dst and returns its length.
func inflate(dst, src []byte) (int, error) {
	f, _ := inflaters.Get().(*inflater)
	if f == nil {
		f = &inflater{}
	}
	if err := f.reset(src); err != nil {
		return 0, fmt.Errorf("%w: %w", errStream, err)
	}
	defer inflaters.Put(f)
	return readAll(dst, f.z)
}

// readAll reads r to its end into dst and returns the number of bytes. More bytes than dst holds are an error.
func readAll(dst []byte, r io.Reader) (int, error) {
	var probe [1]byte
	n := 0
	for {
		p := dst[n:]
		if n == len(dst) {
			p = probe[:] // asks for the end, and makes the decoder check its sums
		}
		k, err := r.Read(p)
		if n += k; n > len(dst) {
			return 0, errTooLong
		}
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return 0, fmt.Errorf("%w: %w", errStream, err)
		}
	}
}
