package flight

import (
	"cmp"
	"context"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/flight/internal/replicas"
	"github.com/mtflight/mtflight/flight/internal/sql"
	"github.com/mtflight/mtflight/flight/internal/wire"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/span"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/collection"
)

// plan checks a request, in the memory that its rows take, against its dataset.
func (s *Server) plan(ctx context.Context, r reader.Request) (*reader.Plan, error) {
	if err := callOf(ctx).held.Keep(r.RowBytes()); err != nil {
		return nil, err
	}
	return s.planned(ctx, r)
}

func (s *Server) planned(ctx context.Context, r reader.Request) (p *reader.Plan, err error) {
	ctx, one := span.Start(ctx, "plan")
	defer func() { one.End(err) }()
	files, many, err := s.catalog.Files(ctx, r)
	if err != nil {
		return nil, err
	}
	if many {
		p, err = s.planMany(ctx, files, r)
	} else {
		p, err = s.planOne(ctx, files[0], r)
	}
	callOf(ctx).plan = p
	return p, err
}

// planOne plans a request for one file.
func (s *Server) planOne(ctx context.Context, loc reader.Location, r reader.Request) (*reader.Plan, error) {
	callOf(ctx).file.set(r.File)
	f, err := s.engine.Open(ctx, loc)
	if err != nil {
		return nil, err
	}
	callOf(ctx).dataset.set(r.Target())
	ds, err := f.Asked(ctx, r)
	if err != nil {
		return nil, err
	}
	return ds.Plan(ctx, r)
}

// planMany plans a request for several files.
func (s *Server) planMany(ctx context.Context, files []reader.Location, r reader.Request) (*reader.Plan, error) {
	callOf(ctx).file.set(cmp.Or(r.File, files[0].Name+", .."))
	callOf(ctx).dataset.set(r.Target())
	names, err := collection.Like(r)
	if err != nil {
		return nil, err
	}
	like := make([]reader.Location, len(names))
	for i, name := range names {
		if like[i], err = s.catalog.Resolve(ctx, name); err != nil {
			return nil, fault.New(fault.Changed, "%w, which the ticket was issued for: ask GetFlightInfo for a new ticket", err)
		}
	}
	return collection.Plan(ctx, s.engine, collection.Files{All: files, Like: like, Memory: s.seen,
		Tell: func(of reader.Location, err error) string { return s.reason(ctx, of.Name, err) }}, r)
}

func (s *Server) dataset(ctx context.Context, file, dataset string) (*reader.Dataset, error) {
	f, err := s.open(ctx, file)
	if err != nil {
		return nil, err
	}
	callOf(ctx).dataset.set(dataset)
	return f.Dataset(ctx, dataset)
}

func (s *Server) open(ctx context.Context, file string) (*reader.File, error) {
	callOf(ctx).file.set(file)
	loc, err := s.catalog.Resolve(ctx, file)
	if err != nil {
		return nil, err
	}
	return s.engine.Open(ctx, loc)
}

// DoGet sends the rows of a ticket.
func (s *Server) DoGet(t *arrowflight.Ticket, stream arrowflight.FlightService_DoGetServer) error {
	if sql.Is(t.GetTicket()) {
		return s.sqlGet(t.GetTicket(), stream)
	}
	r, err := protocol.ParseTicket(t.GetTicket())
	if err != nil {
		return err
	}
	p, err := s.plan(stream.Context(), r)
	if err != nil {
		return err
	}
	packer := wire.NewPacker(stream.Context(), r.Compression, s.memory())
	run := s.run(stream.Context(), p, packer == nil)
	defer run.Release()
	if err := s.stalls.send(stream, run, packer); err != nil {
		return err
	}
	return run.Settle()
}

// memory is what batches on their way take.
func (s *Server) memory() *bufpool.Memory {
	m, _ := s.engine.Buffers()
	return m
}

// run reads for a connection. One that gives batches to the kernel as they are, without looking at them, may have them mapped.
func (s *Server) run(ctx context.Context, p *reader.Plan, plain bool) *reader.Run {
	if plain && wire.LedgerOf(ctx).Unread() {
		return p.RunMapped(ctx)
	}
	return p.Run(ctx)
}

