// Package output writes batches in the formats that get knows. A Sink takes them, a Target is the file that they go to; Check
// chooses a format, and Prepare asks for the types that its readers know.
package output

import (
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/parquet"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// Sink takes the batches of a request. The records stay the caller's.
type Sink interface {
	Write(arrow.Record) error
	Close() error
}

// Formats are those of --format; Table is not written by this package.
var Formats = []string{Table, "arrow", "arrows", "parquet", "csv", "json", "jsonl", "npy", "none"}

// Table is the format for people.
const Table = "table"

// FormatOf chooses by --format, else by the output's ending, else a table.
func FormatOf(format, output string) (string, error) {
	if format == "" && (output == "" || output == "-") {
		return Table, nil
	}
	if format == "" {
		if format = strings.TrimPrefix(filepath.Ext(output), "."); !slices.Contains(Formats, format) {
			return "", fault.New(fault.Invalid, "get: write %s: its ending names no format: end it in .arrow, .arrows, .parquet, .csv, .json, .jsonl or .npy, or give --format", output)
		}
	}
	if !slices.Contains(Formats, format) {
		return "", fault.New(fault.Invalid, "get: unknown format %q: choose --format among %s", format, strings.Join(Formats, ", "))
	}
	return format, nil
}

// CheckCodec refuses a compression that a format does not have.
func CheckCodec(format, codec string) error {
	switch {
	case codec == "" || format == "parquet" && slices.Contains(parquet.Codecs, codec):
		return nil
	case format == "parquet":
		return fault.New(fault.Invalid, "get: unknown compression %q: choose --compression among %s", codec, strings.Join(parquet.Codecs, ", "))
	}
	return fault.New(fault.Invalid, "get: %s is not compressed: leave out --compression, or write .parquet", format)
}

// Prepare asks for the types that every reader of a format knows; plain says that --plain was given, and stays as it is.
func Prepare(format string, r reader.Request, plain bool) reader.Request {
	switch format {
	case "parquet", "csv":
		r.Options.Plain = r.Options.Plain || !plain
	case Table, "json", "jsonl":
		r.Options.Tensors = orElse(r.Options.Tensors, "nested")
	case "npy":
		r.Options.Tensors = orElse(r.Options.Tensors, "nested")
		r.Options.Enum = orElse(r.Options.Enum, "int")
	}
	return r
}

func orElse(given, otherwise string) string {
	if given == "" {
		return otherwise
	}
	return given
}

// New makes a format's Sink, all but a table's, for rows (-1: unknown). An Arrow file needs a writer that seeks.
func New(format, codec string, w io.Writer, schema *arrow.Schema, rows int64) (Sink, error) {
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
		return asSink(parquet.NewWriter(w, schema, codec))
	case "csv":
		return newCSVSink(w, schema), nil
	case "json", "jsonl":
		return newJSONSink(w, schema, format == "json"), nil
	case "npy":
		return newNPYSink(w, schema, rows)
	}
	return noSink{}, nil
}

func asSink(p *parquet.Writer, err error) (Sink, error) { return p, err }

type ipcSink struct {
	w interface {
		Write(arrow.Record) error
		Close() error
	}
}

func (s ipcSink) Write(r arrow.Record) error { return s.w.Write(r) }
func (s ipcSink) Close() error               { return s.w.Close() }

type noSink struct{}

func (noSink) Write(arrow.Record) error { return nil }
func (noSink) Close() error             { return nil }
