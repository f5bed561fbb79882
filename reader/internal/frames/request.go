package frames

import (
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader/internal/columns"
	"github.com/mtflight/mtflight/reader/internal/frame"
)

// OptionsOf are the choices of a request that bear on a frame's own types.
func OptionsOf(r protocol.Request) frame.Options {
	return frame.Options{Numbers: r.Options.Time == "numeric", Binary: r.Options.Strings == "binary", Plain: r.Options.Plain}
}

// BatchingOf are the batches that a request asks for.
func BatchingOf(r protocol.Request) Batching {
	b := Batching{Rows: r.BatchRows, Bytes: r.BatchBytes}
	if r.Stream != nil {
		b.Exact = r.Stream.BlockRows
	}
	return b
}

// Columnar tells whether the frame is a table of columns, whose condition and order may be of any of its datasets.
func (f *Frame) Columnar() bool { return f.Format == columns.Format || f.Format == columns.Vaex }

// CheckRequest refuses what only a raw node can do; parts is how many datasets are read.
func (f *Frame) CheckRequest(r protocol.Request, parts int) error {
	what, of := "", "a frame"
	if f.Columnar() {
		of = "a table of columns"
	}
	switch {
	case r.Select != nil:
		what = "select"
	case r.Options.Layout == "rows":
		what = `options.layout "rows"`
	case r.Stream != nil && r.Stream.Follow:
		what = "stream.follow"
	case parts > 1 && r.Where != nil && !f.Columnar():
		what, of = "where", "a frame of several datasets"
	case parts > 1 && r.SortBy != "" && !f.Columnar():
		what, of = "sort_by", "a frame of several datasets"
	default:
		return nil
	}
	return fault.New(fault.Unsupported, "%s is not served for %s: ask the raw node %s", what, of, f.Columns[0].Path)
}

// PartRequest is the request for a part: the same rows, in order, in types that a frame's columns are made of.
func (f *Frame) PartRequest(r protocol.Request, members []string, untouched bool) protocol.Request {
	r.Fields, r.BatchRows, r.BatchBytes, r.Endpoints = members, 0, 0, 0
	r.Options.Plain = false
	if !untouched {
		r.Options.Tensors, r.Options.NetCDF = "nested", false
	}
	if r.Stream != nil {
		s := *r.Stream
		s.Unordered = false
		r.Stream = &s
	}
	if f.Columnar() {
		r.Where, r.Vars, r.SortBy, r.CheckCSI, r.Index = nil, nil, "", false, ""
	}
	if f.Empty {
		none := int64(0)
		r.Limit = &none
	}
	return r
}
