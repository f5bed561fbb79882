package frames

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

const hasMembers = "its rows have members: ask the raw node %s"

// parts gives the raw datasets of a frame while it is opened.
type parts struct {
	ctx    context.Context
	of     File
	nodes  map[string]*meta.Dataset // looked for so far; nil: not there
	opened map[string]Dataset
	labels int64 // bytes read so far
}

// Group is part of frame.Nodes.
func (p *parts) Group(path string) (*meta.Group, error) {
	g, err := p.of.Group(p.ctx, path)
	if fault.Of(err) == fault.NotFound {
		return nil, nil
	}
	return &g, err
}

// Dataset is part of frame.Nodes.
func (p *parts) Dataset(path string) (*meta.Dataset, error) {
	if m, known := p.nodes[path]; known || path == "" {
		return m, nil
	}
	m, err := p.of.Describe(p.ctx, path)
	switch {
	case fault.Of(err) == fault.NotFound:
		p.nodes[path] = nil
	case err != nil:
		return nil, fault.New(fault.Of(err), "%s: %w", path, err)
	case m.OtherFile != "":
		return nil, fault.New(fault.Unsupported, "%s is in another file: ask the raw nodes", path)
	default:
		p.nodes[path] = &m
	}
	return p.nodes[path], nil
}

func (p *parts) dataset(path string) (Dataset, error) {
	d := p.opened[path]
	if d == nil {
		m, err := p.Dataset(path)
		if err != nil {
			return nil, err
		}
		if m == nil {
			return nil, fault.New(fault.Unsupported, "%s is missing", path)
		}
		d = p.of.Open(p.ctx, *m, path)
		p.opened[path] = d
	}
	return d, d.Unsupported()
}

// column is one raw column: a member of a table, "" for an array.
func (p *parts) column(path, member string) (Column, error) {
	d, err := p.dataset(path)
	if err != nil {
		return nil, err
	}
	if member == "" && d.Source().Kind() == convert.Table {
		return nil, fault.New(fault.Unsupported, hasMembers, path)
	}
	return d.Column(p.ctx, member)
}

// Type is part of frame.Source.
func (p *parts) Type(path, member string) (arrow.DataType, error) {
	column, err := p.column(path, member)
	if err != nil {
		return nil, err
	}
	return column.Schema().Field(0).Type, nil
}

// Bounds on what is read to know what a frame is, labels and categories, in bytes.
const (
	maxLabels  = 64 << 20 // of one frame
	keptLabels = 1 << 20  // of a frame that is kept for the next request
)

func tooManyLabels(path string) error {
	return fault.New(fault.Unsupported, "%s: labels and categories of over %d MiB: ask the raw nodes", path, maxLabels>>20)
}

// Values is part of frame.Source.
func (p *parts) Values(path, member string) (arrow.Array, error) {
	column, err := p.column(path, member)
	if err != nil {
		return nil, err
	}
	if n := column.Bytes(); n < 0 || n > maxLabels-p.labels {
		return nil, tooManyLabels(path)
	}
	return p.whole(column, path)
}

// whole is the first column of what is read, in Go's heap.
func (p *parts) whole(column Column, path string) (arrow.Array, error) {
	var parts []arrow.Array
	defer func() {
		for _, a := range parts {
			a.Release()
		}
	}()
	err := column.Each(p.ctx, func(r arrow.Record) bool {
		a := r.Column(0)
		a.Retain()
		parts = append(parts, a)
		for _, b := range a.Data().Buffers() { // texts of any length are known only now
			if b != nil {
				p.labels += int64(b.Len())
			}
		}
		return p.labels <= maxLabels
	})
	switch {
	case err != nil:
		return nil, err
	case p.labels > maxLabels:
		return nil, tooManyLabels(path)
	}
	if len(parts) == 0 {
		return array.MakeArrayOfNull(memory.DefaultAllocator, column.Schema().Field(0).Type, 0), nil
	}
	return array.Concatenate(parts, memory.DefaultAllocator)
}

// Texts that pandas pickles in one piece are read when the frame is opened and kept as codes and distinct values.

// maxPickled bounds a pickled array in bytes.
const maxPickled = 16 << 20

// Unpickled is part of frame.Source. What is read takes many times the pickle's size meanwhile, which the frames'
// budget has room for.
func (p *parts) Unpickled(path string, use func(v any) error) error {
	a, err := p.Values(path, "")
	if err != nil {
		return err
	}
	b, ok := a.(*array.Binary)
	if !ok || b.Len() != 1 {
		return fault.New(fault.Unsupported, "%s is not one pickled array: ask the raw node", path)
	}
	if n := len(b.Value(0)); n > maxPickled {
		return fault.New(fault.Unsupported, "%s: %d bytes are pickled in one piece, at most %d MiB are read: ask the raw node, or write it with format=\"table\"", path, n, maxPickled>>20)
	}
	budget := p.of.Budget
	held := min(int64(len(b.Value(0)))*frame.Unpickled, budget.Limit())
	if err := budget.Acquire(p.ctx, held); err != nil {
		return err
	}
	defer budget.Return(held)
	v, err := frame.Unpickle(b.Value(0))
	if err != nil {
		return fault.New(fault.Unsupported, "%s: %w: ask the raw node", path, err)
	}
	return use(v)
}

// Keep is part of frame.Source.
func (p *parts) Keep(path string, codes []int32) {
	p.labels += 4 * int64(len(codes))
	p.opened[path] = p.of.Keep(p.ctx, path, codes)
}
