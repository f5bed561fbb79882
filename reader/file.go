package reader

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/conventions"
	"github.com/mtflight/mtflight/reader/internal/gheap"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/indexdir"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/objects"
	"github.com/mtflight/mtflight/reader/internal/version"
)

const (
	heapCache = 16 << 20 // bytes of global heap collections that a file keeps
	maxHops   = 16       // external links that lead to external links
)

// File is an HDF5 file of one identity. It needs no closing: the Engine drops what has not been used for long. Safe
// for concurrent use.
type File struct {
	eng  *Engine
	loc  location.Location
	disk *blockio.File
	h5   *h5file.File
	heap *gheap.Heap

	objects *objects.File // what is in it

	version *version.Version
	live    bool   // its writer lets others read while it grows (SWMR)
	serial  uint64 // tells it from other files, and from other states of the same

	mu       sync.Mutex
	tree     *meta.File
	datasets location.Kept[*Dataset]

	noted bool // the engine keeps it, and what it learns of it
	kept  *indexdir.File
}

func openFile(ctx context.Context, e *Engine, loc location.Location) (*File, error) {
	disk, err := location.Open(ctx, e.disks, e.blocks, loc)
	if err != nil {
		return nil, location.Unopened(loc, err)
	}
	disk.CountIn(&e.counts.Tally)
	size := disk.Identity().Size
	h5, err := h5file.Open(disk, size)
	if err != nil {
		disk.Close()
		return nil, fault.New(fault.DataLoss, "%s: %w", loc.Name, err)
	}
	f := &File{eng: e, loc: loc, disk: disk, h5: h5, heap: gheap.New(h5, heapCache), serial: e.serial.Add(1)}
	f.objects = objects.New(h5, f.heap)
	f.version = version.New(disk, fmt.Sprint(h5.Version, h5.Base, h5.Root))
	f.kept = e.kept.Of(loc.Path, disk.Identity(), f.version.Sample)
	if f.live = h5.SWMR && loc.Store == nil; h5.SWMR {
		h5.EOF = max(h5.EOF, uint64(size)) // the superblock is written last
	}
	return f, nil
}

// listing is the file's tree, read once.
func (f *File) listing(ctx context.Context) (*meta.File, error) {
	f.mu.Lock()
	tree := f.tree
	f.mu.Unlock()
	if tree != nil {
		return tree, nil
	}
	if err := f.whole(); err != nil {
		return nil, err
	}
	tree, err := f.objects.Tree(ctx)
	if err != nil {
		return nil, err
	}
	tree = f.withWitness(ctx, tree)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tree = tree
	return tree, nil
}

// failed names the file in an error.
func (f *File) failed(err error) error {
	if k := fault.Of(err); k != nil {
		return fault.New(k, "%s: %w", f.loc.Name, err)
	}
	return err
}

// whole refuses a file that ends before its end: what is left of it is not what its writer meant.
func (f *File) whole() error {
	size := uint64(f.disk.Identity().Size)
	if size >= f.h5.EOF || f.h5.EOF == h5file.Undefined {
		return nil
	}
	if driver := f.h5.Driver(); driver != "" {
		return fault.New(fault.Unsupported, "%s: the file is one of several that HDF5's driver %s wrote: h5repart joins a family", f.loc.Name, driver)
	}
	return fault.New(fault.DataLoss, "%s: the file is cut off: %d of its %d bytes are there: get all of it, or wait for its writer", f.loc.Name, size, f.h5.EOF)
}

