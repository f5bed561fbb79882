//go:build !cgo || purego

package filter

import (
	"bytes"
	"compress/bzip2"
	"io"
)

const bzip2Code = "compress/bzip2"

// bunzip2 decodes bzip2 streams that make up src into dst and returns their length.
func bunzip2(dst, src []byte) (int, error) {
	return readAll(dst, bzip2.NewReader(bytes.NewReader(src)))
}

// bunzip2Front fills dst with the first bytes of the stream.
func bunzip2Front(dst, src []byte) bool {
	_, err := io.ReadFull(bzip2.NewReader(bytes.NewReader(src)), dst)
	return err == nil
}