// requestOf is the request that a descriptor stands for; command is its text where it was sent as one.
func requestOf(d *arrowflight.FlightDescriptor) (r reader.Request, command []byte, err error) {
	switch d.GetType() {
	case arrowflight.DescriptorPATH:
		if len(d.GetPath()) != 2 {
			return r, nil, fault.New(fault.Invalid, "descriptor: a path must be [file, dataset], not of %d parts", len(d.GetPath()))
		}
		r.File, r.Dataset = d.GetPath()[0], d.GetPath()[1]
		if r.File == "" || r.Dataset == "" {
			return r, nil, fault.New(fault.Invalid, "descriptor: file and dataset must not be empty")
		}
		return r, nil, nil
	case arrowflight.DescriptorCMD:
		r, err = protocol.ParseTicket(d.GetCmd())
		return r, d.GetCmd(), err
	}
	return r, nil, fault.New(fault.Invalid, "descriptor: must be a path [file, dataset] or a command, which is a request as JSON")
}

// GetSchema gives the schema of a request.
func (s *Server) GetSchema(ctx context.Context, d *arrowflight.FlightDescriptor) (*arrowflight.SchemaResult, error) {
	if sql.Is(d.GetCmd()) {
		schema, _, err := s.sql.Schema(ctx, d.GetCmd())
		if err != nil {
			return nil, err
		}
		return &arrowflight.SchemaResult{Schema: arrowflight.SerializeSchema(schema, memory.DefaultAllocator)}, nil
	}
	r, _, err := requestOf(d)
	if err != nil {
		return nil, err
	}
	p, err := s.plan(ctx, r)
	if err != nil {
		return nil, err
	}
	return &arrowflight.SchemaResult{Schema: arrowflight.SerializeSchema(p.Schema(), memory.DefaultAllocator)}, nil
}

// GetFlightInfo gives the schema, size and endpoints of a request; it reads no rows.
func (s *Server) GetFlightInfo(ctx context.Context, d *arrowflight.FlightDescriptor) (*arrowflight.FlightInfo, error) {
	if sql.Is(d.GetCmd()) {
		return s.sqlInfo(ctx, d)
	}
	r, command, err := requestOf(d)
	if err != nil {
		return nil, err
	}
	p, err := s.plan(ctx, r)
	if err != nil {
		return nil, err
	}
	endpoints, err := s.endpoints(r, command, p)
	if err != nil {
		return nil, err
	}
	return &arrowflight.FlightInfo{
		Schema:           arrowflight.SerializeSchema(p.Schema(), memory.DefaultAllocator),
		FlightDescriptor: d,
		Endpoint:         endpoints,
		TotalRecords:     p.Rows(),
		TotalBytes:       p.Bytes(),
		Ordered:          r.Stream == nil || !r.Stream.Unordered,
	}, nil
}

const (
	endpointBytes = 256 << 20 // one endpoint for so many, by default
	ticketsBytes  = 16 << 20  // of all tickets of an answer, whatever number of endpoints is asked for
)

// endpoints splits a request by its rows. All tickets are for the version of the file that was planned with.
func (s *Server) endpoints(r reader.Request, command []byte, p *reader.Plan) ([]*arrowflight.FlightEndpoint, error) {
	n := r.Endpoints
	if n == 0 {
		n = int(min(max(p.Bytes()/endpointBytes, 1), int64(4*s.cfg.Workers*max(len(s.replicas.Ready()), 1))))
	}
	parts := p.Split(min(n, ticketsBytes/(len(command)+len(p.State())+256)))
	out, names := make([]*arrowflight.FlightEndpoint, len(parts)), make([]string, len(parts))
	for i, part := range parts {
		names[i] = replicas.Name(part.File, part.Files, part.Start)
	}
	places := s.replicas.Place(names)
	for i, part := range parts {
		ticket, err := protocol.FormatTicket(part)
		if err != nil {
			return nil, err
		}
		out[i] = endpoint(places[i], ticket)
	}
	return out, nil
}

// reuseConnection tells a client to ask where it is (Flight.rst, "Connection Reuse").
const reuseConnection = "arrow-flight-reuse-connection://?"

// endpoint is one with the locations that have it.
func endpoint(locations []string, ticket []byte) *arrowflight.FlightEndpoint {
	e := &arrowflight.FlightEndpoint{Ticket: &arrowflight.Ticket{Ticket: ticket}}
	for _, location := range locations {
		e.Location = append(e.Location, &arrowflight.Location{Uri: location})
	}
	if len(locations) == 0 {
		e.Location = []*arrowflight.Location{{Uri: reuseConnection}}
	}
	return e
}
