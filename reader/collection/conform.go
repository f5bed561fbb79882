package collection

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
)

func withMetadata(s *arrow.Schema, m arrow.Metadata) *arrow.Schema {
	return arrow.NewSchema(s.Fields(), &m)
}

// conform makes a file's record one of the collection: the same buffers where the types are. The caller releases it.
func (s *set) conform(ctx context.Context, mem *bufpool.Memory, r arrow.Record, of member) (arrow.Record, error) {
	lease, err := mem.Lease(ctx, r.NumRows()*s.madeBytes(of.variant))
	if err != nil {
		return nil, err
	}
	defer lease.Close()
	columns := make([]arrow.Array, 0, len(s.columns))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for i := range s.columns {
		a, err := s.column(lease, r, i, of)
		if err != nil {
			return nil, fault.New(fault.Of(err), "%s: column %s: %w", of.loc.Name, spell.Quote(s.columns[i].Name), err)
		}
		columns = append(columns, a)
	}
	return array.NewRecord(s.schema, columns, r.NumRows()), nil
}

// madeBytes is about how many bytes of a row are made here.
func (s *set) madeBytes(v *variant) (n int64) {
	for i, c := range s.columns {
		if v.from[i] < 0 || !arrow.TypeEqual(c.Type, v.schema.Field(v.from[i]).Type) || c.words != nil {
			n += 9 + bytesOf(c.Type)
		}
	}
	return n
}

// bytesOf is about how many bytes a value takes.
func bytesOf(t arrow.DataType) int64 {
	switch t := t.(type) {
	case *arrow.FixedSizeListType:
		return int64(t.Len()) * bytesOf(t.Elem())
	case *arrow.ListType:
		return 4 + bytesOf(t.Elem())
	case *arrow.StructType:
		n := int64(0)
		for _, f := range t.Fields() {
			n += bytesOf(f.Type)
		}
		return n
	case arrow.FixedWidthDataType:
		return int64(t.BitWidth()+7) / 8
	}
	return 8
}

// column is a column of a file's record.
func (s *set) column(mem memory.Allocator, r arrow.Record, i int, of member) (arrow.Array, error) {
	c, from := s.columns[i], of.variant.from[i]
	n := int(r.NumRows())
	switch {
	case c.made != nil:
		return c.made.rows(mem, c, of, n), nil
	case from < 0 && c.words != nil:
		return recoded(mem, n, c.words, func(int) int32 { return -1 }), nil
	case from < 0:
		return nullsOf(mem, c.Type, n), nil
	case c.words != nil:
		codes, at := r.Column(from).(*array.Dictionary), of.variant.maps[i]
		return recoded(mem, n, c.words, func(row int) int32 {
			if codes.IsNull(row) {
				return -1
			}
			return at[codes.GetValueIndex(row)]
		}), nil
	}
	data, err := cast(mem, r.Column(from).Data(), c.Type)
	if err != nil {
		return nil, err
	}
	defer data.Release()
	return array.MakeFromData(data), nil
}
