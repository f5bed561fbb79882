package reader

import (
	"cmp"
	"context"
	"path/filepath"
	"strings"

	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/store"
	"github.com/mtflight/mtflight/reader/internal/vds"
	"github.com/mtflight/mtflight/reader/internal/version"
	"github.com/mtflight/mtflight/reader/internal/virtual"
)

// learnVirtual reads the mappings and checks that the files they name may be opened.
func (d *Dataset) learnVirtual(ctx context.Context) error {
	if d.object == nil {
		return d.noHeader // libhdf5 opens no sources
	}
	mappings, err := virtual.Mappings(d.object.Layout, int(d.file.h5.SizeOfLengths), d.file.heap.Object)
	if err != nil {
		return err
	}
	d.virtual, d.mappings = true, mappings
	_, err = disks.Names(ctx, d.file.eng.disks, d.file.loc.Path, func() (bool, error) { return true, virtual.MayOpen(ctx, d.file.loc, mappings) })
	return err
}

// virtualSource opens what a mapping names; nil if it is not there, where libhdf5 takes the fill value. A file by an
// absolute name is looked for beside this one too, as libhdf5 does. Both names are the mapping's, not spelled.
func (f *File) virtualSource(ctx context.Context, file, dataset string) (*virtual.Dataset, error) {
	g, err := f, error(nil)
	if file != "." {
		if g, err = f.open(ctx, file); location.Absent(err) && filepath.IsAbs(file) {
			g, err = f.open(ctx, filepath.Base(file))
		}
	}
	if location.Absent(err) {
		return nil, virtual.NameSource(location.Base(file), (*version.Version)(nil).Met(ctx, file, false))
	}
	if err == nil && g != f {
		err = g.version.Met(ctx, file, g.live)
	}
	if err != nil {
		return nil, virtual.NameSource(location.Base(file), err)
	}
	dataset = spell.Escape(dataset)
	src, err := g.Dataset(ctx, "/"+strings.TrimLeft(dataset, "/"))
	if location.Absent(err) || err == nil && src.frame != nil {
		return nil, virtual.NameSource(dataset, (*version.Version)(nil).Met(ctx, file+dataset, false))
	}
	if err == nil {
		err = cmp.Or(src.unsupported, src.file.failed(src.file.version.Met(ctx, file+dataset, src.file.live)))
	}
	if err != nil {
		return nil, virtual.NameSource(dataset, err)
	}
	return src.asVirtual(), nil
}

// meet opens what elements of the dataset lie in beside its file, as far as that is there.
func (d *Dataset) meet(ctx context.Context) {
	if d.virtual {
		d.asVirtual().Visit(ctx)
	} else if d.object != nil {
		for _, x := range d.object.External {
			if raw, err := d.file.beside(ctx, x.Name); err == nil {
				_ = raw.Close()
			}
		}
	}
}

// asVirtual is the dataset as package virtual sees it, as a virtual one or as a source.
func (d *Dataset) asVirtual() *virtual.Dataset {
	v := &virtual.Dataset{File: d.file.asVirtual(), Path: d.meta.Path, Addr: d.meta.Addr, Shape: d.shape, Stored: d.shape, Type: d.source.Type,
		OffsetSize: d.source.OffsetSize, Mappings: d.mappings, Virtual: d.virtual, Empty: d.empty(), Unchanged: d.unchanged}
	if vds.Grow(d.mappings) && d.object != nil {
		v.Stored = rows.Extents(d.object.Space.Dims)
	}
	if d.source.Type != nil {
		v.Fill = d.object.Unwritten(d.source.Type.Size)
	}
	v.Open, v.Meet = d.file.virtualSource, d.meet
	v.Store = func(ctx context.Context) (store.Store, error) { return d.store(ctx, 0) }
	return v
}

// asVirtual is the file as package virtual sees it.
func (f *File) asVirtual() virtual.File {
	return virtual.File{Name: f.loc.Name, Path: f.loc.Path, State: f.disk.Identity(), Heap: f.heap.Object,
		Reopen: func(ctx context.Context) (virtual.File, error) {
			now, err := f.eng.Open(ctx, f.loc)
			if err != nil {
				return virtual.File{}, err
			}
			return now.asVirtual(), nil
		}}
}

// learnExtent finds the extent of a virtual dataset whose sources decide about it. Mappings that are not understood are
// for learnVirtual to refuse.
func (d *Dataset) learnExtent(ctx context.Context) error {
	mappings, err := virtual.Mappings(d.object.Layout, int(d.file.h5.SizeOfLengths), d.file.heap.Object)
	if fault.Of(err) == fault.Unsupported {
		return nil
	}
	if err == nil {
		v := d.asVirtual()
		v.Stored, v.Mappings = rows.Extents(d.object.Space.Dims), mappings
		d.meta.Shape, err = v.Grow(ctx)
	}
	return err
}
