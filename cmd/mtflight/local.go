package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mtflight/mtflight/flight"
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

func (l *local) file(ctx context.Context, path string) (*reader.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, noFile(path, err)
	}
	if info.IsDir() {
		return nil, fault.New(fault.Invalid, "%s: it is a directory: name a file in it (`mtflight ls %s` lists them)", path, path)
	}
	return l.engine.Open(ctx, reader.Location{Path: path})
}

func (l *local) plan(ctx context.Context, r reader.Request) (*reader.Plan, error) {
	file, err := l.file(ctx, r.File)
	if err != nil {
		return nil, err
	}
	d, err := file.Dataset(ctx, r.Dataset)
	if err != nil {
		return nil, err
	}
	return d.Plan(ctx, r)
}

func (l *local) describe(ctx context.Context, path, dataset string) (json.RawMessage, error) {
	file, err := l.file(ctx, path)
	if err != nil {
		return nil, err
	}
	d, err := flight.Describe(ctx, file, dataset)
	if err != nil {
		return nil, err
	}
	d.File = path
	return json.Marshal(d)
}

func (l *local) attributes(ctx context.Context, path, object string, names []string) (json.RawMessage, error) {
	file, err := l.file(ctx, path)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		names = nil // all
	}
	a, err := file.Attributes(ctx, object, names)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.JSON(ctx)
}

func (l *local) explain(ctx context.Context, r reader.Request) (json.RawMessage, error) {
	p, err := l.plan(ctx, r)
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

func (l *local) open(ctx context.Context, r reader.Request) (*stream, error) {
	plan, err := l.plan(ctx, r)
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
