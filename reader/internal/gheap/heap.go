// Package gheap reads global heap collections.
package gheap

import (
	"io"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
)

// Heap is a file's global heap.
type Heap struct{}

// New returns the heap of a file.
func New(io.ReaderAt, *chunkindex.File, int64, int64) *Heap { return &Heap{} }

// Object is an object of a collection.
func (*Heap) Object(uint64, uint32) ([]byte, error) {
	return nil, fault.New(fault.Unsupported, "variable-length data is not served yet")
}
