package flight

import (
	"context"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/flight/internal/catalog"
	"github.com/mtflight/mtflight/flight/internal/sql"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// sqlDoor is the Server as package sql asks it.
type sqlDoor struct{ *Server }

var _ sql.Service = sqlDoor{}

// Files is part of sql.Service.
func (d sqlDoor) Files(ctx context.Context, visit func(file string) error) error {
	err := d.catalog.Walk(ctx, "", func(e catalog.Entry) error {
		if e.Err != nil {
			return nil
		}
		return visit(e.Name)
	})
	if err != nil {
		return err
	}
	return d.eachCollection(ctx, func(one catalog.Collection, _ []reader.Location, _ error) error { return visit(one.Name) })
}

// Datasets is part of sql.Service.
func (d sqlDoor) Datasets(ctx context.Context, file string) (all []protocol.Info, err error) {
	for _, one := range d.catalog.Collections() {
		if one.Name == file {
			found, err := d.described(ctx, file, one.Dataset)
			return []protocol.Info{found.Info}, err
		}
	}
	loc, err := d.catalog.Resolve(ctx, file)
	if err != nil {
		return nil, err
	}
	t, err := d.tree(ctx, loc)
	if err != nil {
		return nil, err
	}
	if t, err = d.withGroups(ctx, loc, t, true, true); err != nil {
		return nil, err
	}
	for _, one := range t.Datasets {
		if one.Schema != nil && !reader.Hidden(one.Path) {
			all = append(all, one)
		}
	}
	return all, nil
}

// Plan is part of sql.Service.
func (d sqlDoor) Plan(ctx context.Context, r protocol.Request) (*reader.Plan, error) {
	return d.plan(ctx, r)
}

// sqlEngine says what statements may take.
func (s *Server) sqlEngine() sql.Engine {
	l := s.cfg.Limits
	return sql.Engine{Path: sql.Find(s.cfg.SQL), Memory: l.SQLMemory, Budget: s.engine, Threads: s.cfg.Workers, Time: l.SQLTime, Each: l.SQLStatements, Rows: l.SQLRows}
}

// sqlInfo is GetFlightInfo of a command of Flight SQL.
func (s *Server) sqlInfo(ctx context.Context, d *arrowflight.FlightDescriptor) (*arrowflight.FlightInfo, error) {
	schema, ticket, err := s.sql.Schema(ctx, d.GetCmd())
	if err != nil {
		return nil, err
	}
	return &arrowflight.FlightInfo{
		Schema:           arrowflight.SerializeSchema(schema, memory.DefaultAllocator),
		FlightDescriptor: d,
		Endpoint:         []*arrowflight.FlightEndpoint{endpoint(s.replicas.Place([]string{string(ticket)})[0], ticket)},
		TotalRecords:     -1,
		TotalBytes:       -1,
		Ordered:          true,
	}, nil
}

// sqlGet is DoGet of a ticket of Flight SQL.
func (s *Server) sqlGet(ticket []byte, stream arrowflight.FlightService_DoGetServer) error {
	a, err := s.sql.Answer(stream.Context(), ticket)
	if err != nil {
		return err
	}
	defer a.Release()
	return s.results.send(stream, a, nil)
}

// DoPut takes the values of a prepared statement's parameters.
func (s *Server) DoPut(stream arrowflight.FlightService_DoPutServer) error {
	return s.sql.Put(stream)
}

// sqlAction is an action of Flight SQL, or one of statements, whose answer is a message of theirs or nothing.
func sqlAction(do func(*sql.Handler, context.Context, []byte) ([]byte, error)) func(*Server, context.Context, []byte, func(any) error) error {
	return func(s *Server, ctx context.Context, body []byte, answer func(any) error) error {
		told, err := do(s.sql, ctx, body)
		if err != nil || told == nil {
			return err
		}
		return answer(encoded(told))
	}
}
