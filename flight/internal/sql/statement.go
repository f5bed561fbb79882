package sql

import (
	"context"
	"crypto/rand"
	"encoding/json"

	"github.com/apache/arrow/go/v15/arrow"
	pb "github.com/apache/arrow/go/v15/arrow/flight/gen/flight"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/sqlwire"
)

// statement is what a ticket says, so that any server can answer it: SQL, and the values of its parameters as SQL has them.
type statement struct {
	SQL        string   `json:"sql"`
	Parameters []string `json:"parameters,omitempty"`
	ID         string   `json:"id,omitempty"` // by which it can be ended while it runs
}

// ticket is that of a statement, another one each time.
func (s statement) ticket() ([]byte, error) {
	s.ID = rand.Text()
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return pack(&pb.TicketStatementQuery{StatementHandle: text})
}

// pack puts a message into an Any.
func pack(m proto.Message) ([]byte, error) {
	a, err := anypb.New(m)
	if err != nil {
		return nil, err
	}
	return proto.Marshal(a)
}

func parseStatement(handle []byte) (s statement, err error) {
	if err := json.Unmarshal(handle, &s); err != nil || s.SQL == "" {
		return s, fault.New(fault.Invalid, "ticket: not one of a statement of this server")
	}
	return s, nil
}

// describe tells the columns of a statement, and of its parameters.
func (h *Handler) describe(ctx context.Context, s statement) (columns, parameters *arrow.Schema, err error) {
	c, err := h.begin(ctx, sqlwire.Statement{SQL: s.SQL, Parameters: s.Parameters, Describe: true})
	if err != nil {
		return nil, nil, err
	}
	defer c.end()
	return c.result()
}

// run begins a statement.
func (h *Handler) run(ctx context.Context, s statement) (*Answer, error) {
	c, err := h.begin(ctx, sqlwire.Statement{SQL: s.SQL, Parameters: s.Parameters})
	if err != nil {
		return nil, err
	}
	schema, _, err := c.result()
	if err != nil {
		c.end()
		return nil, err
	}
	a := newAnswer(schema, c.batches(schema))
	forget := h.running.add(ctx, s.ID, c.cancel)
	a.close = func() {
		forget()
		c.end()
	}
	return a, nil
}
