package virtual

import (
	"context"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/vds"
)

// Grow finds the extents of a virtual dataset, as libhdf5 does by default: as many as the source with the most gives
// (H5D_VDS_LAST_AVAILABLE), and room for the mappings that have an end.
func (d *Dataset) Grow(ctx context.Context) ([]uint64, error) {
	ctx, err := d.enter(ctx)
	if err != nil {
		return nil, err
	}
	stored := d.Stored
	found := make([]int64, len(stored))
	for i := range found {
		found[i] = -1
	}
	for _, m := range d.Mappings {
		axis := m.Dst.Unlimited()
		if axis < 0 {
			continue
		}
		if axis >= len(found) {
			return nil, fault.New(fault.DataLoss, "virtual dataset: a selection along axis %d of %d", axis, len(found))
		}
		n, err := d.reach(ctx, m)
		if err != nil {
			return nil, err
		}
		found[axis] = max(found[axis], n)
	}
	out := make([]uint64, len(stored))
	for i, n := range found {
		if out[i] = uint64(stored[i]); n >= 0 {
			out[i] = uint64(max(n, vds.Least(d.Mappings, i)))
		}
	}
	return out, nil
}

// reach is how far the source of an unlimited mapping goes in the virtual dataset.
func (d *Dataset) reach(ctx context.Context, m vds.Mapping) (int64, error) {
	n := int64(0)
	if m.Printf() {
		blocks, err := d.countBlocks(ctx, m)
		if err != nil {
			return 0, err
		}
		if n = m.Dst.BlockSlices(); n > rows.End62/max(blocks, 1) {
			return 0, fault.New(fault.Unsupported, "extents of more than 2^62 elements")
		}
		n *= blocks
	} else {
		file, dataset := m.Names(0)
		src, err := d.Open(ctx, file, dataset)
		if err != nil {
			return 0, err
		}
		if n, err = src.slices(m.Src); err != nil {
			return 0, err
		}
	}
	if end := m.Dst.Extent(n); end >= 0 {
		return end, nil
	}
	return 0, fault.New(fault.Unsupported, "extents of more than 2^62 elements")
}

// countBlocks counts the sources there are up to the first gap.
func (d *Dataset) countBlocks(ctx context.Context, m vds.Mapping) (int64, error) {
	for b := range int64(MaxPattern) {
		file, dataset := m.Names(b)
		if src, err := d.Open(ctx, file, dataset); src == nil || err != nil {
			return b, err
		}
	}
	return 0, fault.New(fault.Unsupported, "virtual source %s stands for more than %d", spell.Escape(m.Dataset), MaxPattern)
}

// slices counts what an unlimited selection takes of a source; nil has nothing. A source that grows itself counts with
// the extents that its file has stored, as in libhdf5.
func (d *Dataset) slices(s vds.Selection) (int64, error) {
	if d == nil {
		return 0, nil
	}
	axis := s.Unlimited()
	if axis >= len(d.Stored) {
		return 0, fault.New(fault.DataLoss, "virtual source %s: a selection along axis %d of %d", d.Path, axis, len(d.Stored))
	}
	return s.Slices(d.Stored[axis]), nil
}
