package client

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/flight/client/internal/rpc"
)

// commandStatement is the command of Flight SQL that a statement is sent as.
const commandStatement = "type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery"

// Query gives the rows of a statement in SQL (docs/sql.md), in its order, in types that every engine reads. The caller releases the Rows, which
// ends the statement; so does the end of ctx. A stream that breaks is not asked for again: a statement may be long, or what broke the server's engine.
func (c *Client) Query(ctx context.Context, statement string) (*Rows, error) {
	info, err := c.server.GetFlightInfo(ctx, rpc.Any(commandStatement, []byte(statement)))
	if err != nil {
		return nil, c.refused(ctx, fromStatus(err))
	}
	schema, err := deserialize(info.Schema)
	if err != nil {
		return nil, err
	}
	var parts []*part
	for _, e := range info.Endpoints {
		parts = append(parts, getPart([]rpc.Server{c.server}, e.Ticket))
	}
	return c.start(ctx, scan{parallel: 1, mem: memory.DefaultAllocator}, schema, info.TotalRecords, parts), nil
}
