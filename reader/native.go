package reader

import (
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// rescue describes a dataset that libhdf5 can't open by its object header: files of newer libraries. What libhdf5 said
// stays the reason where the header doesn't help.
func (d *Dataset) rescue() error {
	o, m := d.object, &d.meta
	if o != nil && o.Layout.Class == chunkindex.Virtual {
		return fault.New(fault.Unsupported, "virtual dataset that this libhdf5 cannot open: %s", m.Err)
	}
	if o == nil {
		return fault.New(fault.DataLoss, "libhdf5 cannot open it: %s", m.Err)
	}
	m.Space = meta.Space(o.Space.Kind)
	m.Shape, m.Max = o.Space.Dims, o.Space.Max
	m.Layout, m.Chunk = meta.Layout(o.Layout.Class), o.Layout.ChunkDims
	for _, x := range o.Filters {
		m.Filters = append(m.Filters, meta.Filter{ID: x.ID, Optional: x.Optional, Name: x.Name, Params: x.Params})
	}
	return nil
}
