// Package sql answers what clients of Flight SQL ask (ADBC, JDBC and what stands on them): which schemas and tables there are, of which
// columns, what the server can do, and statements. Handler is all there is to know; it asks a Service, which is the server itself, so that what an
// identity may not read is not there. A file is a schema, a dataset, data frame or group of columns a table, and all are in one catalog.
//
// Commands are protobuf's messages in an Any, which no request begins like: Is tells them apart by their first byte. An Answer is its
// caller's, who releases it.
//
// A statement is carried out by DuckDB in a process of its own, mtflight-sql, which asks for the rows of tables over a pipe (session.go,
// feed.go): they are planned and read for the identity of the call, as those of any request.
package sql

import (
	"context"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// Catalog is the name of the only one.
const Catalog = "mtflight"

// Service is the server that is asked, for the identity of the call's context.
type Service interface {
	// Files visits the names of the files that may be read.
	Files(ctx context.Context, visit func(file string) error) error
	// Datasets gives those of a file that can be read as rows, data frames and groups of columns too.
	Datasets(ctx context.Context, file string) ([]protocol.Info, error)
	// Plan checks a request against its dataset.
	Plan(context.Context, protocol.Request) (*reader.Plan, error)
}

// Handler answers commands. Safe for concurrent use.
type Handler struct {
	service Service
	version string
	engines *engines
	shelf   shelf
	running running
}

// New makes a Handler of a server of a version, with an engine if there is one.
func New(s Service, version string, e Engine) *Handler {
	return &Handler{service: s, version: version, engines: newEngines(e)}
}

// Waiting tells whether a statement waits for others to end.
func (h *Handler) Waiting() bool { return h.engines.waiting.Load() > 0 }

// Close ends the engines.
func (h *Handler) Close() { h.engines.close() }

// noEngine says why statements are not answered.
func noEngine() error {
	return fault.New(fault.Unsupported, "SQL statements need the program mtflight-sql, which is not beside this server's (make build-sql makes it, --sql PATH says where it is): "+
		"without it schemas and tables are told, no rows")
}
