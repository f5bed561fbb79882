package reader

import (
	"context"
	"strings"

	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/listing"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/vds"
)

// IsHDF5 tells whether a file has the signature of HDF5 where it may stand, however long its disk takes. The error is of a file that
// cannot be read.
func IsHDF5(at Location) (bool, error) {
	f, err := location.Open(context.Background(), nil, nil, at)
	if err != nil {
		return false, err
	}
	defer f.Close()
	return h5file.Signed(f, f.Identity().Size), nil
}

// Hidden tells whether a path is PyTables' own, an index or the like, which listings leave out.
func Hidden(path string) bool {
	return strings.Contains(path, "/_i_") || strings.Contains(path, "/_p_")
}

// Tree lists the file: every object once, its further hard links and those that are not hard, attributes.
func (f *File) Tree(ctx context.Context) (*Tree, error) {
	return settled(ctx, f, func(f *File) (*Tree, error) { return f.readTree(ctx) })
}

func (f *File) readTree(ctx context.Context) (*Tree, error) {
	m, err := f.listing(ctx)
	if err != nil {
		return nil, err
	}
	t := listing.Of(m, f.version.State(f.live))
	for _, d := range m.Datasets {
		info := f.listed(ctx, d, d.Path).info
		info.Order = d.Order
		t.Datasets = append(t.Datasets, info)
	}
	t.Datasets = append(t.Datasets, listing.Unlisted(m.Groups)...)
	return t, nil
}

// listed is the dataset of a path, made of what the file says only if it is not known yet.
func (f *File) listed(ctx context.Context, m meta.Dataset, path string) *Dataset {
	if d, ok := f.datasets.Get(ctx, f.loc, path); ok {
		return d
	}
	ctx, visit := location.Begin(ctx)
	d := newDataset(ctx, f, m, path)
	if !vds.Grow(d.mappings) {
		f.datasets.Put(ctx, f.loc, path, d, visit)
	}
	return d
}
