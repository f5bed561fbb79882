package reader

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/vds"
)

const (
	maxNested  = 8       // virtual datasets that are made of virtual datasets
	maxPattern = 100_000 // sources that a pattern of names stands for
)

// learnVirtual reads the mappings and checks that the files they name may be opened.
func (d *Dataset) learnVirtual() error {
	if d.object == nil {
		return d.noHeader // libhdf5 opens no sources
	}
	mappings, err := d.readMappings()
	if err != nil {
		return err
	}
	d.virtual, d.mappings = true, mappings
	return d.file.mayOpen(mappings)
}

func (d *Dataset) readMappings() ([]vds.Mapping, error) {
	l := d.object.Layout
	if l.Class != chunkindex.Virtual {
		return nil, fault.New(fault.DataLoss, "layout class %d of a virtual dataset", l.Class)
	}
	if l.Mapping == 0 || l.Mapping == h5file.Undefined || l.MappingIndex == 0 {
		return nil, nil
	}
	b, err := d.file.heap.Object(l.Mapping, l.MappingIndex)
	if err != nil {
		return nil, err
	}
	return vds.Parse(b, int(d.file.h5.SizeOfLengths))
}

// mayOpen checks the files of mappings; those of a pattern of names are checked again when they are opened.
func (f *File) mayOpen(mappings []vds.Mapping) error {
	seen := map[string]bool{}
	for _, m := range mappings {
		file, _ := m.Names(0)
		if seen[file] {
			continue
		}
		seen[file] = true
		if err := f.inside(file); err != nil {
			return err
		}
	}
	return nil
}

// inside checks that a virtual source may be opened. One that is not there is judged by its folder.
func (f *File) inside(name string) error {
	if name == "." || f.loc.Inside == nil {
		return nil
	}
	own := filepath.Dir(f.loc.Path)
	disk := name
	if !filepath.IsAbs(disk) {
		disk = filepath.Join(own, disk)
	}
	if _, err := filepath.EvalSymlinks(disk); err != nil {
		if disk = existing(disk); disk == existing(own) { // no root holds itself
			return nil
		}
	}
	if !f.loc.Inside(disk) {
		return fault.New(fault.Unsupported, "virtual source %s %w", spelledBase(name), errOutside)
	}
	return nil
}

// existing is the longest part of a path that leads to something, links followed.
func existing(path string) string {
	for {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			return real
		}
		parent := filepath.Dir(path)
		if parent == path {
			return path
		}
		path = parent
	}
}

// virtualSource opens what a mapping names; nil if it is not there, where libhdf5 takes the fill value. A file by an
// absolute name is looked for beside this one too, as libhdf5 does. Both names are the mapping's, not spelled.
func (f *File) virtualSource(ctx context.Context, file, dataset string) (*Dataset, error) {
	g, err := f, error(nil)
	if file != "." {
		if g, err = f.open(ctx, file); absent(err) && filepath.IsAbs(file) {
			g, err = f.open(ctx, filepath.Base(file))
		}
	}
	if absent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, ofSource(spelledBase(file), err)
	}
	dataset = spell.Escape(dataset)
	src, err := g.Dataset(ctx, "/"+strings.TrimLeft(dataset, "/"))
	if absent(err) || err == nil && src.frame != nil {
		return nil, nil
	}
	if err == nil {
		err = src.unsupported
	}
	if err != nil {
		return nil, ofSource(dataset, err)
	}
	return src, nil
}

// ofSource names a source in an error.
func ofSource(name string, err error) error {
	if k := fault.Of(err); k != nil {
		return fault.New(k, "virtual source %s: %w", name, err)
	}
	return err
}

// absent tells what is not there from what may not be opened.
func absent(err error) bool {
	return fault.Of(err) == fault.NotFound && !errors.Is(err, errOutside)
}

type nestKey struct{}

// nest is a virtual dataset that is being looked into, in a context.
type nest struct {
	file  string
	addr  uint64
	outer *nest
	depth int
}

// enter notes in a context that a virtual dataset is being looked into. One that is made of itself is DataLoss.
func (d *Dataset) enter(ctx context.Context) (context.Context, error) {
	outer, _ := ctx.Value(nestKey{}).(*nest)
	in := &nest{file: d.file.loc.Path, addr: d.meta.Addr, outer: outer}
	for o := outer; o != nil; o = o.outer {
		if o.file == in.file && o.addr == in.addr {
			return nil, fault.New(fault.DataLoss, "virtual dataset %s is made of itself", d.meta.Path)
		}
	}
	if outer != nil {
		in.depth = outer.depth + 1
	}
	if in.depth > maxNested {
		return nil, fault.New(fault.Unsupported, "virtual datasets nested deeper than %d", maxNested)
	}
	return context.WithValue(ctx, nestKey{}, in), nil
}

// grows tells whether the sources decide about the extents.
func (d *Dataset) grows() bool {
	for _, m := range d.mappings {
		if m.Dst.Unlimited() >= 0 {
			return true
		}
	}
	return false
}

// grow finds the extents of a virtual dataset, as libhdf5 does by default: as many as the source with the most gives
// (H5D_VDS_LAST_AVAILABLE), and room for the mappings that have an end.
func (d *Dataset) grow(ctx context.Context, mappings []vds.Mapping) ([]uint64, error) {
	ctx, err := d.enter(ctx)
	if err != nil {
		return nil, err
	}
	stored := d.object.Space.Dims
	found := make([]int64, len(stored))
	for i := range found {
		found[i] = -1
	}
	for _, m := range mappings {
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
		if out[i] = stored[i]; n >= 0 {
			out[i] = uint64(max(n, vds.Least(mappings, i)))
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
		if n = m.Dst.BlockSlices(); n > end62/max(blocks, 1) {
			return 0, fault.New(fault.Unsupported, "extents of more than 2^62 elements")
		}
		n *= blocks
	} else {
		file, dataset := m.Names(0)
		src, err := d.file.virtualSource(ctx, file, dataset)
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
	for b := range int64(maxPattern) {
		file, dataset := m.Names(b)
		if src, err := d.file.virtualSource(ctx, file, dataset); src == nil || err != nil {
			return b, err
		}
	}
	return 0, fault.New(fault.Unsupported, "virtual source %s stands for more than %d", spell.Escape(m.Dataset), maxPattern)
}

// slices counts what an unlimited selection takes of a source; nil has nothing. A source that grows itself counts with
// the extents that its file has stored, as in libhdf5.
func (d *Dataset) slices(s vds.Selection) (int64, error) {
	if d == nil {
		return 0, nil
	}
	shape := d.shape
	if d.grows() && d.object != nil {
		shape = signed(d.object.Space.Dims)
	}
	axis := s.Unlimited()
	if axis >= len(shape) {
		return 0, fault.New(fault.DataLoss, "virtual source %s: a selection along axis %d of %d", d.meta.Path, axis, len(shape))
	}
	return s.Slices(shape[axis]), nil
}
