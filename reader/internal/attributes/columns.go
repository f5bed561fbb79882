package attributes

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/objects"
)

// Record is one row with a column per attribute, of the types that a dataset's row of the same type and dataspace has; a null
// dataspace is null. Memory comes from mem, and is the caller's to release before Close. Errors name object and attribute:
// ErrDataLoss, ErrUnsupported, ErrPrecondition for texts that are no UTF-8; ErrExhausted, ctx's.
func (a *Set) Record(ctx context.Context, mem memory.Allocator) (arrow.Record, error) {
	if a.rest != nil {
		return nil, fault.New(fault.DataLoss, "%s %s: attributes: %w", a.of.Name, a.path, a.rest)
	}
	fields, columns := []arrow.Field{}, []arrow.Array{}
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for _, name := range a.names {
		f, c, err := a.column(ctx, mem, name)
		if fault.Of(err) == fault.Precondition {
			err = fault.New(fault.Precondition, "it is not UTF-8: ask for it as JSON, which has its bytes")
		}
		if kind := fault.Of(err); kind != nil && kind != fault.Exhausted {
			return nil, a.failed(kind, name, err)
		}
		if err != nil {
			return nil, err
		}
		fields, columns = append(fields, f), append(columns, c)
	}
	return array.NewRecord(arrow.NewSchema(fields, nil), columns, 1), nil
}

// column is one attribute in Arrow. What it holds of the budget is given back by Close.
func (a *Set) column(ctx context.Context, mem memory.Allocator, name string) (f arrow.Field, c arrow.Array, err error) {
	var raw objects.Raw
	var pointed int64
	err = a.sized(ctx, func(limit int) (err error) {
		if raw, err = a.object.Raw(name, limit); err == nil && raw.Type.HasVarLen() {
			text, unread := a.object.JSON(name, limit) // bounds what elements point at
			pointed, err = 8*int64(len(text)), unread  // "0," stands for eight bytes at most
		}
		return err
	})
	if err != nil {
		return f, nil, err
	}
	p, err := a.program(name, raw)
	if err != nil {
		return f, nil, err
	}
	a.left -= len(raw.Data)
	if err := a.acquire(ctx, 2*(p.BatchBytes(1)+pointed)+int64(len(raw.Data))); err != nil { // as columns, and as a stream of them
		return f, nil, err
	}
	f = p.Schema(arrow.Metadata{}).Field(0)
	if raw.Space.Kind == h5file.Null {
		return f, array.MakeArrayOfNull(mem, f.Type, 1), nil
	}
	c, err = a.filled(ctx, mem, p, raw)
	return f, c, err
}

// program converts an attribute's value. It is the member of a compound of it alone, so that compounds are structs.
func (a *Set) program(name string, raw objects.Raw) (*convert.Program, error) {
	row := &h5type.Type{Class: h5type.Compound, Size: raw.Type.Size, Members: []h5type.Member{{Name: name, Type: raw.Type}}}
	dims := make([]int, len(raw.Space.Dims))
	for i, n := range raw.Space.Dims {
		dims[i] = int(n)
	}
	return convert.Compile(convert.Source{Name: name, Type: row, Inner: dims, OffsetSize: a.of.OffsetSize}, nil, convert.Options{})
}

func (a *Set) filled(ctx context.Context, mem memory.Allocator, p *convert.Program, raw objects.Raw) (arrow.Array, error) {
	b := p.NewBatch(mem, 1, a.of.Resolver(ctx), 0)
	defer b.Release()
	n := len(raw.Data) / raw.Type.Size
	if err := b.Put(0, 1, convert.Elems{Data: raw.Data, N: n, Size: raw.Type.Size}, 0, 1, n); err != nil {
		return nil, err
	}
	r, err := b.Record()
	if err != nil {
		return nil, err
	}
	defer r.Release()
	c := r.Column(0)
	c.Retain()
	return c, nil
}
