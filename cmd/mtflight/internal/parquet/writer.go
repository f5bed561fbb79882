package parquet

import (
	"encoding/base64"
	"fmt"
	"io"
	"runtime"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/apache/arrow/go/v15/arrow/util"
	"golang.org/x/sync/errgroup"
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
	file   *file.Writer
	leaves []leaf
	group  file.RowGroupWriter      // nil: none is open
	chunks []file.ColumnChunkWriter // its leaves'
	rows   int64                    // in it
	bytes  int64                    // of the records in it
	most   int64                    // rows of a row group
	dense  []bool                   // by leaf: a row group had too many values for a dictionary, the next ones do without
}

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
	properties := parquet.NewWriterProperties(parquet.WithCompression(compression), parquet.WithVersion(parquet.V2_6),
		parquet.WithBatchSize(batchValues), parquet.WithAllocator(new(buffers)), parquet.WithCreatedBy("mtflight (parquet-go of arrow-go)"))
	// Its Close would close the writer.
	keepOpen := struct{ io.Writer }{w}
	f, err := file.NewParquetWriterWithError(keepOpen, root, file.WithWriterProps(properties), file.WithWriteMetadata(metadataOf(s)))
	if err != nil {
		return nil, fmt.Errorf("parquet: %w", err)
	}
	leaves := leavesOf(s)
	return &Writer{file: f, leaves: leaves, most: groupRows, dense: make([]bool, len(leaves))}, nil
}

// batchValues is how many values are encoded before the size of the page is looked at.
const batchValues = 4 << 10

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

// append encodes the columns side by side: each has its own buffers until the row group ends.
func (w *Writer) append(r arrow.Record) (err error) {
	if w.group == nil {
		if err := w.startGroup(); err != nil {
			return fmt.Errorf("parquet: %w", err)
		}
	}
	var columns errgroup.Group
	columns.SetLimit(runtime.GOMAXPROCS(0))
	for i, l := range w.leaves {
		columns.Go(func() error { return w.encode(i, l, r) })
	}
	w.rows += r.NumRows()
	w.bytes += util.TotalRecordSize(r)
	return columns.Wait()
}

func (w *Writer) encode(i int, l leaf, r arrow.Record) error {
	s, err := l.shred(r.Column(l.column).Data())
	if err == nil {
		err = s.write(w.chunks[i])
	}
	if err != nil {
		return fmt.Errorf("column %q: %w", r.ColumnName(l.column), err)
	}
	return nil
}

// startGroup gives each leaf a buffer of its own; the pages of a leaf that is alone go right to the file.
func (w *Writer) startGroup() (err error) {
	w.chunks = make([]file.ColumnChunkWriter, len(w.leaves))
	if len(w.leaves) == 1 {
		var alone file.SerialRowGroupWriter
		if alone, err = w.file.AppendRowGroupChecked(); err == nil {
			w.group = alone
			w.chunks[0], err = alone.NextColumn()
		}
	} else {
		err = w.startColumns()
	}
	for i, c := range w.chunks {
		if err == nil && w.dense[i] {
			c.FallbackToPlain()
		}
	}
	return err
}

func (w *Writer) startColumns() error {
	all, err := w.file.AppendBufferedRowGroupChecked()
	if err != nil {
		return err
	}
	w.group = all
	for i := range w.chunks {
		if w.chunks[i], err = all.Column(i); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) endGroup() error {
	for i, c := range w.chunks {
		w.dense[i] = c.CurrentEncoder().Encoding() != parquet.Encodings.PlainDict
	}
	err := w.group.Close()
	w.group, w.chunks, w.rows, w.bytes = nil, nil, 0, 0
	return err
}

// Close ends the file. Without it there is none that can be read.
func (w *Writer) Close() error {
	if w.group != nil {
		if err := w.endGroup(); err != nil {
			return err
		}
	}
	return w.file.Close()
}
