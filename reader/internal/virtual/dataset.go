package virtual

import (
	"context"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/mtflight/mtflight/reader/internal/store"
	"github.com/mtflight/mtflight/reader/internal/vds"
)

const (
	MaxNested  = 8       // virtual datasets that are made of virtual datasets
	MaxPattern = 100_000 // sources that a pattern of names stands for
)

// Dataset is a virtual dataset, or a source of one.
type Dataset struct {
	File       File
	Path       string // in the file
	Addr       uint64 // of its object header
	Shape      []int64
	Stored     []int64 // the extents that the file has stored; shape is another where sources decide about it
	Type       *h5type.Type
	OffsetSize int    // of addresses in heap pointers
	Fill       []byte // one element
	Virtual    bool   // made of others as the mappings say
	Mappings   []vds.Mapping
	Empty      bool

	Open      func(ctx context.Context, file, dataset string) (*Dataset, error) // by the names of a mapping; nil: not there
	Store     func(ctx context.Context) (store.Store, error)                    // of what is not virtual
	Unchanged func() bool                                                       // since it was opened
	Meet      func(ctx context.Context)                                         // opens the files that its elements lie in
}

// File is the file of one, in one state.
type File struct {
	Name, Path string // in messages, on disk
	State      blockio.Identity
	Heap       func(addr uint64, index uint32) ([]byte, error)
	Reopen     func(ctx context.Context) (File, error) // as it is now
}

// NameSource names a source in an error.
func NameSource(name string, err error) error {
	if k := fault.Of(err); k != nil {
		return fault.New(k, "virtual source %s: %w", name, err)
	}
	return err
}

type nestKey struct{}

// nest is a virtual dataset that is being read, in a context.
type nest struct {
	file  string
	addr  uint64
	outer *nest
	depth int
}

// enter notes in a context that a virtual dataset is being read. One that is made of itself is DataLoss.
func (d *Dataset) enter(ctx context.Context) (context.Context, error) {
	outer, _ := ctx.Value(nestKey{}).(*nest)
	in := &nest{file: d.File.Path, addr: d.Addr, outer: outer}
	for o := outer; o != nil; o = o.outer {
		if o.file == in.file && o.addr == in.addr {
			return nil, fault.New(fault.DataLoss, "virtual dataset %s is made of itself", d.Path)
		}
	}
	if outer != nil {
		in.depth = outer.depth + 1
	}
	if in.depth > MaxNested {
		return nil, fault.New(fault.Unsupported, "virtual datasets nested deeper than %d", MaxNested)
	}
	return context.WithValue(ctx, nestKey{}, in), nil
}

// MayOpen checks the files of mappings by where they may be; those of a pattern of names are checked again when they are opened.
func MayOpen(ctx context.Context, from location.Location, mappings []vds.Mapping) error {
	seen := map[string]bool{}
	for _, m := range mappings {
		file, _ := m.Names(0)
		if seen[file] {
			continue
		}
		seen[file] = true
		if err := from.MayOpen(ctx, file); err != nil {
			return err
		}
	}
	return nil
}

// Visit opens all sources that there are, and has them meet theirs, until the context ends.
func (d *Dataset) Visit(ctx context.Context) {
	ctx, err := d.enter(ctx)
	if err != nil {
		return
	}
	seen := map[[2]string]bool{}
	for _, m := range d.Mappings {
		first, end := int64(0), int64(1)
		if m.Printf() {
			first, end = m.Dst.Blocks(0, d.Shape[m.Dst.Unlimited()])
		}
		for b := first; b < end && ctx.Err() == nil; b++ {
			d.visit(ctx, seen, m, b)
		}
	}
}

func (d *Dataset) visit(ctx context.Context, seen map[[2]string]bool, m vds.Mapping, block int64) {
	file, dataset := m.Names(block)
	if seen[[2]string{file, dataset}] {
		return
	}
	seen[[2]string{file, dataset}] = true
	if src, err := d.Open(ctx, file, dataset); err == nil && src != nil {
		src.Meet(ctx)
	}
}
