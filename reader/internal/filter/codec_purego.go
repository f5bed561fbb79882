//go:build !cgo || purego

package filter

import (
	"fmt"
	"io"
)

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
