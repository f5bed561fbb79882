package reader

import (
	"context"
	"path"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/filter"
	"github.com/mtflight/mtflight/reader/internal/h5proc"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// pipeline checks the filters. One that is not decoded, or whose parameters libhdf5 left out, does no harm where no chunk
// was written with it, and the former none where there is a plug-in for it.
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
	d.pipe, err = filter.NewWith(specs, d.source.Type.Size, d.plugin)
	return err
}

// skipUnused replaces the filters that every chunk was written without.
func (d *Dataset) skipUnused(specs []filter.Spec) error {
	x, err := d.chunkIndex()
	if err != nil {
		return err
	}
	unused := x.Unused()
	for i := range specs {
		if i < 32 && unused>>i&1 != 0 {
			specs[i] = filter.Spec{ID: filter.Unused}
		}
	}
	return nil
}

// builtIn tells whether libhdf5 undoes all filters without a plug-in, or else which it does not.
func (d *Dataset) builtIn() (name string, all bool) {
	for _, f := range d.meta.Filters {
		if f.ID > filter.BuiltIn {
			return filter.Title(filter.Spec{ID: f.ID, Name: f.Name}), false
		}
	}
	return "", true
}

// plugin is a filter's plug-in, working in helper processes on the chunks of this dataset.
func (d *Dataset) plugin(s filter.Spec) (filter.Plugin, error) {
	if err := d.file.eng.plugins.Undoes(s); err != nil {
		return nil, err
	}
	bytes := rows.Bytes(d.meta.Chunk, d.source.Type.Size)
	if bytes > h5proc.MaxChunk {
		return nil, fault.New(fault.Unsupported, "%s: chunks of %d bytes, plug-ins are given at most %d", filter.Title(s), bytes, h5proc.MaxChunk)
	}
	helpers, file, name := d.file.eng.foreign, d.file.disk.Identity(), path.Base(d.file.loc.Name)
	return func(ctx context.Context, chunks [][]byte, most int, out func(n int) []byte) ([][]byte, error) {
		return helpers.Undo(ctx, h5proc.Chunks{File: file, Name: name, Filter: s.ID, Optional: s.Optional, Params: s.Params,
			Bytes: chunks, Most: most, Out: out})
	}, nil
}
