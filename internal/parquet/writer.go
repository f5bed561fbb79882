package parquet

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"runtime"

	memory18 "github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/arrow/util"
	"golang.org/x/sync/errgroup"

	"github.com/mtflight/mtflight/internal/fault"
)

// Codecs are the compressions of pages, the first is the default, as pyarrow's.
var Codecs = []string{"snappy", "zstd", "gzip", "lz4", "none"}

var codecs = map[string]compress.Compression{"": compress.Codecs.Snappy, "snappy": compress.Codecs.Snappy, "zstd": compress.Codecs.Zstd,
	"gzip": compress.Codecs.Gzip, "lz4": compress.Codecs.Lz4Raw, "none": compress.Codecs.Uncompressed}

// A row group ends at so many rows, as pyarrow's do, or at so many bytes of records, since it is held in memory.
const (
	groupRows  = 1 << 20
	groupBytes = 128 << 20
)

// Writer writes a file. It is used by one goroutine; the columns of a record are encoded by several.
type Writer struct {
	out     *counter
	footer  *metadata.FileMetaDataBuilder
	codec   compress.Compression
	leaves  []leaf
	columns []*column // the leaves'
	pages   arena
	groups  int16
	group   *metadata.RowGroupMetaDataBuilder // nil: none is open
	rows    int64                             // in it
	bytes   int64                             // of the records in it
	most    int64                             // rows of a row group
}

// magic is how a Parquet file starts and ends.
const magic = "PAR1"

// NewWriter starts a file of a schema. codec is one of Codecs. Closing the Writer leaves w open.
func NewWriter(w io.Writer, s *arrow.Schema, codec string) (*Writer, error) {
	compression, ok := codecs[codec]
	if !ok {
		return nil, fmt.Errorf("parquet: unknown codec %q", codec)
	}
	root, err := rootOf(s)
	if err != nil {
		return nil, err
	}
	pack, err := newPacker(compression)
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	props := parquet.NewWriterProperties(parquet.WithCompression(compression), parquet.WithVersion(parquet.V2_6),
		parquet.WithCreatedBy("mtflight (parquet-go of arrow-go)"))
	whole := schema.NewSchema(root)
	out := &Writer{out: &counter{to: w}, footer: metadata.NewFileMetadataBuilder(whole, props, metadataOf(s)), codec: compression,
		leaves: leavesOf(s), most: groupRows}
	for i := range out.leaves {
		out.columns = append(out.columns, newColumn(whole.Column(i), len(out.leaves), props, pack, &out.pages))
	}
	_, err = io.WriteString(out.out, magic)
	return out, err
}

// counter tells how much was written.
type counter struct {
	to io.Writer
	n  int64
}

// Write is part of io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

// Tell is how many bytes were written.
func (c *counter) Tell() int64 { return c.n }

// metadataOf is the schema's own, and for Arrow's readers the schema whole, as pyarrow keeps it.
func metadataOf(s *arrow.Schema) metadata.KeyValueMetadata {
	out := metadata.KeyValueMetadata{}
	for i, key := range s.Metadata().Keys() {
		_ = out.Append(key, s.Metadata().Values()[i]) // it never fails
	}
	whole := flight.SerializeSchema(s, memory.DefaultAllocator)
	_ = out.Append("ARROW:schema", base64.StdEncoding.EncodeToString(whole))
	return out
}

// Write appends a record, which stays the caller's.
func (w *Writer) Write(r arrow.Record) error {
	for from := int64(0); from < r.NumRows(); {
		if w.group != nil && (w.rows >= w.most || w.bytes >= groupBytes) {
			if err := w.endGroup(); err != nil {
				return err
			}
		}
		to := min(r.NumRows(), from+w.most-w.rows)
		part := r.NewSlice(from, to)
		err := w.append(part)
		part.Release()
		if err != nil {
			return err
		}
		from = to
	}
	return nil
}

// append encodes the columns side by side. What a lone one has is written at once.
func (w *Writer) append(r arrow.Record) error {
	if w.group == nil {
		if err := w.startGroup(); err != nil {
			return err
		}
	}
	var columns errgroup.Group
	columns.SetLimit(runtime.GOMAXPROCS(0))
	for i, l := range w.leaves {
		columns.Go(func() error { return w.encode(i, l, r) })
	}
	w.rows += r.NumRows()
	w.bytes += util.TotalRecordSize(r)
	err := columns.Wait()
	if err == nil && len(w.columns) == 1 && !w.columns[0].coded {
		err = w.columns[0].drain()
		w.pages.reset()
	}
	return err
}

func (w *Writer) encode(i int, l leaf, r arrow.Record) error {
	c := w.columns[i]
	s, err := l.shred(r.Column(l.column).Data(), c.room)
	if err == nil {
		err = c.add(s)
		c.room = s.rep
	}
	if err != nil {
		return fmt.Errorf("column %q: %w", r.ColumnName(l.column), err)
	}
	return nil
}

func (w *Writer) startGroup() error {
	if w.groups == math.MaxInt16 {
		return fault.New(fault.Unsupported, "parquet: a file has at most %d row groups: write .arrow", w.groups)
	}
	w.group = w.footer.AppendRowGroup()
	for i, c := range w.columns {
		chunk := w.group.NextColumnChunk()
		pager, err := file.NewPageWriter(w.out, w.codec, compress.DefaultCompressionLevel, chunk, w.groups, int16(i), memory18.DefaultAllocator, false, nil, nil)
		if err != nil {
			return err
		}
		c.begin(pager, chunk)
	}
	w.groups++
	return nil
}

func (w *Writer) endGroup() error {
	for _, c := range w.columns {
		if err := c.finish(); err != nil {
			return err
		}
	}
	w.group.SetNumRows(int(w.rows))
	err := w.group.Finish(0, w.groups-1)
	w.pages.reset()
	w.group, w.rows, w.bytes = nil, 0, 0
	return err
}

// Close ends the file. Without it there is none that can be read.
func (w *Writer) Close() error {
	if w.group != nil {
		if err := w.endGroup(); err != nil {
			return err
		}
	}
	whole, err := w.footer.Finish()
	if err != nil {
		return err
	}
	n, err := whole.WriteTo(w.out, nil)
	if err != nil {
		return err
	}
	_, err = w.out.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(n)), magic...))
	return err
}
