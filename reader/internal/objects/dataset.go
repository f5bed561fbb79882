package objects

import (
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// describe says what a dataset is; attributes are left to the caller.
func describe(s *h5file.Source, h *h5file.Header, path string) meta.Dataset {
	d := meta.Dataset{Path: path, Addr: h.Addr, Comment: comment(h)}
	o, err := chunkindex.Parse(s, h)
	if err != nil {
		d.Err, d.Cause = err.Error(), err
		return d
	}
	d.Object = o
	d.Type, d.Space = o.Type, meta.Space(o.Space.Kind)
	if o.Space.Kind == h5file.Simple {
		d.Shape, d.Max = o.Space.Dims, o.Space.Max
	}
	d.Layout = meta.Layout(o.Layout.Class)
	if o.Layout.Class == chunkindex.Chunked {
		d.Chunk = o.Layout.ChunkDims
	}
	for _, x := range o.Filters {
		d.Filters = append(d.Filters, meta.Filter{ID: x.ID, Optional: x.Optional, Name: x.Name, Params: x.Params})
	}
	for _, x := range o.External {
		d.External = append(d.External, meta.External{File: x.Name, Offset: x.Offset, Size: x.Size})
	}
	d.Storage = stored(o)
	return d
}

// stored is the bytes of a dataset in the file, as far as its header tells.
func stored(o *chunkindex.Object) uint64 {
	switch l := o.Layout; {
	case l.Class == chunkindex.Compact:
		return uint64(len(l.Data))
	case l.Class == chunkindex.Contiguous && (l.Addr != h5file.Undefined || len(o.External) > 0):
		return l.Size
	}
	return 0
}
