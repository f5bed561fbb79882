package match

import (
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/reader/internal/frame"
	"github.com/mtflight/mtflight/reader/internal/index"
	"github.com/mtflight/mtflight/reader/where"
)

// operand is a name in conditions, and where its values come from.
type operand struct {
	where.Column
	source  string // the dataset's column
	number  int    // of it among the source's
	item    int    // the place of its values in lists; -1: all of it
	missing bool   // as an input: whether lists have none there
	at      int    // as an input: the column among those that are read
}

// scopeOf is what a condition may name: the columns of a frame, then the dataset's own.
func scopeOf(of convert.Source, framed []frame.Column) ([]operand, error) {
	var out []operand
	options := index.AsValues
	options.Tensors = "nested" // to tell the shape
	for i, c := range of.Columns() {
		program, err := convert.Compile(of, []string{c.Name}, options)
		if err != nil {
			return nil, err
		}
		o := operand{source: c.Name, number: i, item: -1}
		o.Column = operandOf(program.Schema(arrow.Metadata{}).Field(0), c.Type)
		out = append(out, o)
	}
	return framedOperands(framed, out), nil
}

// operandOf is how a column takes part in conditions, or why it can't.
func operandOf(f arrow.Field, t *h5type.Type) where.Column {
	c := where.Column{Name: f.Name}
	leaf := f.Type
	for {
		switch l := leaf.(type) {
		case *arrow.FixedSizeListType:
			c.Shape, leaf = append(c.Shape, int(l.Len())), l.Elem()
			continue
		case *arrow.ListType:
			c.Shape, leaf = append(c.Shape, where.Any), l.Elem()
			continue
		}
		break
	}
	c.Kind, c.Why = kindOf(leaf)
	switch {
	case c.Shape == nil && f.Metadata.FindKey("complex") >= 0 && leaf.ID() == arrow.STRUCT:
		c.Kind, c.Why = where.Complex128, ""
	case len(c.Shape) > 1 && slices.Contains(c.Shape, where.Any):
		c.Kind, c.Why = where.None, "it has lists in lists"
	}
	mean(&c, leaf, elementType(t))
	return c
}

// elementType is the type of a value in an array or list.
func elementType(t *h5type.Type) *h5type.Type {
	for t.Base != nil && (t.Class == h5type.Array || t.Class == h5type.VarLen && !t.VarString) {
		t = t.Base
	}
	return t
}

// mean says what the values of a column mean beyond their kind.
func mean(c *where.Column, leaf arrow.DataType, t *h5type.Type) {
	switch {
	case t.Class == h5type.Enum && c.Kind != where.Bool && c.Kind != where.None:
		c.Names = convert.EnumNames(t)
	case t.Class == h5type.Time && c.Kind != where.None:
		c.Time = &where.Time{Tick: 1e9}
	}
	switch leaf := leaf.(type) {
	case *arrow.TimestampType:
		c.Time, c.Null = &where.Time{Tick: int64(leaf.Unit.Multiplier()), Zone: leaf.TimeZone}, where.NaT
	case *arrow.DurationType:
		c.Time, c.Null = &where.Time{Tick: int64(leaf.Unit.Multiplier()), Duration: true}, where.NaT
	}
}

// kindOf widens as PyTables does before numexpr sees a column.
func kindOf(t arrow.DataType) (where.Kind, string) {
	switch t.ID() {
	case arrow.BOOL:
		return where.Bool, ""
	case arrow.INT8, arrow.INT16, arrow.UINT8, arrow.UINT16, arrow.INT32:
		return where.Int32, ""
	case arrow.UINT32, arrow.INT64, arrow.TIMESTAMP, arrow.DURATION:
		return where.Int64, ""
	case arrow.UINT64:
		return where.Uint64, ""
	case arrow.FLOAT16, arrow.FLOAT32:
		return where.Float32, ""
	case arrow.FLOAT64:
		return where.Float64, ""
	case arrow.BINARY:
		return where.Bytes, ""
	}
	return where.None, "it is of type " + t.String()
}

// framedOperands puts a frame's columns before those of the dataset, whose names they hide. A column of the dataset
// that one column of the frame is made of means what that one does, under its own name too.
func framedOperands(of []frame.Column, raw []operand) []operand {
	var out []operand
	for _, c := range of {
		i := slices.IndexFunc(raw, func(o operand) bool { return c.Member == "" || o.source == c.Member })
		if i < 0 || c.Reason != "" {
			continue
		}
		o, ok := framedOperand(c, raw[i])
		if !ok {
			continue
		}
		out = append(out, o)
		if raw[i].Shape == nil {
			raw[i].Time, raw[i].Null, raw[i].Names = o.Time, o.Null, o.Names
		}
	}
	for _, o := range raw {
		if !slices.ContainsFunc(out, func(f operand) bool { return f.Name == o.Name }) {
			out = append(out, o)
		}
	}
	return out
}

// framedOperand is the operand that a frame's column is; false where it is none.
func framedOperand(c frame.Column, o operand) (operand, bool) {
	o.Name = c.Name
	if o.Shape != nil && c.Item >= 0 {
		if len(o.Shape) != 1 || c.Item >= o.Shape[0] {
			return o, false
		}
		o.Shape, o.item = nil, c.Item
	}
	whole := o.Kind == where.Int32 || o.Kind == where.Int64
	switch {
	case c.As == frame.Text && c.Null != nil && o.Kind == where.Bytes:
		o.Null = *c.Null
	case !whole:
	case c.As == frame.Timestamp:
		o.Time, o.Null = &where.Time{Tick: int64(c.Unit.Multiplier()), Zone: c.Zone}, where.NaT
	case c.As == frame.Duration:
		o.Time, o.Null = &where.Time{Tick: int64(c.Unit.Multiplier()), Duration: true}, where.NaT
	case c.As == frame.Date:
		o.Time = &where.Time{Tick: 86400e9, Epoch: epochDay}
	case c.As == frame.Categories || c.As == frame.Coded:
		o.Names = categories(c.Levels)
	}
	return o, true
}

// epochDay is the ordinal of 1970-01-01, of which the first is 0001-01-01.
const epochDay = 719163

// categories are the codes of categories that are texts.
func categories(l *frame.Levels) map[string]int64 {
	words, ok := l.Values.(*array.String)
	if !ok {
		return nil
	}
	out := make(map[string]int64, words.Len())
	if l.Remap == nil {
		for i := range words.Len() {
			out[words.Value(i)] = int64(i)
		}
		return out
	}
	for code, level := range l.Remap {
		if level >= 0 && level < words.Len() {
			out[words.Value(level)] = int64(code)
		}
	}
	return out
}