// Dataset opens a dataset, or a frame of several, by its absolute path, following links inside the file's roots. What looks
// damaged while somebody writes to the file is opened again. Names are spelled (package spell).
func (f *File) Dataset(ctx context.Context, path string) (*Dataset, error) {
	path = spell.Escape(spell.Unescape(path))
	if !strings.HasPrefix(path, "/") {
		if _, err := f.Dataset(ctx, "/"+path); err != nil {
			return nil, err
		}
		return nil, fault.New(fault.NotFound, "%s: no such dataset %s: its name is the absolute path %s", f.loc.Name, spell.Quote(path), spell.Quote("/"+path))
	}
	if d, ok := f.datasets.Get(ctx, f.loc, path); ok && (d.file == f || d.file.inPlace() && d.file.disk.Unchanged()) {
		return d, nil
	}
	d, err := settled(ctx, f, func(f *File) (*Dataset, error) {
		d, err := f.openDataset(ctx, path)
		if err == nil && fault.Of(d.unsupported) == fault.DataLoss {
			err = d.unsupported
		}
		return d, err
	})
	if d != nil { // what is wrong with it is said to whom asks for rows
		err = nil
	}
	return d, err
}

func (f *File) openDataset(ctx context.Context, path string) (*Dataset, error) {
	ctx, visit := location.Begin(ctx)
	d, err := f.follow(ctx, path, path, 0)
	if fault.Of(err) == fault.NotFound { // of a group that is a frame, that's what is meant
		if fr, ferr := f.framed(ctx, path); fr != nil || ferr != nil {
			d, err = fr, ferr
		}
	}
	if err != nil || d.passes() { // what passes is not kept
		return d, err
	}
	f.datasets.Put(ctx, f.loc, path, d, visit)
	return d, nil
}

// follow opens a dataset that was asked for by another name, maybe of another file.
func (f *File) follow(ctx context.Context, path, asked string, hops int) (*Dataset, error) {
	if err := f.whole(); err != nil {
		return nil, err
	}
	m, err := f.describe(ctx, path)
	if err != nil {
		return nil, f.failed(err)
	}
	if m.OtherFile == "" {
		return newDataset(ctx, f, m, asked), nil
	}
	other, err := f.beyond(ctx, m.OtherFile, asked, hops)
	if err != nil {
		return nil, err
	}
	return other.follow(ctx, m.Path, asked, hops+1)
}

// beyond opens the file of an external link that was met on the way to what was asked, behind hops others.
func (f *File) beyond(ctx context.Context, name, asked string, hops int) (*File, error) {
	if hops >= maxHops {
		return nil, fault.New(fault.NotFound, "%s %s: more than %d external links in a row", f.loc.Name, asked, maxHops)
	}
	other, err := f.open(ctx, name)
	if err != nil {
		return nil, fault.New(fault.Of(err), "%s %s: external link: %w", f.loc.Name, asked, err)
	}
	return other, nil
}

// named is where a file lies that this one names, relative to its folder.
func (f *File) named(ctx context.Context, name string) (location.Location, error) {
	return disks.Names(ctx, f.eng.disks, f.loc.Path, func() (location.Location, error) { return f.loc.Beside(ctx, name) })
}

// open opens a file that a link names.
func (f *File) open(ctx context.Context, name string) (*File, error) {
	at, err := f.named(ctx, name)
	if err != nil {
		return nil, err
	}
	return f.eng.Open(ctx, at)
}

// beside opens a raw file that this one names.
func (f *File) beside(ctx context.Context, name string) (*blockio.File, error) {
	at, err := f.named(ctx, name)
	if err != nil {
		return nil, err
	}
	raw, err := location.Open(ctx, f.eng.disks, f.eng.blocks, at)
	if err == nil {
		err = version.New(raw, "").Met(ctx, name, false)
	}
	if err != nil {
		return nil, fault.New(cmp.Or(fault.Of(err), error(fault.DataLoss)), "external file %s: %s", location.Base(name), location.Cause(err))
	}
	raw.CountIn(&f.eng.counts.Tally)
	return raw, nil
}

// byPyTables tells whether PyTables wrote the file. That it cannot be told is an error, for values depend on it.
func (f *File) byPyTables(ctx context.Context) (bool, error) {
	is, err := f.objects.RootHas(ctx, conventions.FormatVersion)
	if err != nil {
		err = fault.New(fault.Of(err), "attributes of the root group, whose %s tells PyTables' strings from others: %w", conventions.FormatVersion, err)
	}
	return is, err
}
