package reader

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"path"
	"strings"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/conventions"
	"github.com/mtflight/mtflight/reader/internal/filter"
	"github.com/mtflight/mtflight/reader/internal/frames"
	"github.com/mtflight/mtflight/reader/internal/index"
	"github.com/mtflight/mtflight/reader/internal/listing"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/vds"
)

// Dataset is one dataset of a file. Safe for concurrent use.
type Dataset struct {
	file   *File // that holds it
	meta   meta.Dataset
	asked  string
	info   Info
	source convert.Source

	attributes json.RawMessage // those in schemas
	shape      []int64         // a scalar is one row, a null dataspace none

	unsupported error // why no request can be served, else nil

	object   *chunkindex.Object // nil: noHeader says why
	noHeader error
	pipe     *filter.Pipeline // nil: no filters, or none that is decoded natively
	viaLib   error            // why libhdf5 has to read it, nil: natively

	frame  *frames.Frame // it is a group, nil: it is not
	matrix *matrix       // the same

	virtual  bool // made of others as the mappings say
	mappings []vds.Mapping

	mu    sync.Mutex
	index *chunkindex.Index

	columnIndexes *index.Columns // nil: not asked for yet
}

// newDataset makes sense of what the file says. It never fails: what is wrong becomes the reason why the dataset is not
// served.
//
// asked is the name it was asked for by, which is not m.Path behind an external link.
func newDataset(ctx context.Context, f *File, m meta.Dataset, asked string) *Dataset {
	d := &Dataset{file: f, meta: m, asked: asked}
	d.info = listing.Unknown(asked, m.Attrs.JSON())
	d.attributes = m.Attrs.SchemaJSON(d.info.Attributes)
	d.info.Comment, d.info.Witness = m.Comment, m.Witness
	d.settle(d.learn(ctx))
	return d
}

// settle makes an error the reason why the dataset is not served.
func (d *Dataset) settle(err error) {
	if err != nil {
		d.unsupported = d.failed(err)
		d.info.Reason = err.Error()
		d.info.Kind = "unsupported"
	}
}

func (d *Dataset) learn(ctx context.Context) error {
	if d.object, d.noHeader = d.meta.Object, d.meta.Cause; d.meta.Err != "" {
		return d.noHeader
	}
	if d.meta.Layout == meta.Virtual && d.object != nil {
		if err := d.learnExtent(ctx); err != nil {
			return err
		}
	}
	return d.understand(ctx)
}

// understand is learn behind what the file says.
func (d *Dataset) understand(ctx context.Context) error {
	d.describe()
	m := d.meta
	t, err := h5type.Parse(d.message())
	if err != nil {
		return err
	}
	d.info.Type = t.String()
	d.source = convert.Source{Name: columnName(d.asked), Type: t, Inner: rows.Inner(d.shape), OffsetSize: int(d.file.h5.SizeOfOffsets),
		Attributes: string(d.attributes)}
	if d.source.Class, err = d.class(ctx); err != nil {
		return err
	}
	if d.source.AsksWhoWrote() {
		if d.source.Wrote, err = d.file.byPyTables(ctx); err != nil {
			return err
		}
	}
	if d.source.Pseudo, err = conventions.PseudoAtom(m.Attrs, d.source.Class); err != nil {
		return err
	}
	d.source.Missing, d.source.MissingErr = conventions.MissingValues(m.Attrs)
	bytes, err := rows.Bounded(d.shape, int64(t.Size))
	if err != nil {
		return err
	}
	d.info.Bytes = Count(bytes)
	program, err := convert.Compile(d.source, nil, convert.Options{})
	if err != nil {
		return err
	}
	d.info.Kind = string(d.source.Kind())
	if err := d.storage(ctx); err != nil {
		return err
	}
	d.info.Schema = program.Schema(d.metadata(d.file.loc.Name))
	return nil
}

// class is PyTables' CLASS. Files of others may use the name for something that is no text.
func (d *Dataset) class(ctx context.Context) (string, error) {
	class, err := d.meta.Attrs.Text("CLASS")
	if !errors.Is(err, meta.ErrNoText) {
		return class, err
	}
	wrote, unknown := d.file.byPyTables(ctx)
	if unknown != nil {
		return "", unknown
	}
	if !wrote {
		err = nil
	}
	return "", err
}

// message is the datatype as the file has it. libhdf5's own version of it may have the members in another order.
func (d *Dataset) message() []byte {
	if d.object != nil {
		return d.object.Type
	}
	return d.meta.Type
}

// describe fills what is known without understanding the type.
func (d *Dataset) describe() {
	m := d.meta
	d.info.Layout = [...]string{"compact", "contiguous", "chunked", "virtual"}[m.Layout&3]
	if len(m.External) > 0 {
		d.info.Layout = "external"
	}
	if m.Storage > 0 || !d.chunked() { // listings do not look into chunk indexes
		d.info.Stored = Count(m.Storage)
	}
	d.info.Chunks, d.info.Filters = rows.Extents(m.Chunk), []string{}
	for _, f := range m.Filters {
		d.info.Filters = append(d.info.Filters, filter.Name(f.ID))
	}
	switch m.Space {
	case meta.Null:
		d.shape = []int64{0}
	case meta.Scalar:
		d.shape, d.info.Shape = []int64{1}, []int64{}
	default:
		if len(m.Shape) == 0 { // of a damaged file: a scalar by another name
			d.shape, d.info.Shape = []int64{1}, []int64{}
			break
		}
		d.shape = rows.Extents(m.Shape)
		d.info.Shape, d.info.MaxShape = d.shape, rows.Extents(m.Max)
	}
	d.info.Rows = Count(d.shape[0])
}

