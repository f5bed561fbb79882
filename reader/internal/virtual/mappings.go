package virtual

import (
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/vds"
)

// Mappings reads those of a layout, in a file whose lengths have so many bytes and whose global heap is heap.
func Mappings(l chunkindex.Layout, lengths int, heap func(addr uint64, index uint32) ([]byte, error)) ([]vds.Mapping, error) {
	if l.Class != chunkindex.Virtual {
		return nil, fault.New(fault.DataLoss, "layout class %d of a virtual dataset", l.Class)
	}
	if l.Mapping == 0 || l.Mapping == h5file.Undefined || l.MappingIndex == 0 {
		return nil, nil
	}
	b, err := heap(l.Mapping, l.MappingIndex)
	if err != nil {
		return nil, err
	}
	return vds.Parse(b, lengths)
}
