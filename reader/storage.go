package reader

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// store gives access to the elements, with the rows along an axis.
func (d *Dataset) store(ctx context.Context, rows int) (store, error) {
	size := d.source.Type.Size
	if d.empty() {
		return newBands(&inMemory{data: d.fill(), elemSize: size, repeat: true}, d.shape, rows, size), nil
	}
	if d.viaLib != nil {
		s := &slab{helper: d.file.eng.lib, file: d.file.lent(), name: d.meta.Path, shape: d.shape, scalar: d.meta.Space == meta.Scalar}
		return newBands(s, d.shape, rows, size), nil
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
	c := &chunked{file: d.file.disk, index: x, filters: d.pipe, chunk: signed(d.object.Layout.ChunkDims), shape: d.shape,
		elemSize: d.source.Type.Size, fill: d.fill(), end: d.file.h5.EOF,
		cache: d.file.eng.chunks, serial: d.file.serial, object: d.meta.Addr}
	if len(c.chunk) != len(d.shape) {
		return nil, d.failed(fault.New(fault.DataLoss, "chunks of %d axes for %d", len(c.chunk), len(d.shape)))
	}
	bytes := int64(c.elemSize)
	for _, n := range c.chunk {
		if n < 1 || bytes > (1<<33)/n {
			return nil, d.failed(fault.New(fault.Unsupported, "chunks of %d elements", c.chunk))
		}
		bytes *= n
	}
	c.heavy = c.weigh(d.asked)
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
		return d.externalSource(need)
	case l.Class == chunkindex.Compact:
		return &inMemory{data: l.Data, elemSize: int(size)}, nil
	case l.Class != chunkindex.Contiguous:
		return nil, fault.New(fault.Unsupported, "layout class %d", l.Class)
	case l.Addr == h5file.Undefined:
		return &inMemory{data: d.fill(), elemSize: int(size), repeat: true}, nil
	}
	if l.Size != 0 && uint64(need) > l.Size {
		return nil, fault.New(fault.DataLoss, "%d bytes stored, the extent needs %d", l.Size, need)
	}
	return &contiguous{file: d.file.disk, addr: l.Addr, elemSize: size}, nil
}

// externalSource is need bytes in the raw files that the header lists.
func (d *Dataset) externalSource(need int64) (source, error) {
	e := &external{elemSize: int64(d.source.Type.Size)}
	for _, x := range d.object.External {
		f, err := d.file.beside(x.Name)
		if err != nil {
			return nil, err
		}
		n := need - min(need, e.end())
		if x.Size != h5file.Unlimited && x.Size < uint64(n) {
			n = int64(x.Size)
		}
		e.segments = append(e.segments, segment{file: f, name: spell.Escape(x.Name), from: e.end(), off: x.Offset, n: n})
	}
	if e.end() < need {
		return nil, fault.New(fault.DataLoss, "external files hold %d bytes, the extent needs %d", e.end(), need)
	}
	return e, nil
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
	if dims := d.dimensions(); r.Options.NetCDF && dims != nil {
		m["netcdf.dimensions"] = jsonText(dims)
	}
	if r.Stream != nil && r.Stream.BlockRows == 0 {
		m["stream.block_rows"] = strconv.FormatInt(blockRows, 10)
	}
	return m
}