// storage learns how the elements are stored and whether they can be read.
func (d *Dataset) storage(ctx context.Context) error {
	if d.empty() {
		return nil
	}
	if d.meta.Layout == meta.Virtual {
		return d.learnVirtual(ctx)
	}
	if d.object == nil && fault.Of(d.noHeader) == fault.DataLoss {
		return d.noHeader // libhdf5 may hang on what is damaged
	}
	if d.object == nil {
		return d.throughLibrary(d.noHeader)
	}
	return d.pipeline()
}

// throughLibrary lets libhdf5 read what is not read natively; variable-length data lies in its memory, not in ours.
func (d *Dataset) throughLibrary(why error) error {
	if d.source.Type.HasVarLen() {
		return fault.New(fault.Unsupported, "variable-length data behind: %w", why)
	}
	if f, alone := d.builtIn(); !alone {
		return fault.New(fault.Unsupported, "%w; and libhdf5 alone does not undo %s", why, f)
	}
	if len(d.meta.External) > 0 || d.file.eng.cfg.NoWitness {
		return why
	}
	d.viaLib = why
	return nil
}

func (d *Dataset) empty() bool { return rows.Product(d.shape) == 0 }

func (d *Dataset) chunked() bool { return d.meta.Layout == meta.Chunked }

func (d *Dataset) rows() int64 { return d.shape[0] }

// failed names the dataset in an error.
func (d *Dataset) failed(err error) error {
	kind := fault.Of(err)
	if kind == nil {
		return err
	}
	return fault.New(kind, "%s %s: %w", d.file.loc.Name, d.asked, err)
}

// Info describes the dataset.
func (d *Dataset) Info() Info { return d.info }

// Columns are the names that a request may use.
func (d *Dataset) Columns() []convert.Column { return d.source.Columns() }

// Storage counts the stored chunks and the bytes in the file, building the chunk index if need be. There are no chunks in
// other layouts; Unknown are those of what is not read natively and of frames.
func (d *Dataset) Storage() (chunks, stored Count, err error) {
	switch {
	case d.frame != nil || d.matrix != nil || d.info.Layout == "":
		return Unknown, Unknown, nil
	case !d.chunked():
		return 0, d.info.Stored, nil
	case d.object == nil:
		return Unknown, d.info.Stored, nil
	}
	x, err := d.chunkIndex()
	if err != nil {
		return Unknown, Unknown, d.failed(err)
	}
	return Count(x.Len()), Count(x.Stored()), nil
}

// Chunks gives the row-major numbers, in the grid of chunks, of those that are in the file, ascending; there are none in other layouts.
func (d *Dataset) Chunks() (iter.Seq[uint64], error) {
	if !d.chunked() || d.object == nil || d.empty() {
		return func(func(uint64) bool) {}, nil
	}
	x, err := d.chunkIndex()
	if err != nil {
		return nil, d.failed(err)
	}
	return x.Numbers(), nil
}

// storedBytes is Storage's, -1 where it is unknown or other files hold the elements.
func (d *Dataset) storedBytes() int64 {
	_, stored, err := d.Storage()
	if err != nil || d.info.Layout == "virtual" {
		return -1
	}
	return int64(stored)
}

// chunkIndex walks the index once.
func (d *Dataset) chunkIndex() (*chunkindex.Index, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.index == nil {
		x, err := d.walk()
		if err != nil {
			return nil, err
		}
		d.index = x
	}
	return d.index, nil
}

// columnName is the last part of a path.
func columnName(p string) string {
	return path.Base(strings.TrimRight(p, "/"))
}

// indexes are those that PyTables keeps of its columns.
func (d *Dataset) indexes() *index.Columns {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.columnIndexes == nil {
		d.columnIndexes = &index.Columns{Table: d.indexed()}
	}
	return d.columnIndexes
}

// indexed is the dataset as its indexes see it.
func (d *Dataset) indexed() index.Table {
	t := index.Table{Path: d.meta.Path, Source: d.source, Shape: d.shape, Groups: d.file.objects.Groups, Group: d.file.objects.Group, Array: d.indexArray}
	if d.chunked() && len(d.info.Chunks) > 0 {
		t.ChunkRows = d.info.Chunks[0]
	}
	return t
}

// indexArray is a dataset of the same file.
func (d *Dataset) indexArray(ctx context.Context, path string) (*index.Array, error) {
	a, err := d.file.Dataset(ctx, path)
	switch {
	case err != nil:
		return nil, err
	case a.unsupported != nil:
		return nil, a.unsupported
	case a.file != d.file:
		return nil, fault.New(fault.DataLoss, "%s of an index is in another file", path)
	}
	return &index.Array{Source: a.source, Shape: a.shape, Attrs: a.meta.Attrs, Read: a.readRecords}, nil
}

// readRecords uses records of what a NumPy index takes (empty: of all), until use has enough.
func (d *Dataset) readRecords(ctx context.Context, index string, o convert.Options, use func(arrow.Record) (more bool)) error {
	r := Request{Options: o}
	if index != "" {
		r.Select = &index
	}
	p, err := d.Plan(ctx, r)
	if err != nil {
		return err
	}
	return planned{p}.Each(ctx, use)
}

// Indexes are the columns of a table that PyTables keeps an index of.
func (d *Dataset) Indexes(ctx context.Context) ([]string, error) {
	names, err := d.indexes().Names(ctx)
	if err != nil {
		return nil, d.failed(err)
	}
	return append([]string{}, names...), nil
}
