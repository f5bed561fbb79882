package reader

import (
	"context"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// rescue describes a dataset that libhdf5 can't open by its object header: files of newer libraries. What libhdf5 said
// stays the reason where the header doesn't help.
func (d *Dataset) rescue(ctx context.Context) error {
	o, m := d.object, &d.meta
	if o == nil {
		return fault.New(fault.DataLoss, "libhdf5 cannot open it: %s", m.Err)
	}
	m.Space = meta.Space(o.Space.Kind)
	m.Shape, m.Max = o.Space.Dims, o.Space.Max
	m.Layout, m.Chunk = meta.Layout(o.Layout.Class), o.Layout.ChunkDims
	for _, x := range o.Filters {
		m.Filters = append(m.Filters, meta.Filter{ID: x.ID, Optional: x.Optional, Name: x.Name, Params: x.Params})
	}
	if m.Layout != meta.Virtual {
		return nil
	}
	mappings, err := d.readMappings()
	if err != nil {
		return fault.New(fault.Of(err), "%w; libhdf5: %s", err, m.Err)
	}
	m.Shape, err = d.grow(ctx, mappings)
	return err
}
