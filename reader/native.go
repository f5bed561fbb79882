package reader

import (
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// rescued is a dataset that libhdf5 can't open but whose object header is understood here: files of newer libraries.
// What libhdf5 said stays the reason where the header doesn't help.
func (f *File) rescued(m meta.Dataset) (meta.Dataset, error) {
	o, err := f.h5.Object(m.Addr)
	if err != nil || o.Layout.Class == chunkindex.Virtual {
		return m, fault.New(fault.DataLoss, "libhdf5 cannot open it: %s", m.Err)
	}
	m.Err = ""
	m.Type = o.Type
	m.Space = meta.Space(o.Space.Kind)
	m.Shape, m.Max = o.Space.Dims, o.Space.Max
	m.Layout, m.Chunk = meta.Layout(o.Layout.Class), o.Layout.ChunkDims
	for _, x := range o.Filters {
		m.Filters = append(m.Filters, meta.Filter{ID: x.ID, Optional: x.Optional, Name: x.Name, Params: x.Params})
	}
	return m, nil
}
