package reader

import (
	"cmp"
	"context"
	"encoding/binary"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/columns"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/frames"
	"github.com/mtflight/mtflight/reader/internal/listing"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/sparse"
	"github.com/mtflight/mtflight/reader/internal/vds"
)

// A frame is a Dataset that is a group: a table of pandas or AnnData, or one of columns, which lie in several raw datasets (parts).
// It has no type, shape or storage of its own; its plans and runs are made of those of its parts.

// framed opens the frame, sparse matrix or table of columns in the group at a path; nil if there is none.
func (f *File) framed(ctx context.Context, path string) (*Dataset, error) {
	g, err := f.objects.Group(ctx, path)
	if fault.Of(err) == fault.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, f.failed(err)
	}
	format, err := sparse.FormatOf(g.Attrs)
	if format == "" && err == nil {
		return f.columned(ctx, path, g)
	}
	if err != nil {
		return nil, fault.New(fault.DataLoss, "%s %s: %w", f.loc.Name, path, err)
	}
	return f.grouped(path, format, "frame", g, func(d *Dataset) error { return d.openGroup(ctx, g.Attrs) })
}

// columned opens the table of columns in a group; nil if there is none.
func (f *File) columned(ctx context.Context, path string, g meta.Group) (*Dataset, error) {
	path = cmp.Or(strings.TrimRight(path, "/"), "/")
	tree, err := f.columns(ctx)
	if err != nil {
		return nil, err
	}
	table, left, err := columns.In(tree, path)
	if table == nil || err != nil {
		return nil, f.failed(err)
	}
	g.Comment = cmp.Or(g.Comment, columns.Left(left))
	return f.grouped(path, table.Format, "columns", g, func(d *Dataset) error {
		return d.openFrame(ctx, "columns", func() (*frames.Frame, error) { return frames.OpenColumns(ctx, f.forFrames(), table, false) })
	})
}

// columns is the file as tables of columns are found in it.
func (f *File) columns(ctx context.Context) (columns.Tree, error) {
	tree, err := f.listing(ctx)
	return columns.Tree{File: tree, Apart: func(a meta.Attrs) bool { format, err := sparse.FormatOf(a); return format != "" || err != nil }, Hidden: Hidden}, err
}

// SideBySide opens datasets of one length, given by their absolute paths, as a table of columns. Errors: as Dataset's, ErrInvalid.
func (f *File) SideBySide(ctx context.Context, paths []string) (*Dataset, error) {
	spelled := make([]string, len(paths))
	for i, p := range paths {
		spelled[i] = spell.Escape(spell.Unescape(p))
	}
	return settled(ctx, f, func(f *File) (*Dataset, error) {
		table, err := columns.Named(spelled)
		if err != nil {
			return nil, f.failed(err)
		}
		opened, err := frames.OpenColumns(ctx, f.forFrames(), table, true)
		if kind := fault.Of(err); kind == fault.NotFound || kind == fault.Invalid {
			return nil, f.failed(err)
		}
		return f.grouped(columns.Asked(spelled), table.Format, "columns", meta.Group{}, func(d *Dataset) error {
			return d.openFrame(ctx, "columns", func() (*frames.Frame, error) { return opened, err })
		})
	})
}

// Asked opens what a request is for.
func (f *File) Asked(ctx context.Context, r Request) (*Dataset, error) {
	if r.Datasets != nil {
		return f.SideBySide(ctx, r.Datasets)
	}
	return f.Dataset(ctx, r.Dataset)
}

