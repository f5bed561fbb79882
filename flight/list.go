package flight

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"go.uber.org/zap"
	"google.golang.org/grpc/codes"

	"github.com/mtflight/mtflight/flight/internal/catalog"
	"github.com/mtflight/mtflight/flight/internal/criteria"
	"github.com/mtflight/mtflight/flight/internal/replicas"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// trees calls visit with the tree of every file chosen, and then of every collection, or with why it cannot be read.
func (s *Server) trees(ctx context.Context, c criteria.Criteria, visit func(file string, t *reader.Tree, err error) error) error {
	callOf(ctx).file.set(c.File)
	err := s.catalog.Walk(ctx, c.File, func(e catalog.Entry) error {
		if e.Err != nil {
			return visit(e.Name, nil, e.Err)
		}
		t, err := s.tree(ctx, e.Location)
		if err == nil && (c.Frames || c.Columns) {
			t, err = s.withGroups(ctx, e.Location, t, c.Frames, c.Columns)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return visit(e.Name, t, err)
	})
	if err != nil {
		return err
	}
	return s.collections(ctx, c, visit)
}

// tree reads one file's; a panic over one file must not hide the others.
func (s *Server) tree(ctx context.Context, loc reader.Location) (t *reader.Tree, err error) {
	defer caught("the tree of "+loc.Name, &err)
	f, err := s.engine.Open(ctx, loc)
	if err != nil {
		return nil, err
	}
	return f.Tree(ctx)
}

// withGroups adds the file's data frames and tables of columns to its datasets, if they are asked for.
func (s *Server) withGroups(ctx context.Context, loc reader.Location, t *reader.Tree, frames, columns bool) (_ *reader.Tree, err error) {
	defer caught("the groups of "+loc.Name, &err)
	f, err := s.engine.Open(ctx, loc)
	var found, more []reader.Info
	if err == nil && frames {
		found, err = f.Frames(ctx)
	}
	if err == nil && columns {
		more, err = f.Columns(ctx)
	}
	t.Datasets = slices.Concat(t.Datasets, found, more)
	return t, err
}

// ListFlights sends one FlightInfo per dataset chosen, file by file as they are read. A file that cannot be read is
// one FlightInfo with the path [file] and the reason.
func (s *Server) ListFlights(in *arrowflight.Criteria, stream arrowflight.FlightService_ListFlightsServer) error {
	c, err := criteria.Parse(in.GetExpression())
	if err != nil {
		return err
	}
	call := callOf(stream.Context())
	return s.trees(stream.Context(), c, func(file string, t *reader.Tree, err error) error {
		if err != nil {
			if !c.TakesBroken() {
				return nil
			}
			return stream.Send(s.unreadable(stream.Context(), file, err))
		}
		for _, d := range t.Datasets {
			if !c.Takes(d) {
				continue
			}
			if err := stream.Send(s.flightOf(file, t.State, d)); err != nil {
				return err
			}
			call.rows.Add(1) // which are none of data
		}
		return nil
	})
}

// listed is the app_metadata of a FlightInfo.
type listed struct {
	Kind   string `json:"kind"`
	Reason string `json:"reason,omitempty"`
}

func (l listed) bytes() []byte {
	b, _ := json.Marshal(l) // two strings
	return b
}

const unsupported = "unsupported"

var noSchema = arrow.NewSchema(nil, nil)

// reason is an error as a listing shows it.
func (s *Server) reason(ctx context.Context, file string, err error) string {
	code, message := codeOf(ctx, err)
	if code == codes.Internal {
		s.log.Error("listing", zap.String("request", callOf(ctx).id), zap.String("file", file), zap.Error(err))
	}
	return code.String() + ": " + clean(s.catalog.Scrub(message))
}

// Reason is an error as a listing of this machine's files shows it.
func Reason(ctx context.Context, err error) string {
	code, message := codeOf(ctx, err)
	return code.String() + ": " + clean(message)
}

// Look tells whether a listing has a file: one with the signature of HDF5, or one that is only named like HDF5 or cannot
// be read, with the error that says so.
func Look(path string) (is bool, err error) { return catalog.Look(path) }

// Named tells whether a file is named as HDF5 files are. Listings of stores have these alone.
func Named(name string) bool { return catalog.Named(name) }

func (s *Server) unreadable(ctx context.Context, file string, err error) *arrowflight.FlightInfo {
	return info([]string{file}, noSchema, reader.Unknown, reader.Unknown, listed{unsupported, s.reason(ctx, file, err)})
}

func (s *Server) flightOf(file, state string, d reader.Info) *arrowflight.FlightInfo {
	what := listed{d.Kind, d.Reason}
	name := []string{file, d.Path}
	if d.Schema == nil {
		return info(name, noSchema, d.Rows, d.Bytes, what)
	}
	f := info(name, d.Schema, d.Rows, d.Bytes, what)
	if ticket, err := protocol.FormatTicket(reader.Request{File: file, Dataset: d.Path, State: state}); err == nil {
		f.Endpoint = []*arrowflight.FlightEndpoint{endpoint(s.replicas.Place([]string{replicas.Name(file, nil, nil)})[0], ticket)}
	}
	return f
}

func info(name []string, schema *arrow.Schema, rows, bytes reader.Count, what listed) *arrowflight.FlightInfo {
	return &arrowflight.FlightInfo{
		Schema:           arrowflight.SerializeSchema(schema, memory.DefaultAllocator),
		FlightDescriptor: &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: name},
		TotalRecords:     int64(rows), TotalBytes: int64(bytes), Ordered: true, AppMetadata: what.bytes(),
	}
}
