package main

import (
	"strconv"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// cells writes values as text. Arrow's own ValueStr cannot: it makes JSON of nested values and panics at a NaN.
type cells struct {
	digits int // of a float64; -1: as many as tell it from every other
	most   int // elements of a nested value to write; -1: all
}

// text is one value; a null is empty outside nested values and null in them.
func (c cells) text(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return ""
	}
	if f, ok := a.(*array.Float64); ok {
		return strconv.FormatFloat(f.Value(i), 'g', c.digits, 64)
	}
	if !isNested(a.DataType()) {
		return a.ValueStr(i)
	}
	return string(c.append(nil, a, i))
}

func (c cells) append(to []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(to, "null"...)
	}
	switch a := a.(type) {
	case array.ListLike:
		return c.appendList(to, a, i)
	case *array.Struct:
		return c.appendStruct(to, a, i)
	case *array.String, *array.Binary, *array.FixedSizeBinary, *array.Timestamp, *array.Dictionary:
		return strconv.AppendQuote(to, a.ValueStr(i))
	}
	return append(to, c.text(a, i)...)
}

func (c cells) appendList(to []byte, a array.ListLike, i int) []byte {
	start, end := a.ValueOffsets(i)
	to = append(to, '[')
	for j := start; j < end; j++ {
		if j > start {
			to = append(to, ',')
		}
		if c.most >= 0 && j-start >= int64(c.most) {
			to = append(to, "…"...)
			break
		}
		to = c.append(to, a.ListValues(), int(j))
	}
	return append(to, ']')
}

func (c cells) appendStruct(to []byte, a *array.Struct, i int) []byte {
	fields := a.DataType().(*arrow.StructType).Fields()
	to = append(to, '{')
	for f := range fields {
		if f > 0 {
			to = append(to, ',')
		}
		to = strconv.AppendQuote(to, fields[f].Name)
		to = append(to, ':')
		to = c.append(to, a.Field(f), i)
	}
	return append(to, '}')
}

func isNested(t arrow.DataType) bool {
	_, nested := t.(arrow.NestedType)
	return nested
}
