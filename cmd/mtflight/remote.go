package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// remote asks a server.
type remote struct {
	client *client.Client
}

const dialTimeout = 5 * time.Second

func dial(ctx context.Context, location string) (*remote, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := client.Open(ctx, location)
	if err != nil {
		return nil, err
	}
	return &remote{client: c}, nil
}

func (r *remote) close() error { return r.client.Close() }

func (r *remote) describe(ctx context.Context, file, dataset string) (json.RawMessage, error) {
	return r.client.Describe(ctx, file, dataset)
}

func (r *remote) explain(ctx context.Context, request reader.Request) (json.RawMessage, error) {
	return r.client.Explain(ctx, request)
}

func (r *remote) list(ctx context.Context, what listing, visit func(listed) error) error {
	found := false
	seen := func(d listed, why error) error {
		found = true
		if why != nil && d.File == what.file {
			return why // of the one file that was asked for
		}
		return visit(d)
	}
	ask := r.schemas
	if what.whole {
		ask = r.trees
	}
	err := ask(ctx, client.Criteria{File: what.file, Frames: what.frames}, seen)
	if err == nil && what.file != "" && !found {
		return fault.New(fault.NotFound, "ls: no dataset in a file named %s: `mtflight ls` without it lists all", what.file)
	}
	return err
}

// trees visits everything that the server knows but for Arrow's types.
func (r *remote) trees(ctx context.Context, of client.Criteria, visit func(listed, error) error) error {
	return r.client.Trees(ctx, of, func(t client.FileTree) error {
		if err := t.Err(); err != nil {
			return visit(listed{File: t.File, Error: t.Reason}, err)
		}
		for i := range t.Datasets {
			if err := visit(listed{File: t.File, Info: &t.Datasets[i]}, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// schemas visits the datasets with Arrow's types and what else a schema tells.
func (r *remote) schemas(ctx context.Context, of client.Criteria, visit func(listed, error) error) error {
	return r.client.List(ctx, of, func(d client.Dataset) error {
		if err := d.Err(); err != nil {
			return visit(listed{File: d.File, Error: d.Reason}, err)
		}
		info := &reader.Info{Path: d.Name, Kind: d.Kind, Reason: d.Reason, Rows: reader.Count(d.Rows), Bytes: reader.Count(d.Bytes), Schema: d.Schema}
		if err := fromSchema(info, d.Schema); err != nil {
			return err
		}
		return visit(listed{File: d.File, Info: info}, nil)
	})
}

// fromSchema fills in what the schema's metadata tells (docs/protocol.md section 4).
func fromSchema(info *reader.Info, schema *arrow.Schema) error {
	if schema == nil {
		return nil
	}
	metadata := schema.Metadata()
	for name, to := range map[string]any{
		"hdf5.shape": &info.Shape, "hdf5.chunks": &info.Chunks, "hdf5.filters": &info.Filters, "hdf5.attributes": &info.Attributes,
	} {
		text, ok := metadata.GetValue(name)
		if !ok {
			continue
		}
		if err := json.Unmarshal([]byte(text), to); err != nil {
			return fault.New(fault.Unsupported, "ls: %s: schema metadata %s: %w", info.Path, name, err)
		}
	}
	return nil
}

func (r *remote) open(ctx context.Context, request reader.Request) (*stream, error) {
	rows, err := r.client.Scan(ctx, request)
	if err != nil {
		return nil, err
	}
	return &stream{RecordReader: rows, rows: rows.Total()}, nil
}
