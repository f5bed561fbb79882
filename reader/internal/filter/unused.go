package filter

import "errors"

// Unused is the id (H5Z_FILTER_NONE) of a filter that no chunk was written with: every mask has its bit set.
const Unused = 0

type unused struct{}

func (unused) decode(*Scratch, []byte, size) ([]byte, error) {
	return nil, errors.New("a chunk was written with a filter that none should have")
}
