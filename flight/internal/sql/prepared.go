package sql

import (
	"context"
	"crypto/rand"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/flight"
	pb "github.com/apache/arrow/go/v15/arrow/flight/gen/flight"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/identity"
)

// prepared is a statement that a client has prepared, with the values that it has set since.
type prepared struct {
	owner      string
	statement  statement
	columns    *arrow.Schema
	parameters *arrow.Schema
}

// Bounds of an identity's; the oldest are forgotten for a new one.
const (
	maxPrepared      = 256
	maxPreparedBytes = 16 << 20 // of their SQL, values and columns, about
)

// size is about what one takes.
func (p *prepared) size() int {
	n := len(p.statement.SQL) + 1<<10
	for _, v := range p.statement.Parameters {
		n += len(v)
	}
	for _, s := range []*arrow.Schema{p.columns, p.parameters} {
		if s != nil {
			n += 256 * s.NumFields()
		}
	}
	return n
}

// shelf holds prepared statements by their handles.
type shelf struct {
	mu    sync.Mutex
	all   map[string]*prepared
	order map[string][]string // by owner: handles, the oldest first
}

func (s *shelf) add(p *prepared) string {
	handle := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all, s.order = map[string]*prepared{}, map[string][]string{}
	}
	s.all[handle] = p
	s.order[p.owner] = append(s.order[p.owner], handle)
	s.trim(p.owner)
	return handle
}

// trim forgets the oldest of an owner's as long as there are too many, or too large ones; the newest stays.
func (s *shelf) trim(owner string) {
	mine, bytes := s.order[owner], 0
	for _, handle := range mine {
		bytes += s.all[handle].size()
	}
	for len(mine) > maxPrepared || len(mine) > 1 && bytes > maxPreparedBytes {
		bytes -= s.all[mine[0]].size()
		delete(s.all, mine[0])
		mine = mine[1:]
	}
	s.order[owner] = mine
}

// of finds an identity's own; a copy.
func (s *shelf) of(ctx context.Context, handle []byte) (prepared, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.all[string(handle)]
	if p == nil || p.owner != identity.Of(ctx).Name {
		return prepared{}, fault.New(fault.NotFound, "no such prepared statement: it was closed, or forgotten for newer ones: prepare it again")
	}
	return *p, nil
}

// set changes the values of one.
func (s *shelf) set(ctx context.Context, handle []byte, values []string) error {
	if _, err := s.of(ctx, handle); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.all[string(handle)]; p != nil {
		p.statement.Parameters = values
		s.trim(p.owner)
	}
	return nil
}

func (s *shelf) close(ctx context.Context, handle []byte) error {
	p, err := s.of(ctx, handle)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, string(handle))
	var left []string
	for _, h := range s.order[p.owner] {
		if h != string(handle) {
			left = append(left, h)
		}
	}
	s.order[p.owner] = left
	if len(left) == 0 {
		delete(s.order, p.owner)
	}
	return nil
}

// Prepare is the action CreatePreparedStatement.
func (h *Handler) Prepare(ctx context.Context, body []byte) ([]byte, error) {
	m, err := parse(body)
	if err != nil {
		return nil, err
	}
	r, is := m.(*pb.ActionCreatePreparedStatementRequest)
	if !is {
		return nil, fault.New(fault.Invalid, "CreatePreparedStatement: not its message")
	}
	if len(r.GetTransactionId()) > 0 {
		return nil, noTransactions()
	}
	p := &prepared{owner: identity.Of(ctx).Name, statement: statement{SQL: r.GetQuery()}}
	if p.columns, p.parameters, err = h.describe(ctx, p.statement); err != nil {
		return nil, err
	}
	return pack(&pb.ActionCreatePreparedStatementResult{
		PreparedStatementHandle: []byte(h.shelf.add(p)),
		DatasetSchema:           flight.SerializeSchema(p.columns, memory.NewGoAllocator()),
		ParameterSchema:         flight.SerializeSchema(p.parameters, memory.NewGoAllocator()),
	})
}

func noTransactions() error {
	return fault.New(fault.Unsupported, "SQL: there are no transactions here: this server reads only")
}

// Forget is the action ClosePreparedStatement, which has no answer.
func (h *Handler) Forget(ctx context.Context, body []byte) ([]byte, error) {
	m, err := parse(body)
	if err != nil {
		return nil, err
	}
	r, is := m.(*pb.ActionClosePreparedStatementRequest)
	if !is {
		return nil, fault.New(fault.Invalid, "ClosePreparedStatement: not its message")
	}
	return nil, h.shelf.close(ctx, r.GetPreparedStatementHandle())
}

// maxValues bounds what values of parameters take.
const maxValues = 1 << 20

// begun is a stream whose first message was read before.
type begun struct {
	flight.FlightService_DoPutServer
	first *flight.FlightData
}

// Recv is part of flight.DataStreamReader.
func (b *begun) Recv() (*flight.FlightData, error) {
	if first := b.first; first != nil {
		b.first = nil
		return first, nil
	}
	return b.FlightService_DoPutServer.Recv()
}

// Put is DoPut: the values of a prepared statement's parameters.
func (h *Handler) Put(stream flight.FlightService_DoPutServer) error {
	first, err := stream.Recv()
	if err != nil {
		return fault.New(fault.Invalid, "DoPut: %w", err)
	}
	m, err := parse(first.GetFlightDescriptor().GetCmd())
	if err != nil {
		return err
	}
	c, is := m.(*pb.CommandPreparedStatementQuery)
	if !is { // an update's command has no batches
		return fault.New(fault.Unsupported, "%s: this server reads only", m.ProtoReflect().Descriptor().Name())
	}
	r, err := flight.NewRecordReader(&begun{stream, first}, ipc.WithAllocator(memory.NewGoAllocator()))
	if err != nil {
		return fault.New(fault.Invalid, "DoPut: %w", err)
	}
	defer r.Release()
	var values []string
	for n := int64(0); r.Next(); {
		b := r.Record()
		if n += b.NumRows(); n > 1 {
			return fault.New(fault.Unsupported, "SQL: values for more than one run of a statement: send one row of them")
		}
		if b.NumRows() == 0 {
			continue
		}
		if values, err = literals(b); err != nil {
			return err
		}
	}
	if err := r.Err(); err != nil {
		return fault.New(fault.Invalid, "DoPut: %w", err)
	}
	if err := h.shelf.set(stream.Context(), c.GetPreparedStatementHandle(), values); err != nil {
		return err
	}
	// DoPutPreparedStatementResult, which arrow/go/v15 does not know: JDBC takes the handle of it for that of what it runs.
	told := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), c.GetPreparedStatementHandle())
	return stream.Send(&flight.PutResult{AppMetadata: told})
}
