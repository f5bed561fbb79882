package client

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
)

// FileTree is what a file holds, all but the datasets' Arrow schemas; of one that cannot be read it is the reason.
type FileTree struct {
	File   string `json:"file"`
	Reason string `json:"error"`
	protocol.Tree
}

// Err is why a file cannot be read.
func (t FileTree) Err() error {
	if t.Reason == "" {
		return nil
	}
	return unreadable(t.File, t.Reason)
}

// unreadable gives a reason of a listing its kind back.
func unreadable(file, reason string) error {
	name, message, _ := strings.Cut(reason, ": ")
	for code, kind := range kinds {
		if code.String() == name {
			return fault.New(kind, "%s: %s", file, strings.TrimPrefix(message, file+": "))
		}
	}
	return fault.New(fault.DataLoss, "%s: %s", file, reason)
}

// Trees calls visit with every file chosen as the server finds it; an error of visit ends the list and is returned.
func (c *Client) Trees(ctx context.Context, of Criteria, visit func(FileTree) error) error {
	return c.results(ctx, "list", of, func(body json.RawMessage) error {
		var t FileTree
		if err := json.Unmarshal(body, &t); err != nil {
			return fault.New(fault.DataLoss, "client: list: what the server says of a file: %w", err)
		}
		return visit(t)
	})
}
