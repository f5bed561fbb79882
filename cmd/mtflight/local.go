package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/find"
	"github.com/mtflight/mtflight/cmd/mtflight/internal/matching"
	"github.com/mtflight/mtflight/flight"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/collection"
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

func (l *local) list(ctx context.Context, what listing, visit func(listed) error) error {
	if objectstore.Is(what.file) {
		return find.Stored(ctx, l.engine.Disks(), what.file, func(at reader.Location, _ int64) error {
			return toldOf(ctx, at.Name, l.listFile(ctx, at, what, visit), visit)
		})
	}
	what.file = find.OnDisk(what.file)
	info, err := os.Stat(what.file)
	if err != nil {
		return noFile(what.file, err)
	}
	if !info.IsDir() {
		return l.listFile(ctx, reader.Location{Path: what.file}, what, visit)
	}
	return find.Below(ctx, what.file, func(name string, _ int64, err error) error {
		if err == nil {
			err = l.listFile(ctx, reader.Location{Path: name}, what, visit)
		}
		return toldOf(ctx, spell.Escape(name), err, visit)
	})
}

// toldOf lists a file that could not be.
func toldOf(ctx context.Context, name string, err error, visit func(listed) error) error {
	if fault.Of(err) == nil || ctx.Err() != nil {
		return err
	}
	return visit(listed{File: name, Error: flight.Reason(ctx, err)})
}

func (l *local) listFile(ctx context.Context, at reader.Location, what listing, visit func(listed) error) error {
	file, err := l.engine.Open(ctx, at)
	if err != nil {
		return err
	}
	tree, err := visible(file.Tree(ctx))
	if err != nil {
		return err
	}
	if what.tables {
		tables, err := file.Columns(ctx)
		if err != nil {
			return err
		}
		tree.Datasets = slices.Concat(tree.Datasets, tables)
	}
	name := cmp.Or(at.Name, spell.Escape(at.Path))
	for i := range tree.Datasets {
		d := &tree.Datasets[i]
		if err := visit(listed{File: name, Info: d, columns: columnsOf(d.Schema)}); err != nil {
			return err
		}
	}
	return what.frames.list(name, tree.Groups, func(path string) (listed, error) {
		d, err := file.Dataset(ctx, path)
		if err != nil {
			return listed{}, err
		}
		info := d.Info()
		return listed{Info: &info, columns: columnsOf(info.Schema)}, nil
	}, visit)
}

// visible leaves out what is PyTables' own, as a server does.
func visible(tree *reader.Tree, err error) (*reader.Tree, error) {
	if err == nil {
		tree.Datasets = slices.DeleteFunc(tree.Datasets, func(d reader.Info) bool { return reader.Hidden(d.Path) })
		tree.Groups = slices.DeleteFunc(tree.Groups, func(g reader.GroupInfo) bool { return reader.Hidden(g.Path) })
		tree.Links = slices.DeleteFunc(tree.Links, func(l reader.LinkInfo) bool { return reader.Hidden(l.Path) })
	}
	return tree, err
}

func (l *local) tree(ctx context.Context, path string) (*reader.Tree, error) {
	file, err := l.file(ctx, path)
	if err != nil {
		return nil, err
	}
	return visible(file.Tree(ctx))
}

func (l *local) file(ctx context.Context, path string) (*reader.File, error) {
	if objectstore.Is(path) {
		at, err := reader.At(path)
		if err != nil {
			return nil, err
		}
		return l.engine.Open(ctx, at)
	}
	path = find.OnDisk(path)
	info, err := os.Stat(path)
	if err != nil {
		return nil, noFile(path, err)
	}
	if info.IsDir() {
		return nil, fault.New(fault.Invalid, "%s: it is a directory: name a file in it (`mtflight ls %s` lists them)", spell.Escape(path), spell.Escape(path))
	}
	return l.engine.Open(ctx, reader.Location{Path: path})
}

func (l *local) plan(ctx context.Context, r reader.Request) (*reader.Plan, error) {
	if _, err := os.Stat(find.OnDisk(r.File)); err != nil && !objectstore.Is(r.File) { // a file's name comes first
		if files, many, err := matching.Files(r.File, r.Options.OnError == "skip"); many {
			if err != nil {
				return nil, err
			}
			return collection.Plan(ctx, l.engine, collection.Files{All: files, Tell: func(_ reader.Location, err error) string { return flight.Reason(ctx, err) }}, r)
		}
	}
	file, err := l.file(ctx, r.File)
	if err != nil {
		return nil, err
	}
	d, err := file.Asked(ctx, r)
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
	d.File = shownAs(path)
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

func (l *local) stats(ctx context.Context, of survey, visit func(json.RawMessage) error) error {
	file, err := l.file(ctx, of.file)
	if err != nil {
		return err
	}
	d, err := file.Dataset(ctx, of.dataset)
	if err != nil {
		return err
	}
	answer := func(v any) error {
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		return visit(text)
	}
	all, err := flight.Survey(ctx, d, of.fields, of.chunks, answer)
	if err != nil {
		return err
	}
	all.File, all.Dataset = shownAs(of.file), of.dataset
	return answer(all)
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
	}{shownAs(r.File), r.Target(), x})
}

func (l *local) open(ctx context.Context, r reader.Request) (*stream, error) {
	plan, err := l.plan(ctx, r)
	if err != nil {
		return nil, err
	}
	return &stream{RecordReader: plan.Run(ctx), rows: plan.Rows()}, nil
}

// shownAs is what a file is called in answers: its path, or the address of its object without what may be a secret.
func shownAs(file string) string {
	if at, err := reader.At(file); err == nil && at.Store != nil {
		return at.Name
	}
	return spell.Escape(find.OnDisk(file))
}

func noFile(path string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fault.New(fault.NotFound, "%s: no such file: check the path (a server's location starts with grpc://)", spell.Escape(path))
	}
	return fault.New(fault.Denied, "%w", err)
}
