package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// local reads files of this machine.
type local struct {
	engine *reader.Engine
}

func newLocal(c reader.Config) (*local, error) {
	engine, err := reader.NewEngine(c)
	if err != nil {
		return nil, err
	}
	return &local{engine: engine}, nil
}

func (l *local) close() error { return l.engine.Close() }

func (l *local) list(ctx context.Context, path string, frames bool, visit func(listed) error) error {
	if _, err := os.Stat(path); err != nil {
		return noFile(path, err)
	}
	return filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return visit(listed{File: name, Error: err.Error()})
		}
		if entry.IsDir() {
			return ctx.Err()
		}
		if is, _ := reader.IsHDF5(name); !is && name != path {
			return ctx.Err()
		}
		err = l.listFile(ctx, name, frames, visit)
		if kind := fault.Of(err); kind != nil && name != path && ctx.Err() == nil {
			return visit(listed{File: name, Error: err.Error()})
		}
		return err
	})
}

func (l *local) listFile(ctx context.Context, path string, frames bool, visit func(listed) error) error {
	file, err := l.engine.Open(ctx, reader.Location{Path: path})
	if err != nil {
		return err
	}
	tree, err := file.Tree(ctx)
	if err != nil {
		return err
	}
	if frames {
		more, err := file.Frames(ctx)
		if err != nil {
			return err
		}
		tree.Datasets = append(tree.Datasets, more...)
	}
	for i := range tree.Datasets {
		if reader.Hidden(tree.Datasets[i].Path) {
			continue
		}
		if err := visit(listed{File: path, Info: &tree.Datasets[i]}); err != nil {
			return err
		}
	}
	return nil
}

func (l *local) dataset(ctx context.Context, path, dataset string) (*reader.Dataset, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, noFile(path, err)
	}
	if info.IsDir() {
		return nil, fault.New(fault.Invalid, "%s: it is a directory: name a file in it (`mtflight ls %s` lists them)", path, path)
	}
	file, err := l.engine.Open(ctx, reader.Location{Path: path})
	if err != nil {
		return nil, err
	}
	return file.Dataset(ctx, dataset)
}

func (l *local) describe(ctx context.Context, path, dataset string) (json.RawMessage, error) {
	d, err := l.dataset(ctx, path, dataset)
	if err != nil {
		return nil, err
	}
	told := description{File: path, Info: d.Info()}
	if told.ChunkCount, err = d.Chunks(ctx); err != nil {
		return nil, err
	}
	if told.Stored > 0 {
		told.Ratio = float64(told.Bytes) / float64(told.Stored)
	}
	if told.Info.Schema != nil {
		for _, f := range told.Info.Schema.Fields() {
			told.Schema = append(told.Schema, column{f.Name, f.Type.String()})
		}
	}
	return json.Marshal(told)
}

func (l *local) explain(ctx context.Context, r reader.Request) (json.RawMessage, error) {
	d, err := l.dataset(ctx, r.File, r.Dataset)
	if err != nil {
		return nil, err
	}
	p, err := d.Plan(ctx, r)
	if err != nil {
		return nil, err
	}
	x, err := p.Explain(ctx)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		File    string `json:"file"`
		Dataset string `json:"dataset"`
		*reader.Explanation
	}{r.File, r.Dataset, x})
}

// description has the members of the server's answer that need no more than the dataset.
type description struct {
	File string `json:"file"`
	reader.Info
	Schema     []column `json:"schema"`
	ChunkCount int      `json:"chunk_count"`
	Ratio      float64  `json:"ratio,omitempty"`
}

type column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func (l *local) open(ctx context.Context, r reader.Request) (*stream, error) {
	d, err := l.dataset(ctx, r.File, r.Dataset)
	if err != nil {
		return nil, err
	}
	plan, err := d.Plan(ctx, r)
	if err != nil {
		return nil, err
	}
	return &stream{RecordReader: plan.Run(ctx), rows: plan.Rows()}, nil
}

func noFile(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "%s: no such file: check the path (a server's location starts with grpc://)", path)
	}
	return fault.New(fault.Denied, "%w", err)
}
