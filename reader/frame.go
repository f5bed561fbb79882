package reader

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// A frame is a Dataset that is a group: a table of pandas or AnnData whose columns lie in several raw datasets (parts).
// It has no type, shape or storage of its own; its plans and runs are made of those of its parts.

// framed opens the frame in the group at a path; nil if there is none.
func (f *File) framed(ctx context.Context, path string) (*Dataset, error) {
	g, err := f.objects.Group(ctx, path)
	if fault.Of(err) == fault.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, f.failed(err)
	}
	format, err := frame.Format(g.Attrs)
	if err != nil {
		return nil, fault.New(fault.DataLoss, "%s %s: %w", f.loc.Name, path, err)
	}
	if format == "" {
		return nil, nil
	}
	d := &Dataset{file: f, asked: path}
	d.info = unknown(path, attributes(g.Attrs))
	d.attributes = schemaAttributes(g.Attrs, d.info.Attributes)
	d.info.Type, d.info.Layout, d.info.Comment = format, "frame", g.Comment
	if err := d.openFrame(ctx); err != nil {
		kind := fault.Of(err)
		if kind == nil || kind == fault.Exhausted || kind == fault.Unavailable || kind == fault.Changed {
			return nil, err
		}
		if kind != fault.DataLoss {
			kind = fault.Unsupported
		}
		d.unsupported = d.failed(fault.New(kind, "%w", err))
		d.info.Reason, d.info.Kind = err.Error(), "unsupported"
	}
	return d, nil
}

func (d *Dataset) openFrame(ctx context.Context) error {
	parts := &frameParts{ctx: ctx, file: d.file, nodes: map[string]*meta.Dataset{}, opened: map[string]*Dataset{}}
	desc, err := frame.Open(parts, d.asked, parts)
	if err != nil {
		return err
	}
	d.frame = &framed{Frame: desc, parts: parts.opened, large: parts.labels > keptLabels}
	if err := d.checkParts(parts); err != nil {
		return err
	}
	parts.ctx = nil
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
	served, kind := false, fault.Unsupported
	for i := range d.frame.Columns {
		c := &d.frame.Columns[i]
		for _, path := range []string{c.Path, c.Mask} {
			if path == "" || c.Reason != "" {
				continue
			}
			part, err := parts.dataset(path)
			if err != nil {
				if c.Reason = err.Error(); fault.Of(err) == fault.DataLoss {
					kind = fault.DataLoss
				}
				continue
			}
			if c.Member == "" && part.source.Kind() == convert.Table {
				c.Reason = fmt.Sprintf(hasMembers, path)
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
		return fault.New(kind, "no column of it is served: %s: %s", d.frame.Columns[0].Name, d.frame.Columns[0].Reason)
	}
	return nil
}

const hasMembers = "its rows have members: ask the raw node %s"

// frameParts gives the raw datasets of a frame while it is opened.
type frameParts struct {
	ctx    context.Context
	file   *File
	nodes  map[string]*meta.Dataset // looked for so far; nil: not there
	opened map[string]*Dataset
	labels int64 // bytes read so far
}

// Group is part of frame.Nodes.
func (p *frameParts) Group(path string) (*meta.Group, error) {
	g, err := p.file.objects.Group(p.ctx, path)
	if fault.Of(err) == fault.NotFound {
		return nil, nil
	}
	return &g, err
}

// Dataset is part of frame.Nodes.
func (p *frameParts) Dataset(path string) (*meta.Dataset, error) {
	if m, known := p.nodes[path]; known || path == "" {
		return m, nil
	}
	m, err := p.file.describe(p.ctx, path)
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

func (p *frameParts) dataset(path string) (*Dataset, error) {
	d := p.opened[path]
	if d == nil {
		m, err := p.Dataset(path)
		if err != nil {
			return nil, err
		}
		if m == nil {
			return nil, fault.New(fault.Unsupported, "%s is missing", path)
		}
		d = p.file.listed(path, func() *Dataset { return newDataset(p.ctx, p.file, *m, path) })
		p.opened[path] = d
	}
	return d, d.unsupported
}

// plan is for one raw column: a member of a table, "" for an array.
func (p *frameParts) plan(path, member string) (*Plan, error) {
	d, err := p.dataset(path)
	if err != nil {
		return nil, err
	}
	if member == "" && d.source.Kind() == convert.Table {
		return nil, fault.New(fault.Unsupported, hasMembers, path)
	}
	return d.Plan(p.ctx, Request{Fields: memberOf(member)})
}

// Type is part of frame.Source.
func (p *frameParts) Type(path, member string) (arrow.DataType, error) {
	plan, err := p.plan(path, member)
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
	plan, err := p.plan(path, member)
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
	tree, err := f.listing(ctx)
	if err != nil {
		return nil, err
	}
	out := []Info{}
	for _, g := range tree.Groups {
		if format, err := frame.Format(g.Attrs); format == "" && err == nil {
			continue
		}
		d, err := f.Dataset(ctx, g.Path)
		switch kind := fault.Of(err); {
		case kind == fault.DataLoss || kind == fault.Unsupported: // whether it is one cannot be told: the others can
			out = append(out, Info{Path: g.Path, Kind: "unsupported", Reason: err.Error(), Filters: []string{}, Attributes: attributes(g.Attrs)})
		case err != nil:
			return nil, err
		default:
			out = append(out, d.info)
		}
	}
	return out, nil
}
