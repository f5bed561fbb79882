package frame

import (
	"math"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
)

// inner is the type of a list's values and how many a row has; its own type and -1 without a list.
func inner(t arrow.DataType) (arrow.DataType, int) {
	if t, ok := t.(*arrow.FixedSizeListType); ok {
		return t.Elem(), int(t.Len())
	}
	return t, -1
}

// TypeOf is the Arrow type of the column over a raw one, if the raw one can be that. Errors are fault.Unsupported.
func (c Column) TypeOf(raw arrow.DataType) (arrow.DataType, error) {
	t := raw
	if c.Item >= 0 && c.Type == nil {
		var n int
		if t, n = inner(raw); n < 0 && c.Item > 0 || n >= 0 && c.Item >= n {
			return nil, unsupported("%s has no column %d", c.Path, c.Item)
		}
	}
	if c.Type != nil && c.As == Plain {
		return c.Type, nil
	}
	made, ok := c.made(t)
	if !ok {
		return nil, unsupported("%s is %s, which doesn't go with what the frame says of it", c.Path, t)
	}
	return made, nil
}

// made is the type that values of a type become; false where they can't.
func (c Column) made(t arrow.DataType) (arrow.DataType, bool) {
	if c.Type != nil { // there are no values
		return c.target(), true
	}
	ok := true
	switch c.As {
	case Plain:
		return t, true
	case Timestamp, Duration, Period, Ordinal:
		ok = t.ID() == arrow.INT64
	case Date:
		ok = t.ID() == arrow.INT64 || t.ID() == arrow.INT32 || t.ID() == arrow.TIMESTAMP
	case Text:
		ok = t.ID() == arrow.STRING || t.ID() == arrow.BINARY
		return t, ok
	case Categories, Coded:
		ok = arrow.IsInteger(t.ID())
		if c.As == Categories && ok {
			return &arrow.DictionaryType{IndexType: t, ValueType: c.Levels.Values.DataType(), Ordered: c.Ordered}, true
		}
	}
	return c.target(), ok
}

// target is the type of a kind that doesn't depend on the values' own.
func (c Column) target() arrow.DataType {
	switch c.As {
	case Timestamp:
		return &arrow.TimestampType{Unit: c.Unit, TimeZone: c.Zone}
	case Duration:
		return &arrow.DurationType{Unit: c.Unit}
	case Date:
		return arrow.FixedWidthTypes.Date32
	case Text:
		if c.Type != nil && c.Type.ID() == arrow.BINARY {
			return c.Type
		}
		return arrow.BinaryTypes.String
	case Categories:
		return &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: c.Levels.Values.DataType(), Ordered: c.Ordered}
	case Coded:
		return c.Levels.Values.DataType()
	case Period, Ordinal:
		return arrow.PrimitiveTypes.Int64
	}
	return c.Type
}

// Make gives the column's values of the raw nodes', which stay the caller's; mask is that of Mask, else nil. New
// buffers come from mem. Errors: fault.DataLoss for codes that choose nothing.
func (c Column) Make(mem memory.Allocator, raw, mask arrow.Array) (arrow.Array, error) {
	t, err := c.TypeOf(raw.DataType())
	if err != nil {
		return nil, err
	}
	if c.Type != nil {
		return array.MakeArrayOfNull(mem, t, 0), nil
	}
	data := raw.Data()
	data.Retain()
	if _, n := inner(raw.DataType()); c.Item >= 0 && n >= 0 {
		data.Release()
		if data, err = strided(mem, raw.(*array.FixedSizeList), n, c.Item); err != nil {
			return nil, err
		}
	}
	defer data.Release()
	out, err := c.convert(mem, data, t, mask)
	if err != nil {
		return nil, err
	}
	defer out.Release()
	return array.MakeFromData(out), nil
}

func (c Column) convert(mem memory.Allocator, data arrow.ArrayData, t arrow.DataType, mask arrow.Array) (arrow.ArrayData, error) {
	switch c.As {
	case Timestamp, Duration, Period, Ordinal:
		off, v := data.Offset(), arrow.Int64Traits.CastFromBytes(values(data))
		return retyped(mem, data, t, func(i int) bool { return v[off+i] == math.MinInt64 })
	case Text:
		if c.Null == nil {
			break
		}
		return retyped(mem, data, t, isText(data, *c.Null))
	case Date:
		return dates(mem, data)
	case Categories:
		return c.Levels.dictionary(mem, data, t)
	case Coded:
		return c.Levels.chosen(mem, data)
	}
	if b, ok := mask.(*array.Boolean); ok {
		return retyped(mem, data, t, b.Value)
	}
	data.Retain()
	return data, nil
}

// isText tells which values are a text.
func isText(data arrow.ArrayData, text string) func(i int) bool {
	from, b := texts(data)
	return func(i int) bool { return string(b[from[i]:from[i+1]]) == text }
}

// retyped is data of another type over the same values, null where none says so or it was before. With more nulls than
// before it is a copy, with zeros below them.
func retyped(mem memory.Allocator, data arrow.ArrayData, t arrow.DataType, none func(i int) bool) (arrow.ArrayData, error) {
	n, first := data.Len(), 0
	for first < n && !none(first) {
		first++
	}
	if first == n {
		return typed(data, t), nil
	}
	at := make([]int, n)
	for i := range at {
		if at[i] = i; i >= first && none(i) {
			at[i] = -1
		}
	}
	taken, err := take(mem, data, at)
	if err != nil {
		return nil, err
	}
	defer taken.Release()
	return typed(taken, t), nil
}

// typed is data of another type, or the same one, over the same values.
func typed(data arrow.ArrayData, t arrow.DataType) arrow.ArrayData {
	if arrow.TypeEqual(t, data.DataType()) {
		data.Retain()
		return data
	}
	return array.NewData(t, data.Len(), data.Buffers(), nil, nulls(data.Buffers()[0]), data.Offset())
}

// nulls is how many an array with this validity has: to be counted, or none.
func nulls(valid *memory.Buffer) int {
	if valid == nil || valid.Len() == 0 {
		return 0
	}
	return array.UnknownNullCount
}

func newBuffer(mem memory.Allocator, n int) *memory.Buffer {
	b := memory.NewResizableBuffer(mem)
	b.Resize(n)
	return b
}

// Days from 0001-01-01, which is day 1, to 1970-01-01, and to the last day of year 9999.
const (
	epochDay = 719163
	lastDay  = 3652059
)

// dates makes dates of Python's ordinals.
func dates(mem memory.Allocator, data arrow.ArrayData) (arrow.ArrayData, error) {
	days, err := integers(data)
	if err != nil {
		return nil, err
	}
	buf := newBuffer(mem, 4*data.Len())
	defer buf.Release()
	out := arrow.Date32Traits.CastFromBytes(buf.Bytes())
	for i := range out {
		day := days(i)
		if day < 1 || day > lastDay {
			return nil, fault.New(fault.DataLoss, "%d is no day of Python's calendar", day)
		}
		out[i] = arrow.Date32(day - epochDay)
	}
	return array.NewData(arrow.FixedWidthTypes.Date32, data.Len(), []*memory.Buffer{nil, buf}, nil, 0, 0), nil
}
