package client

import (
	"context"
	"encoding/json"

	"github.com/mtflight/mtflight/flight/client/internal/rpc"
	"github.com/mtflight/mtflight/internal/fault"
)

// Stats calls visit with the server's JSON about the values of columns (none named: all; docs/protocol.md section 6): last what is
// known of all rows and before, where chunks are asked for, that of the next chunks. An error of visit ends it and is returned.
func (c *Client) Stats(ctx context.Context, file, dataset string, fields []string, chunks bool, visit func(json.RawMessage) error) error {
	body, err := json.Marshal(struct {
		File    string   `json:"file"`
		Dataset string   `json:"dataset"`
		Fields  []string `json:"fields,omitempty"`
		Chunks  bool     `json:"chunks,omitempty"`
	}{file, dataset, fields, chunks})
	if err != nil {
		return fault.New(fault.Invalid, "client: stats: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.server.DoAction(ctx, "stats", body)
	if err != nil {
		return fromStatus(err)
	}
	for {
		var result rpc.Result
		if err := stream.RecvMsg(&result); err != nil {
			return fromStatus(err)
		}
		if err := visit(result.Body); err != nil {
			return err
		}
	}
}