// grouped is the dataset that a group is, as open finds it. What is wrong with it becomes the reason why it is not served.
func (f *File) grouped(path, format, layout string, g meta.Group, open func(d *Dataset) error) (*Dataset, error) {
	d := &Dataset{file: f, asked: path}
	d.info = listing.Unknown(path, g.Attrs.JSON())
	d.attributes = g.Attrs.SchemaJSON(d.info.Attributes)
	d.info.Type, d.info.Layout, d.info.Comment = format, layout, g.Comment
	if err := open(d); err != nil {
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

// openGroup opens what the group is.
func (d *Dataset) openGroup(ctx context.Context, attrs meta.Attrs) error {
	if format, _ := frame.Format(attrs); format != "" {
		return d.openFrame(ctx, "table", func() (*frames.Frame, error) { return frames.Open(ctx, d.file.forFrames(), d.asked) })
	}
	d.info.Layout = "sparse"
	m, err := sparse.Read(attrs)
	if err != nil {
		return err
	}
	return d.openMatrix(ctx, m)
}

func (d *Dataset) openFrame(ctx context.Context, kind string, open func() (*frames.Frame, error)) (err error) {
	d.info.Rows = Unknown
	if d.frame, err = open(); d.frame != nil {
		d.info.Rows = Count(d.frame.Rows)
	}
	if err != nil {
		return err
	}
	d.info.Kind = kind
	p, err := d.planFrame(ctx, Request{Fields: d.frame.Served()})
	if err != nil {
		return err
	}
	d.info.Bytes = Count(p.Bytes())
	d.info.Schema = p.schema
	return nil
}

// passes tells whether what was learned of a dataset may soon be something else, or is too large to be kept.
func (d *Dataset) passes() bool {
	return fault.Of(d.unsupported) == fault.Unavailable || vds.Grow(d.mappings) || d.frame != nil && (d.file.live || d.frame.Passes())
}

// forFrames is the file as frames see it.
func (f *File) forFrames() frames.File {
	return frames.File{Group: f.objects.Group, Describe: f.describe, Budget: f.eng.frames, Keep: f.keep,
		Open: func(ctx context.Context, m meta.Dataset, path string) frames.Dataset {
			return rawPart{f.listed(ctx, m, path)}
		}}
}

// rawPart is a dataset as frames see it.
type rawPart struct{ ds *Dataset }

func (r rawPart) Rows() int64            { return int64(r.ds.info.Rows) }
func (r rawPart) Source() convert.Source { return r.ds.source }
func (r rawPart) Unsupported() error     { return r.ds.unsupported }
func (r rawPart) Passes() bool           { return r.ds.passes() }

func (r rawPart) Column(ctx context.Context, member string) (frames.Column, error) {
	request := Request{}
	if member != "" {
		request.Fields = []string{member}
	}
	p, err := r.ds.Plan(ctx, request)
	if err != nil {
		return nil, err
	}
	return planned{p}, nil
}

// planned is a plan whose records are used one by one.
type planned struct{ *Plan }

func (p planned) Each(ctx context.Context, use func(arrow.Record) (more bool)) error {
	run := p.Run(ctx)
	defer run.Release()
	for run.Next() {
		if !use(run.Record()) {
			return nil
		}
	}
	return run.Err()
}

// int32Message is the datatype message of little-endian int32 (IV.A.2.d).
var int32Message = []byte{0x10, 0x08, 0, 0, 4, 0, 0, 0, 0, 0, 32, 0}

// keep is a compact dataset of no file.
func (f *File) keep(ctx context.Context, path string, codes []int32) frames.Dataset {
	data, _ := binary.Append(nil, binary.LittleEndian, codes) // integers always have a form
	d := &Dataset{file: f, asked: path, meta: meta.Dataset{Path: path, Shape: []uint64{uint64(len(codes))}},
		object: &chunkindex.Object{Type: int32Message, Layout: chunkindex.Layout{Class: chunkindex.Compact, Data: data}}}
	d.info = listing.Unknown(path, nil)
	d.settle(d.understand(ctx))
	return rawPart{d}
}

// Frames describes the file's frames and sparse matrices, in the order of its groups.
func (f *File) Frames(ctx context.Context) ([]Info, error) { return f.groups(ctx, columns.Tree.Others) }

// Columns describes the file's tables of columns, in the order of its groups.
func (f *File) Columns(ctx context.Context) ([]Info, error) { return f.groups(ctx, columns.Groups) }

// groups describes groups that can be asked for.
func (f *File) groups(ctx context.Context, find func(columns.Tree) []meta.Group) ([]Info, error) {
	tree, err := f.columns(ctx)
	if err != nil {
		return nil, err
	}
	out := []Info{}
	for _, g := range find(tree) {
		d, err := f.Dataset(ctx, g.Path)
		switch kind := fault.Of(err); {
		case kind == fault.DataLoss || kind == fault.Unsupported: // whether it is one cannot be told: the others can
			out = append(out, Info{Path: g.Path, Kind: "unsupported", Reason: err.Error(), Filters: []string{}, Attributes: g.Attrs.JSON()})
		case err != nil:
			return nil, err
		default:
			out = append(out, d.info)
		}
	}
	return out, nil
}
