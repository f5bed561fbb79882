package reader

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// store gives access to the elements, with the rows along an axis.
func (d *Dataset) store(ctx context.Context, rows int) (store, error) {
	size := d.source.Type.Size
	if d.empty() {
		return newBands(newUnwritten(d.fill()), d.shape, rows, size), nil
	}
	if d.viaLib != nil {
		return newBands(newSlab(d.file.eng.lib, d.file.lent(), d.meta.Path, d.shape, d.meta.Space == meta.Scalar), d.shape, rows, size), nil
	}
	if d.virtual {
		v, err := newVirtual(ctx, d.asVirtual(), rows, d.file.eng.scans.largeBytes())
		if err != nil {
			return nil, d.failed(err)
		}
		return v, nil
	}
	if d.object.Layout.Class == chunkindex.Chunked {
		return d.chunkedStore()
	}
	src, err := d.plainSource()
	if err != nil {
		return nil, d.failed(err)
	}
	return newBands(src, d.shape, rows, size), nil
}

func (d *Dataset) chunkedStore() (store, error) {
	x, err := d.chunkIndex()
	if err != nil {
		return nil, d.failed(err)
	}
	c, err := newChunked(chunkedLayout{file: d.file.disk, index: x, filters: d.pipe, chunk: signed(d.object.Layout.ChunkDims), shape: d.shape,
		elemSize: d.source.Type.Size, fill: d.fill(), end: d.file.h5.EOF, cache: d.file.eng.chunks, serial: d.file.serial, object: d.meta.Addr}, d.asked)
	if err != nil {
		return nil, d.failed(err)
	}
	return c, nil
}

// plainSource is where the elements of a dataset without chunks are.
func (d *Dataset) plainSource() (source, error) {
	l, size := d.object.Layout, int64(d.source.Type.Size)
	need, external := times(product(d.shape), size), len(d.object.External) > 0
	switch {
	case need == end62 && (external || l.Addr != h5file.Undefined):
		return nil, fault.New(fault.Unsupported, "elements of 2^62 bytes or more")
	case external:
		return newExternal(d.object.External, need, size, d.file.beside)
	case l.Class == chunkindex.Compact:
		return newCompact(l.Data, int(size)), nil
	case l.Class != chunkindex.Contiguous:
		return nil, fault.New(fault.Unsupported, "layout class %d", l.Class)
	case l.Addr == h5file.Undefined:
		return newUnwritten(d.fill()), nil
	}
	if l.Size != 0 && uint64(need) > l.Size {
		return nil, fault.New(fault.DataLoss, "%d bytes stored, the extent needs %d", l.Size, need)
	}
	return newContiguous(d.file.disk, l.Addr, size), nil
}

// fill is the value of what was never written: zeros where the file says never to fill, as h5py and NumPy have them.
func (d *Dataset) fill() []byte {
	size := d.source.Type.Size
	if d.object != nil && d.object.Fill.FillTime != chunkindex.FillNever && len(d.object.Fill.Value) == size {
		return d.object.Fill.Value
	}
	return make([]byte, size)
}

// metadata is the schema metadata of docs/protocol.md section 4.
func (d *Dataset) metadata(name string) arrow.Metadata {
	return arrow.MetadataFrom(d.metadataMap(name, d.asked))
}

func (d *Dataset) metadataMap(file, dataset string) map[string]string {
	return map[string]string{
		"hdf5.file": file, "hdf5.dataset": dataset, "hdf5.kind": d.info.Kind,
		"hdf5.shape": jsonText(d.info.Shape), "hdf5.chunks": jsonText(d.info.Chunks),
		"hdf5.filters": jsonText(d.info.Filters), "hdf5.attributes": string(d.attributes),
	}
}

// jsonText is null for nil.
func jsonText[T any](v []T) string {
	b, _ := json.Marshal(v) // numbers and strings always have a form
	return string(b)
}

func (d *Dataset) metadataOf(r Request, blockRows int64) map[string]string {
	file, dataset := r.File, r.Dataset
	if file == "" {
		file, dataset = d.file.loc.Name, d.asked
	}
	m := d.metadataMap(file, dataset)
	if dims := dimensionsOf(d.meta.Attrs, len(d.info.Shape), columnName(d.asked)); r.Options.NetCDF && dims != nil {
		m["netcdf.dimensions"] = jsonText(dims)
	}
	if r.Stream != nil && r.Stream.BlockRows == 0 {
		m["stream.block_rows"] = strconv.FormatInt(blockRows, 10)
	}
	return m
}
