package reader

import (
	"context"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/vds"
)

const (
	maxNested  = 8       // virtual datasets that are made of virtual datasets
	maxPattern = 100_000 // sources that a pattern of names stands for
)

// vdataset is a virtual dataset, or a source of one.
type vdataset struct {
	file       vfile
	path       string // in the file
	addr       uint64 // of its object header
	shape      []int64
	stored     []int64 // the extents that the file has stored; shape is another where sources decide about it
	typ        *h5type.Type
	offsetSize int    // of addresses in heap pointers
	fill       []byte // one element
	virtual    bool   // made of others as the mappings say
	mappings   []vds.Mapping
	empty      bool

	open      func(ctx context.Context, file, dataset string) (*vdataset, error) // by the names of a mapping; nil: not there
	store     func(ctx context.Context) (store, error)                           // of what is not virtual
	unchanged func() bool                                                        // since it was opened
}

// vfile is the file of one, in one state.
type vfile struct {
	name, place string
	state       blockio.Identity
	heap        func(addr uint64, index uint32) ([]byte, error)
	again       func(ctx context.Context) (vfile, error) // as it is now
}

// ofSource names a source in an error.
func ofSource(name string, err error) error {
	if k := fault.Of(err); k != nil {
		return fault.New(k, "virtual source %s: %w", name, err)
	}
	return err
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
func (d *vdataset) enter(ctx context.Context) (context.Context, error) {
	outer, _ := ctx.Value(nestKey{}).(*nest)
	in := &nest{file: d.file.place, addr: d.addr, outer: outer}
	for o := outer; o != nil; o = o.outer {
		if o.file == in.file && o.addr == in.addr {
			return nil, fault.New(fault.DataLoss, "virtual dataset %s is made of itself", d.path)
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
