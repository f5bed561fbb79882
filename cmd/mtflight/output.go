package main

import (
	"encoding/csv"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/parquet"
	"github.com/apache/arrow/go/v15/parquet/compress"
	"github.com/apache/arrow/go/v15/parquet/pqarrow"

	"github.com/mtflight/mtflight/internal/fault"
)

// sink takes the batches of a request. The records stay the caller's.
type sink interface {
	write(arrow.Record) error
	close() error
}

var formats = []string{"table", "arrow", "arrows", "parquet", "csv", "none"}

// formatOf chooses by --format, else by the output's ending, else a table.
func formatOf(format, output string) (string, error) {
	if format == "" && (output == "" || output == "-") {
		return "table", nil
	}
	if format == "" {
		if format = strings.TrimPrefix(filepath.Ext(output), "."); !slices.Contains(formats, format) {
			return "", fault.New(fault.Invalid, "get: write %s: its ending names no format: end it in .arrow, .arrows, .parquet or .csv, or give --format", output)
		}
	}
	if !slices.Contains(formats, format) {
		return "", fault.New(fault.Invalid, "get: unknown format %q: choose --format among %s", format, strings.Join(formats, ", "))
	}
	return format, nil
}

// newSink writes to w; an Arrow file needs one that seeks. total is how many rows there are without a limit, or -1.
func newSink(format string, w io.Writer, schema *arrow.Schema, total int64) (sink, error) {
	switch format {
	case "arrow":
		seeker, ok := w.(io.WriteSeeker)
		if !ok {
			return nil, fault.New(fault.Invalid, "get: an Arrow file can't go to a pipe: give -o FILE, or --format arrows")
		}
		f, err := ipc.NewFileWriter(seeker, ipc.WithSchema(schema))
		return ipcSink{f}, err
	case "arrows":
		return ipcSink{ipc.NewWriter(w, ipc.WithSchema(schema))}, nil
	case "parquet":
		return newParquetSink(w, schema)
	case "csv":
		return newCSVSink(w, schema)
	case "none":
		return noSink{}, nil
	}
	return newTableSink(w, schema, total), nil
}

type ipcWriter interface {
	Write(arrow.Record) error
	Close() error
}

type ipcSink struct{ w ipcWriter }

func (s ipcSink) write(r arrow.Record) error { return s.w.Write(r) }
func (s ipcSink) close() error               { return s.w.Close() }

// parquetSink buffers batches into row groups of a useful size.
type parquetSink struct{ w *pqarrow.FileWriter }

const rowGroupBytes = 64 << 20

func newParquetSink(w io.Writer, schema *arrow.Schema) (sink, error) {
	// Its Close would close the writer, which is not the sink's.
	keepOpen := struct{ io.Writer }{w}
	properties := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Snappy))
	pw, err := pqarrow.NewFileWriter(schema, keepOpen, properties, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
	if err != nil {
		return nil, fault.New(fault.Unsupported, "get: write Parquet: %w: choose other columns by --fields, or write .arrow", err)
	}
	return parquetSink{pw}, nil
}

func (s parquetSink) write(r arrow.Record) error {
	if s.w.RowGroupTotalBytesWritten() > rowGroupBytes {
		s.w.NewBufferedRowGroup()
	}
	return s.w.WriteBuffered(r)
}

func (s parquetSink) close() error { return s.w.Close() }

var whole = cells{digits: -1, most: -1}

// csvSink writes nested values like JSON, binary ones as base64, nulls as nothing.
type csvSink struct {
	w   *csv.Writer
	row []string
}

func newCSVSink(w io.Writer, schema *arrow.Schema) (sink, error) {
	s := csvSink{w: csv.NewWriter(w), row: make([]string, schema.NumFields())}
	for i, f := range schema.Fields() {
		s.row[i] = f.Name
	}
	return s, s.w.Write(s.row)
}

func (s csvSink) write(r arrow.Record) error {
	for i := range int(r.NumRows()) {
		for c := range s.row {
			s.row[c] = whole.text(r.Column(c), i)
		}
		if err := s.w.Write(s.row); err != nil {
			return err
		}
	}
	return nil
}

func (s csvSink) close() error {
	s.w.Flush()
	return s.w.Error()
}

type noSink struct{}

func (noSink) write(arrow.Record) error { return nil }
func (noSink) close() error             { return nil }
