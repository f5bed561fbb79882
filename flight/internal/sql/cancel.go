package sql

import (
	"context"
	"sync"

	pb "github.com/apache/arrow/go/v15/arrow/flight/gen/flight"
	"google.golang.org/protobuf/proto"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/identity"
)

// running are the statements whose rows are being sent, by what their tickets call them.
type running struct {
	mu  sync.Mutex
	all map[runs]func() // that end them
}

// runs is a statement of an identity.
type runs struct{ owner, id string }

// add has a statement be ended by its owner until it is forgotten.
func (r *running) add(ctx context.Context, id string, end func()) (forget func()) {
	if id == "" {
		return func() {}
	}
	key := runs{identity.Of(ctx).Name, id}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[runs]func(){}
	}
	r.all[key] = end
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.all, key)
	}
}

// end ends one of the caller's; false: it does not run here.
func (r *running) end(ctx context.Context, id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := r.all[runs{identity.Of(ctx).Name, id}]
	if end != nil {
		end()
	}
	return end != nil
}

// cancel ends the statements that the tickets of an info are of.
func (h *Handler) cancel(ctx context.Context, info *pb.FlightInfo) (ended bool) {
	for _, e := range info.GetEndpoint() {
		if !Is(e.GetTicket().GetTicket()) {
			continue
		}
		m, err := parse(e.GetTicket().GetTicket())
		if t, is := m.(*pb.TicketStatementQuery); err == nil && is {
			if s, err := parseStatement(t.GetStatementHandle()); err == nil && h.running.end(ctx, s.ID) {
				ended = true
			}
		}
	}
	return ended
}

// CancelInfo is the action CancelFlightInfo.
func (h *Handler) CancelInfo(ctx context.Context, body []byte) ([]byte, error) {
	var r pb.CancelFlightInfoRequest
	if err := proto.Unmarshal(body, &r); err != nil || len(body) > maxCommand {
		return nil, fault.New(fault.Invalid, "CancelFlightInfo: not its message")
	}
	status := pb.CancelStatus_CANCEL_STATUS_NOT_CANCELLABLE
	if h.cancel(ctx, r.GetInfo()) {
		status = pb.CancelStatus_CANCEL_STATUS_CANCELLED
	}
	return proto.Marshal(&pb.CancelFlightInfoResult{Status: status})
}

// CancelQuery is the action of the same name, which came before CancelFlightInfo.
func (h *Handler) CancelQuery(ctx context.Context, body []byte) ([]byte, error) {
	m, err := parse(body)
	if err != nil {
		return nil, err
	}
	//lint:ignore SA1019 clients that know no CancelFlightInfo send it
	r, is := m.(*pb.ActionCancelQueryRequest)
	var info pb.FlightInfo
	if !is || proto.Unmarshal(r.GetInfo(), &info) != nil {
		return nil, fault.New(fault.Invalid, "CancelQuery: not its message")
	}
	result := pb.ActionCancelQueryResult_CANCEL_RESULT_NOT_CANCELLABLE
	if h.cancel(ctx, &info) {
		result = pb.ActionCancelQueryResult_CANCEL_RESULT_CANCELLED
	}
	//lint:ignore SA1019 as above
	return pack(&pb.ActionCancelQueryResult{Result: result})
}
