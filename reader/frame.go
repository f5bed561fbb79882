package reader

import (
	"context"
	"encoding/binary"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/chunkindex"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/frames"
	"github.com/mtflight/mtflight/reader/internal/meta"
	"github.com/mtflight/mtflight/reader/internal/sparse"
)

// A frame is a Dataset that is a group: a table of pandas or AnnData whose columns lie in several raw datasets (parts).
// It has no type, shape or storage of its own; its plans and runs are made of those of its parts.

// framed opens the frame, or sparse matrix, in the group at a path; nil if there is none.
func (f *File) framed(ctx context.Context, path string) (*Dataset, error) {
	g, err := f.objects.Group(ctx, path)
	if fault.Of(err) == fault.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, f.failed(err)
	}
	format, err := formatOf(g.Attrs)
	if err != nil {
		return nil, fault.New(fault.DataLoss, "%s %s: %w", f.loc.Name, path, err)
	}
	if format == "" {
		return nil, nil
	}
	d := &Dataset{file: f, asked: path}
	d.info = unknown(path, g.Attrs.JSON())
	d.attributes = g.Attrs.SchemaJSON(d.info.Attributes)
	d.info.Type, d.info.Layout, d.info.Comment = format, "frame", g.Comment
	if err := d.openGroup(ctx, g.Attrs); err != nil {
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

// formatOf tells what a group is that can be asked for like a dataset, by its attributes: "" for any other.
func formatOf(attrs meta.Attrs) (string, error) {
	format, err := frame.Format(attrs)
	if format != "" || err != nil {
		return format, err
	}
	if format, err = sparse.Format(attrs); format != "" {
		format += "_matrix"
	}
	return format, err
}

// openGroup opens what the group is.
func (d *Dataset) openGroup(ctx context.Context, attrs meta.Attrs) error {
	if format, _ := frame.Format(attrs); format != "" {
		return d.openFrame(ctx)
	}
	d.info.Layout = "sparse"
	m, err := sparse.Read(attrs)
	if err != nil {
		return err
	}
	return d.openMatrix(ctx, m)
}

func (d *Dataset) openFrame(ctx context.Context) (err error) {
	d.info.Rows = Unknown
	d.frame, err = frames.Open(ctx, d.file.forFrames(), d.asked)
	if d.frame != nil {
		d.info.Rows = Count(d.frame.Rows)
	}
	if err != nil {
		return err
	}
	d.info.Kind = "table"
	p, err := d.planFrame(ctx, Request{Fields: d.frame.Served()})
	if err != nil {
		return err
	}
	d.info.Bytes = Count(p.Bytes())
	d.info.Schema = p.schema
	return nil
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
	data := make([]byte, 0, 4*len(codes))
	for _, c := range codes {
		data = binary.LittleEndian.AppendUint32(data, uint32(c))
	}
	d := &Dataset{file: f, asked: path, meta: meta.Dataset{Path: path, Shape: []uint64{uint64(len(codes))}},
		object: &chunkindex.Object{Type: int32Message, Layout: chunkindex.Layout{Class: chunkindex.Compact, Data: data}}}
	d.info = unknown(path, nil)
	d.settle(d.understand(ctx))
	return rawPart{d}
}

// Frames describes the file's frames and sparse matrices, in the order of its groups.
func (f *File) Frames(ctx context.Context) ([]Info, error) {
	tree, err := f.listing(ctx)
	if err != nil {
		return nil, err
	}
	out := []Info{}
	for _, g := range tree.Groups {
		if format, err := formatOf(g.Attrs); format == "" && err == nil {
			continue
		}
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
