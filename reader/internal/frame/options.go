package frame

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// Options are the choices of a request that bear on a frame's own types.
type Options struct {
	Numbers bool // times stay integers
	Binary  bool // texts are bytes
	Plain   bool // no dictionaries, no extensions
}

// With gives the columns as a request's options have them.
func (f *Frame) With(o Options) []Column {
	out := make([]Column, len(f.Columns))
	for i, c := range f.Columns {
		out[i] = c.with(o)
	}
	return out
}

// with is the column with what a request's options make of it.
func (c Column) with(o Options) Column {
	if o.Numbers && (c.As == Timestamp || c.As == Duration || c.As == Date) {
		c.As = Plain
	}
	if o.Plain && c.As == Categories {
		c.As = Coded
	}
	if o.Plain && c.As == Period {
		c.As = Ordinal
	}
	if o.Binary && c.Type != nil && c.Type.ID() == arrow.STRING {
		c.Type = arrow.BinaryTypes.Binary
	}
	if c.Levels != nil {
		c.Levels = c.Levels.with(o)
	}
	return c
}

// with is the levels with what a request's options make of their values.
func (l *Levels) with(o Options) *Levels {
	v := l.Values
	switch t := v.DataType().ID(); {
	case o.Binary && t == arrow.STRING:
		v = array.MakeFromData(typed(v.Data(), arrow.BinaryTypes.Binary))
	case o.Numbers && (t == arrow.TIMESTAMP || t == arrow.DURATION):
		v = array.MakeFromData(typed(v.Data(), arrow.PrimitiveTypes.Int64))
	case o.Numbers && t == arrow.DATE32:
		v = ordinals(v.(*array.Date32))
	default:
		return l
	}
	return &Levels{Values: v, Remap: l.Remap}
}

// ordinals are dates as pandas stores them.
func ordinals(days *array.Date32) arrow.Array {
	b := array.NewInt32Builder(memory.DefaultAllocator)
	for _, d := range days.Date32Values() {
		b.Append(int32(d) + epochDay)
	}
	return b.NewArray()
}
