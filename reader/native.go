package reader

import (
	"context"

	"github.com/mtflight/mtflight/internal/fault"
)

// learnExtent finds the extent of a virtual dataset whose sources decide about it. Mappings that are not understood are
// for learnVirtual to refuse.
func (d *Dataset) learnExtent(ctx context.Context) error {
	mappings, err := d.readMappings()
	if fault.Of(err) == fault.Unsupported {
		return nil
	}
	if err == nil {
		v := d.asVirtual()
		v.stored, v.mappings = signed(d.object.Space.Dims), mappings
		d.meta.Shape, err = v.grow(ctx)
	}
	return err
}
