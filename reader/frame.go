package reader

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/frame"
)

// A frame is a Dataset that is a group: a table of pandas or AnnData whose columns lie in several raw datasets (parts).
// It has no type, shape or storage of its own; its plans and runs are made of those of its parts.

// framed opens the frame in the group at a path; nil if there is none.
func (f *File) framed(ctx context.Context, path string) (*Dataset, error) {
	n, err := f.allNodes(ctx)
	if err != nil {
		return nil, err
	}
	g := n.Groups[path]
	if g == nil || frame.Format(g.Attrs) == "" {
		return nil, nil
	}
	d := &Dataset{file: f, asked: path}
	d.info = unknown(path, attributes(g.Attrs))
	d.info.Type, d.info.Layout = frame.Format(g.Attrs), "frame"
	if err := d.openFrame(ctx, n); err != nil {
		kind := fault.Of(err)
		if kind == nil || kind == fault.Exhausted || kind == fault.Unavailable || kind == fault.Changed {
			return nil, err
		}
		d.unsupported = d.failed(fault.New(fault.Unsupported, "%w", err))
		d.info.Reason, d.info.Kind = err.Error(), "unsupported"
	}
	return d, nil
}

// allNodes is the file's tree by path, made once.
func (f *File) allNodes(ctx context.Context) (*frame.Nodes, error) {
	tree, err := f.listing(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.nodes == nil {
		f.nodes = frame.NewNodes(tree)
	}
	return f.nodes, nil
}

func (d *Dataset) openFrame(ctx context.Context, n *frame.Nodes) error {
	parts := &frameParts{ctx: ctx, file: d.file, nodes: n, opened: map[string]*Dataset{}}
	desc, err := frame.Open(n, d.asked, parts)
	if err != nil {
		return err
	}
	parts.ctx = nil
	d.frame = &framed{Frame: desc, parts: parts.opened, large: parts.labels > keptLabels}
	if err := d.checkParts(parts); err != nil {
		return err
	}
	d.info.Kind = "table"
	p, err := d.planFrame(ctx, Request{Fields: d.frame.served()})
	if err != nil {
		return err
	}
	d.info.Bytes = Count(p.Bytes())
	d.info.Schema = p.schema
	return nil
}

// framed is what a Dataset that is a frame has instead of a type.
type framed struct {
	*frame.Frame
	parts map[string]*Dataset // by path
	large bool                // its labels are too large to keep it
}

// served names the columns that can be had; nil: all.
func (f *framed) served() []string {
	var out []string
	for _, c := range f.Columns {
		if c.Reason == "" {
			out = append(out, c.Name)
		}
	}
	return out
}

// checkParts opens every part and makes sure that they go together. What is wrong with a part is its columns' reason.
func (d *Dataset) checkParts(parts *frameParts) error {
	d.info.Rows = Unknown
	served := false
	for i := range d.frame.Columns {
		c := &d.frame.Columns[i]
		for _, path := range []string{c.Path, c.Mask} {
			if path == "" || c.Reason != "" {
				continue
			}
			part, err := parts.dataset(path)
			if err != nil {
				c.Reason = err.Error()
				continue
			}
			rows := part.info.Rows
			if d.frame.Empty {
				rows = 0
			}
			if d.info.Rows >= 0 && d.info.Rows != rows {
				return fault.New(fault.Unsupported, "its columns differ in length: %s has %d rows, others have %d: ask the raw nodes below it", path, rows, d.info.Rows)
			}
			d.info.Rows = rows
		}
		served = served || c.Reason == ""
	}
	if !served {
		return fault.New(fault.Unsupported, "no column of it is served: %s: %s", d.frame.Columns[0].Name, d.frame.Columns[0].Reason)
	}
	return nil
}

// frameParts gives the raw datasets of a frame while it is opened.
type frameParts struct {
	ctx    context.Context
	file   *File
	nodes  *frame.Nodes
	opened map[string]*Dataset
	labels int64 // bytes read so far
}

func (p *frameParts) dataset(path string) (*Dataset, error) {
	d := p.opened[path]
	if d == nil {
		m := p.nodes.Datasets[path]
		if m == nil {
			return nil, fault.New(fault.Unsupported, "%s is missing", path)
		}
		d = p.file.listed(path, func() *Dataset { return newDataset(p.ctx, p.file, *m, path) })
		p.opened[path] = d
	}
	return d, d.unsupported
}

// Type is part of frame.Source.
func (p *frameParts) Type(path, member string) (arrow.DataType, error) {
	d, err := p.dataset(path)
	if err != nil {
		return nil, err
	}
	plan, err := d.Plan(p.ctx, Request{Fields: memberOf(member)})
	if err != nil {
		return nil, err
	}
	return plan.schema.Field(0).Type, nil
}

func memberOf(member string) []string {
	if member == "" {
		return nil
	}
	return []string{member}
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
func (p *frameParts) Values(path, member string) (arrow.Array, error) {
	d, err := p.dataset(path)
	if err != nil {
		return nil, err
	}
	plan, err := d.Plan(p.ctx, Request{Fields: memberOf(member)})
	if err != nil {
		return nil, err
	}
	if n := plan.Bytes(); n < 0 || n > maxLabels-p.labels {
		return nil, tooManyLabels(path)
	}
	return p.whole(plan.Run(p.ctx), path)
}

// whole is the first column of a run, which it releases, in Go's heap.
func (p *frameParts) whole(run *Run, path string) (arrow.Array, error) {
	defer run.Release()
	var parts []arrow.Array
	defer func() {
		for _, a := range parts {
			a.Release()
		}
	}()
	for run.Next() {
		a := run.Record().Column(0)
		a.Retain()
		parts = append(parts, a)
		for _, b := range a.Data().Buffers() { // texts of any length are known only now
			if b != nil {
				p.labels += int64(b.Len())
			}
		}
		if p.labels > maxLabels {
			return nil, tooManyLabels(path)
		}
	}
	if run.Err() != nil {
		return nil, run.Err()
	}
	if len(parts) == 0 {
		return array.MakeArrayOfNull(memory.DefaultAllocator, run.Schema().Field(0).Type, 0), nil
	}
	return array.Concatenate(parts, memory.DefaultAllocator)
}

// Frames describes the file's frames, in the order of its groups.
func (f *File) Frames(ctx context.Context) ([]Info, error) {
	n, err := f.allNodes(ctx)
	if err != nil {
		return nil, err
	}
	tree, err := f.listing(ctx)
	if err != nil {
		return nil, err
	}
	out := []Info{}
	for _, g := range tree.Groups {
		if frame.Format(n.Groups[g.Path].Attrs) == "" {
			continue
		}
		d, err := f.Dataset(ctx, g.Path)
		if err != nil {
			return nil, err
		}
		out = append(out, d.info)
	}
	return out, nil
}
