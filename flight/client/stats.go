package client

import (
	"context"
	"encoding/json"
)

// Stats calls visit with the server's JSON about the values of columns (none named: all; docs/protocol.md section 6): last what is
// known of all rows and before, where chunks are asked for, that of the next chunks. An error of visit ends it and is returned.
func (c *Client) Stats(ctx context.Context, file, dataset string, fields []string, chunks bool, visit func(json.RawMessage) error) error {
	return c.results(ctx, "stats", struct {
		File    string   `json:"file"`
		Dataset string   `json:"dataset"`
		Fields  []string `json:"fields,omitempty"`
		Chunks  bool     `json:"chunks,omitempty"`
	}{file, dataset, fields, chunks}, visit)
}
