package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// cells writes values as text. Arrow's own ValueStr cannot: it gives times without a zone one, makes JSON of nested values
// and panics at a NaN there.
type cells struct {
	digits int // of a float64; -1: as many as tell it from every other
	most   int // elements of a nested value to write; -1: all
}

// text is one value; a null is empty outside nested values and null in them.
func (c cells) text(a arrow.Array, i int) string { return string(c.append(nil, a, i)) }

// append is text without a string of its own.
func (c cells) append(to []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return to
	}
	switch a := a.(type) {
	case *array.Int64:
		return strconv.AppendInt(to, a.Value(i), 10)
	case *array.Int32:
		return strconv.AppendInt(to, int64(a.Value(i)), 10)
	case *array.Float64:
		return c.appendFloat(to, a.Value(i), c.digits, 64)
	case *array.Float32:
		return c.appendFloat(to, float64(a.Value(i)), -1, 32)
	case *array.Float16:
		return c.appendFloat(to, float64(a.Value(i).Float32()), -1, 32)
	case *array.String:
		return append(to, a.Value(i)...)
	case *array.Timestamp:
		return appendTime(to, int64(a.Value(i)), a.DataType().(*arrow.TimestampType))
	case *array.Dictionary:
		return c.append(to, a.Dictionary(), a.GetValueIndex(i))
	case array.ListLike:
		return c.appendList(to, a, i)
	case *array.Struct:
		return c.appendStruct(to, a, i)
	case *array.Binary:
		return base64.StdEncoding.AppendEncode(to, a.Value(i))
	}
	return append(to, a.ValueStr(i)...)
}

// appendFloat writes a whole number with .0 where all digits count: readers that guess types take the others for integers.
func (c cells) appendFloat(to []byte, v float64, digits, bits int) []byte {
	if math.IsInf(v, 0) {
		return append(to, strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, bits), "+"))...)
	}
	start := len(to)
	to = strconv.AppendFloat(to, v, 'g', digits, bits)
	if c.digits < 0 && v == math.Trunc(v) && !strings.ContainsAny(string(to[start:]), ".e") {
		to = append(to, ".0"...)
	}
	return to
}

var timeLayouts = map[arrow.TimeUnit]string{arrow.Second: "2006-01-02T15:04:05", arrow.Millisecond: "2006-01-02T15:04:05.000",
	arrow.Microsecond: "2006-01-02T15:04:05.000000", arrow.Nanosecond: "2006-01-02T15:04:05.000000000"}

const firstSecond, lastSecond = -62135596800, 253402300799 // of the years that ISO 8601 writes in four digits, from 1 on

// appendTime writes ISO 8601, all values of a column alike: in UTC where there is a zone (its offset could differ from
// row to row), without one where there is none. Beyond the year 9999 it is the number and its unit.
func appendTime(to []byte, v int64, t *arrow.TimestampType) []byte {
	per := int64(time.Second / t.Unit.Multiplier())
	seconds, rest := v/per, v%per
	if rest < 0 {
		seconds, rest = seconds-1, rest+per
	}
	if seconds < firstSecond || seconds > lastSecond {
		return append(strconv.AppendInt(to, v, 10), t.Unit.String()...)
	}
	to = time.Unix(seconds, rest*int64(t.Unit.Multiplier())).UTC().AppendFormat(to, timeLayouts[t.Unit])
	if t.TimeZone != "" {
		to = append(to, 'Z')
	}
	return to
}

// appendInner writes a value inside a nested one, as JSON with NaN and Infinity.
func (c cells) appendInner(to []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(to, "null"...)
	}
	switch a := a.(type) {
	case *array.Float16, *array.Float32, *array.Float64:
		to = c.append(to, a, i)
		if short, infinite := bytes.CutSuffix(to, []byte("inf")); infinite {
			to = append(short, "Infinity"...)
		}
		return to
	case array.ListLike, *array.Struct, *array.Boolean:
		return c.append(to, a, i)
	}
	if isNumber(a.DataType().ID()) {
		return c.append(to, a, i)
	}
	return appendJSON(to, c.text(a, i))
}

func appendJSON(to []byte, text string) []byte {
	var quoted bytes.Buffer
	e := json.NewEncoder(&quoted)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string never fails
	return append(to, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
}

func isNumber(t arrow.Type) bool { return t >= arrow.UINT8 && t <= arrow.FLOAT64 }

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
		to = c.appendInner(to, a.ListValues(), int(j))
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
		to = append(appendJSON(to, fields[f].Name), ':')
		to = c.appendInner(to, a.Field(f), i)
	}
	return append(to, '}')
}

func isNested(t arrow.DataType) bool {
	_, nested := t.(arrow.NestedType)
	return nested
}
