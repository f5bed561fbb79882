// Package sink writes batches as bytes in the formats that people exchange: Arrow's, Parquet, CSV, JSON, NumPy's. New makes a Sink,
// which keeps nothing of a record that it was given.
package sink

import (
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/parquet"
	"github.com/mtflight/mtflight/protocol"
)

// Sink takes the batches of a request. The records stay the caller's.
type Sink interface {
	Write(arrow.Record) error
	Close() error
}

// Prepare asks for the types that every reader of a format knows; given says that the request
// says itself whether they are plain.
func Prepare(format string, r protocol.Request, given bool) protocol.Request {
	switch format {
	case "parquet", "csv":
		r.Options.Plain = r.Options.Plain || !given
	case "table", "json", "jsonl":
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
			return nil, fault.New(fault.Invalid, "an Arrow file can't go to a pipe: give -o FILE, or --format arrows")
		}
		f, err := ipc.NewFileWriter(seeker, ipc.WithSchema(schema))
		return ipcSink{f}, err
	case "arrows":
		return ipcSink{ipc.NewWriter(w, append(codecOf(codec), ipc.WithSchema(schema))...)}, nil
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

// codecOf is Arrow's own compression of buffers.
func codecOf(codec string) []ipc.Option {
	switch codec {
	case "lz4":
		return []ipc.Option{ipc.WithLZ4()}
	case "zstd":
		return []ipc.Option{ipc.WithZstd()}
	}
	return nil
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
