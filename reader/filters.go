package reader

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/filter"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// pipeline checks the filters. One that is not decoded, or whose parameters libhdf5 left out, does no harm where no chunk
// was written with it, and the former none where libhdf5 has a plug-in for it.
func (d *Dataset) pipeline() error {
	if len(d.meta.Filters) == 0 || d.meta.Layout != meta.Chunked {
		return nil
	}
	specs := make([]filter.Spec, len(d.meta.Filters))
	for i, f := range d.meta.Filters {
		specs[i] = filter.Spec{ID: f.ID, Optional: f.Optional, Name: f.Name, Params: f.Params}
	}
	var err error
	if d.pipe, err = filter.New(specs, d.source.Type.Size); err == nil {
		return nil
	}
	if err := d.skipUnused(specs); err != nil {
		return err
	}
	if d.pipe, err = filter.New(specs, d.source.Type.Size); err == nil || !errors.Is(err, fault.Unsupported) {
		return err
	}
	return d.throughPlugin(specs)
}

// skipUnused replaces the filters that every chunk was written without.
func (d *Dataset) skipUnused(specs []filter.Spec) error {
	x, err := d.chunkIndex()
	if err != nil {
		return err
	}
	unused := ^uint32(0)
	for linear, c := range x.All() {
		if !x.Unfiltered(linear) {
			unused &= c.Mask
		}
	}
	for i := range specs {
		if i < 32 && unused>>i&1 != 0 {
			specs[i] = filter.Spec{ID: filter.Unused}
		}
	}
	return nil
}

// throughPlugin lets libhdf5 read if it undoes every filter: a pipeline is its or ours as a whole.
func (d *Dataset) throughPlugin(specs []filter.Spec) error {
	var foreign string
	for i, s := range specs {
		if s.ID == filter.Unused {
			continue
		}
		if !filter.Decodes(s.ID) {
			foreign = filter.Title(s)
		} else if _, err := filter.New(specs[i:i+1], d.source.Type.Size); err != nil {
			return err // a variant that libhdf5 itself does not decode
		}
	}
	if d.meta.Err != "" {
		return fault.New(fault.Unsupported, "%s needs its plug-in, and libhdf5 cannot open the dataset: %s", foreign, d.meta.Err)
	}
	if _, err := newBoxes(&slab{shape: d.shape}, signed(d.meta.Chunk), d.source.Type.Size); err != nil {
		return err
	}
	for _, s := range specs {
		if s.ID == filter.Unused {
			continue
		}
		if err := d.file.eng.undoes(s); err != nil {
			return err
		}
	}
	return d.throughLibrary(fault.New(fault.Unsupported, "%s, which only a plug-in undoes", foreign))
}

// plugins remembers which filters libhdf5 undoes: the environment of its helpers never changes.
type plugins struct {
	mu    sync.Mutex
	known map[uint16]error
}

// undoes asks libhdf5 for a filter, once. The answer is for all requests: none of their contexts may end the question,
// which the time-out of a call does. Errors: fault.Unsupported; any other passes and is not kept.
func (e *Engine) undoes(s filter.Spec) error {
	e.plugins.mu.Lock()
	defer e.plugins.mu.Unlock()
	err, ok := e.plugins.known[s.ID]
	if !ok {
		err = e.lib.Filter(context.Background(), s.ID)
		if err == nil || fault.Of(err) == fault.Unsupported {
			e.plugins.known[s.ID] = err
		}
	}
	if fault.Of(err) != fault.Unsupported {
		return err
	}
	why := "this build does not decode it, and "
	if filter.Decodes(s.ID) {
		why = "beside a filter that only a plug-in undoes this one needs its plug-in too, but "
	}
	return filter.Undecoded(s, why+strings.TrimPrefix(err.Error(), "h5c: "))
}
