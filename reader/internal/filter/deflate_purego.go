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

// frontMargins is what inflateFront needs behind what is asked for.
var frontMargins = []int{0}

// inflateFront decodes the first n bytes of the zlib stream in src, and tells whether they are there.
func inflateFront(dst, src []byte, n int) bool {
	f, _ := inflaters.Get().(*inflater)
	if f == nil {
		f = &inflater{}
	}
	if f.reset(src) != nil {
		return false
	}
	defer inflaters.Put(f)
	_, err := io.ReadFull(f.z, dst[:n])
	return err == nil
}
