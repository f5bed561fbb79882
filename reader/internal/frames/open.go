package frames

import (
	"context"
	"fmt"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// Frame is a frame with its parts, which go together. Safe for concurrent use.
type Frame struct {
	*frame.Frame
	Parts map[string]Dataset // by path
	Rows  int64
	Large bool // its labels are too large to cache it
}

// Passes tells whether what is known of the frame is not to be kept.
func (f *Frame) Passes() bool {
	for _, part := range f.Parts {
		if part.Passes() {
			return true
		}
	}
	return f.Large
}

// Dataset is one of the datasets that frames consist of.
type Dataset interface {
	Rows() int64
	Source() convert.Source
	// Unsupported is why it cannot be read, nil if it can.
	Unsupported() error
	// Passes tells whether what is known of it is not to be kept.
	Passes() bool
	// Column is all rows of one column: a member of a table, "" for an array.
	Column(ctx context.Context, member string) (Column, error)
}

// Column is a read of a column.
type Column interface {
	Schema() *arrow.Schema
	Bytes() int64 // of Arrow, about; -1: unknown
	// Each uses its records, each during the call, until use has enough.
	Each(ctx context.Context, use func(arrow.Record) (more bool)) error
}

// File is the file that frames are in, as opening them sees it.
type File struct {
	Group    func(ctx context.Context, path string) (meta.Group, error)
	Describe func(ctx context.Context, path string) (meta.Dataset, error)
	Open     func(ctx context.Context, m meta.Dataset, path string) Dataset
	Keep     func(ctx context.Context, path string, codes []int32) Dataset // of no file
	Budget   *bufpool.Budget                                               // of what frames take
}

// Open opens the frame in the group at a path. Errors are fault.Unsupported where it cannot be served, fault.DataLoss,
// and such that the next call may not have.
func Open(ctx context.Context, of File, path string) (*Frame, error) {
	parts := &parts{ctx: ctx, of: of, nodes: map[string]*meta.Dataset{}, opened: map[string]Dataset{}}
	desc, err := frame.Open(parts, path, parts)
	if err != nil {
		return nil, err
	}
	f := &Frame{Frame: desc, Parts: parts.opened, Large: parts.labels > keptLabels}
	return f, f.check(parts, fault.Unsupported)
}

// OpenColumns opens a table of columns: of a group, or (named) those that a request names, which all have to be there and be of one
// length. The columns of a dataset that is a table are columns each. Errors: as Open's, fault.Invalid and fault.NotFound of what is named.
func OpenColumns(ctx context.Context, of File, desc *frame.Frame, named bool) (*Frame, error) {
	parts := &parts{ctx: ctx, of: of, nodes: map[string]*meta.Dataset{}, opened: map[string]Dataset{}}
	if named {
		if err := parts.check(desc.Columns); err != nil {
			return nil, err
		}
	}
	desc.Columns = parts.expand(desc.Columns)
	if err := desc.Distinct(); err != nil {
		return nil, err
	}
	f := &Frame{Frame: desc, Parts: parts.opened}
	if named {
		return f, f.check(parts, fault.Invalid)
	}
	return f, f.check(parts, fault.Unsupported)
}

// check makes sure that all datasets are there and have rows.
func (p *parts) check(columns []frame.Column) error {
	for _, c := range columns {
		m, err := p.of.Describe(p.ctx, c.Path)
		if err != nil {
			return err
		}
		if m.OtherFile != "" {
			return fault.New(fault.Unsupported, "%s is in another file: ask the raw nodes", c.Path)
		}
		if m.Err == "" && (m.Space != meta.Simple || len(m.Shape) == 0) {
			return fault.New(fault.Invalid, "datasets: %s has no rows: it is a single value", c.Path)
		}
	}
	return nil
}

// expand makes columns of a table's: NAME/MEMBER.
func (p *parts) expand(columns []frame.Column) (out []frame.Column) {
	for _, c := range columns {
		d, err := p.dataset(c.Path)
		if c.Reason != "" || err != nil || d.Source().Kind() != convert.Table {
			out = append(out, c)
			continue
		}
		for _, m := range d.Source().Top() {
			member := c
			member.Name, member.Member = c.Name+"/"+m, m
			out = append(out, member)
		}
	}
	return out
}

// Served names the columns that can be had.
func (f *Frame) Served() []string {
	var out []string
	for _, c := range f.Columns {
		if c.Reason == "" {
			out = append(out, c.Name)
		}
	}
	return out
}

// check opens every part and makes sure that they go together: else the error is of the kind unlike. What is wrong with a part is its
// columns' reason.
func (f *Frame) check(parts *parts, unlike error) error {
	f.Rows = -1
	served, kind := false, fault.Unsupported
	for i := range f.Columns {
		c := &f.Columns[i]
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
			if c.Member == "" && part.Source().Kind() == convert.Table {
				c.Reason = fmt.Sprintf(hasMembers, path)
				continue
			}
			rows := part.Rows()
			if f.Empty {
				rows = 0
			}
			if f.Rows >= 0 && f.Rows != rows {
				return fault.New(unlike, "its columns differ in length: %s has %d rows, others have %d: ask the raw nodes below it", path, rows, f.Rows)
			}
			f.Rows = rows
		}
		served = served || c.Reason == ""
	}
	if !served {
		return fault.New(kind, "no column of it is served: %s: %s", f.Columns[0].Name, f.Columns[0].Reason)
	}
	return nil
}
