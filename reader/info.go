package reader

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/sparse"
	"github.com/mtflight/mtflight/reader/internal/vds"
)

// unknown is what a dataset is before anything of it is known.
func unknown(path string, attrs json.RawMessage) Info {
	return Info{Path: path, Kind: "unsupported", Rows: Unknown, Bytes: Unknown, Stored: Unknown, Attributes: attrs}
}

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
	t := &Tree{State: f.version.State(f.live), Groups: []GroupInfo{}, Datasets: []Info{}, Links: []LinkInfo{}}
	for _, g := range m.Groups {
		t.Groups = append(t.Groups, groupInfo(g))
	}
	for _, d := range m.Datasets {
		info := f.listed(ctx, d, d.Path).info
		info.Order = d.Order
		t.Datasets = append(t.Datasets, info)
	}
	t.Datasets = append(t.Datasets, unlisted(m.Groups)...)
	for _, l := range m.Links {
		t.Links = append(t.Links, LinkInfo{Path: l.Path, Kind: l.Kind, File: l.File, Target: l.Target, Order: l.Order})
	}
	return t, nil
}

func groupInfo(g meta.Group) GroupInfo {
	out := GroupInfo{Path: g.Path, Named: g.Named, Attributes: g.Attrs.JSON(), Comment: g.Comment, Error: g.Err, Witness: g.Witness, Order: g.Order}
	out.Frame, _ = sparse.FormatOf(g.Attrs) // what cannot be read is among the attributes
	if typ, err := h5type.Parse(g.Type); g.Named && err == nil {
		out.Type = typ.String()
	}
	return out
}

// unlisted stands for the datasets of groups that cannot be listed, so that they do not go missing unseen.
func unlisted(groups []meta.Group) (out []Info) {
	for _, g := range groups {
		if g.Err != "" {
			d := unknown(g.Path, g.Attrs.JSON())
			d.Reason = "a group that cannot be listed whole: " + g.Err
			out = append(out, d)
		}
	}
	return out
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
