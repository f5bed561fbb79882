package main

import (
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/parquet"
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

// checkCodec refuses a compression that a format does not have.
func checkCodec(format, codec string) error {
	switch {
	case codec == "" || format == "parquet" && slices.Contains(parquet.Codecs, codec):
		return nil
	case format == "parquet":
		return fault.New(fault.Invalid, "get: unknown compression %q: choose --compression among %s", codec, strings.Join(parquet.Codecs, ", "))
	}
	return fault.New(fault.Invalid, "get: %s is not compressed: leave out --compression, or write .parquet", format)
}

// newSink writes to w; an Arrow file needs one that seeks. total is how many rows there are without a limit, or -1.
func newSink(format, codec string, w io.Writer, schema *arrow.Schema, total int64) (sink, error) {
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
		p, err := parquet.NewWriter(w, schema, codec)
		return parquetSink{p}, err
	case "csv":
		return newCSVSink(w, schema), nil
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

type parquetSink struct{ w *parquet.Writer }

func (s parquetSink) write(r arrow.Record) error { return s.w.Write(r) }
func (s parquetSink) close() error               { return s.w.Close() }

type noSink struct{}

func (noSink) write(arrow.Record) error { return nil }
func (noSink) close() error             { return nil }
