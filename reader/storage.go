package reader

import (
	"context"
	"strconv"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/conventions"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/listing"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/store"
	"github.com/mtflight/mtflight/reader/internal/virtual"
)

// store gives access to the elements, with the rows along an axis.
func (d *Dataset) store(ctx context.Context, axis int) (store.Store, error) {
	size := d.source.Type.Size
	if d.empty() {
		return store.NewBands(store.NewUnwritten(d.object.Unwritten(size)), d.shape, axis, size), nil
	}
	if d.viaLib != nil {
		return store.NewBands(store.NewSlab(d.file.eng.lib, d.file.handle(), d.meta.Path, d.shape, rows.Bytes(d.meta.Chunk, size), d.meta.Space == meta.Scalar), d.shape, axis, size), nil
	}
	if d.virtual {
		v, err := virtual.New(ctx, d.asVirtual(), axis, d.file.eng.scans.LargeBytes())
		if err != nil {
			return nil, d.failed(err)
		}
		return v, nil
	}
	if d.object.Layout.Class == chunkindex.Chunked {
		return d.chunkedStore()
	}
	src, err := d.plainSource(ctx)
	if err != nil {
		return nil, d.failed(err)
	}
	return store.NewBands(src, d.shape, axis, size), nil
}

func (d *Dataset) chunkedStore() (store.Store, error) {
	x, err := d.chunkIndex()
	if err != nil {
		return nil, d.failed(err)
	}
	c, err := store.NewChunked(store.Layout{File: d.file.disk, Index: x, Filters: d.pipe, Chunk: rows.Extents(d.object.Layout.ChunkDims), Shape: d.shape,
		ElemSize: d.source.Type.Size, Fill: d.object.Unwritten(d.source.Type.Size), End: d.file.h5.EOF, Cache: d.file.eng.chunks, Serial: d.file.serial, Object: d.meta.Addr}, d.asked)
	if err != nil {
		return nil, d.failed(err)
	}
	return c, nil
}

// plainSource is where the elements of a dataset without chunks are.
func (d *Dataset) plainSource(ctx context.Context) (store.Source, error) {
	l, size := d.object.Layout, int64(d.source.Type.Size)
	need, external := rows.Times(rows.Product(d.shape), size), len(d.object.External) > 0
	switch {
	case need == rows.End62 && (external || l.Addr != h5file.Undefined):
		return nil, fault.New(fault.Unsupported, "elements of 2^62 bytes or more")
	case external:
		return store.NewExternal(d.object.External, need, size, func(name string) (*blockio.File, error) { return d.file.beside(ctx, name) })
	case l.Class == chunkindex.Compact:
		return store.NewCompact(l.Data, int(size)), nil
	case l.Class != chunkindex.Contiguous:
		return nil, fault.New(fault.Unsupported, "layout class %d", l.Class)
	case l.Addr == h5file.Undefined:
		return store.NewUnwritten(d.object.Unwritten(d.source.Type.Size)), nil
	}
	if l.Size != 0 && uint64(need) > l.Size {
		return nil, fault.New(fault.DataLoss, "%d bytes stored, the extent needs %d", l.Size, need)
	}
	return store.NewContiguous(d.file.disk, l.Addr, size), nil
}

// metadata is the schema metadata of docs/protocol.md section 4.
func (d *Dataset) metadata(name string) arrow.Metadata {
	return arrow.MetadataFrom(d.metadataMap(name, d.asked))
}

func (d *Dataset) metadataMap(file, dataset string) map[string]string {
	return listing.Metadata(file, dataset, d.info, d.attributes)
}

func (d *Dataset) metadataOf(r Request, blockRows int64) map[string]string {
	file, dataset := r.File, r.Target()
	if file == "" {
		file, dataset = d.file.loc.Name, d.asked
	}
	m := d.metadataMap(file, dataset)
	if dims := conventions.Dimensions(d.meta.Attrs, len(d.info.Shape), columnName(d.asked)); r.Options.NetCDF && dims != nil {
		m["netcdf.dimensions"] = listing.JSON(dims)
	}
	if r.Stream != nil && r.Stream.BlockRows == 0 {
		m["stream.block_rows"] = strconv.FormatInt(blockRows, 10)
	}
	return m
}
