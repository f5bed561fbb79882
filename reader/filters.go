package reader

import (
	"errors"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/filter"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// pipeline checks the filters. One that is not decoded does no harm where no chunk was written with it.
func (d *Dataset) pipeline() error {
	if len(d.meta.Filters) == 0 || d.meta.Layout != meta.Chunked {
		return nil
	}
	specs := make([]filter.Spec, len(d.meta.Filters))
	for i, f := range d.meta.Filters {
		specs[i] = filter.Spec{ID: f.ID, Optional: f.Optional, Name: f.Name, Params: f.Params}
	}
	var err error
	if d.pipe, err = filter.New(specs, d.source.Type.Size); err == nil || !errors.Is(err, fault.Unsupported) {
		return err
	}
	if err := d.skipUnused(specs); err != nil {
		return err
	}
	d.pipe, err = filter.New(specs, d.source.Type.Size)
	return err
}

// skipUnused replaces the filters that every chunk was written without.
func (d *Dataset) skipUnused(specs []filter.Spec) error {
	x, err := d.chunkIndex()
	if err != nil {
		return err
	}
	unused := ^uint32(0)
	for _, c := range x.All() {
		unused &= c.Mask
	}
	for i := range specs {
		if i < 32 && unused>>i&1 != 0 {
			specs[i] = filter.Spec{ID: filter.Unused}
		}
	}
	return nil
}
