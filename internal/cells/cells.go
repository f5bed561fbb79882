// Package cells writes the values of Arrow arrays as text: for people, for CSV and for JSON.
package cells

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

// Style says how values are written as text. Arrow's own ValueStr cannot: it gives times without a zone one, makes JSON of
// nested values and panics at a NaN there.
type Style struct {
	Digits int  // of a float64; -1: as many as tell it from every other
	Most   int  // elements of a nested value to write; -1: all
	Strict bool // JSON as RFC 8259 has it: null for numbers that it has not
}

// Whole loses nothing, JSON what JSON has no numbers for.
var (
	Whole = Style{Digits: -1, Most: -1}
	JSON  = Style{Digits: -1, Most: -1, Strict: true}
)

// Text is one value; a null is empty outside nested values and null in them.
func (c Style) Text(a arrow.Array, i int) string { return string(c.Append(nil, a, i)) }

// Append is Text without a string of its own.
func (c Style) Append(to []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return to
	}
	switch a := a.(type) {
	case *array.Int64:
		return strconv.AppendInt(to, a.Value(i), 10)
	case *array.Int32:
		return strconv.AppendInt(to, int64(a.Value(i)), 10)
	case *array.Float64:
		return c.appendFloat(to, a.Value(i), c.Digits, 64)
	case *array.Float32:
		return c.appendFloat(to, float64(a.Value(i)), -1, 32)
	case *array.Float16:
		return c.appendFloat(to, float64(a.Value(i).Float32()), -1, 32)
	case *array.String:
		return append(to, a.Value(i)...)
	case *array.Timestamp:
		return appendTime(to, int64(a.Value(i)), a.DataType().(*arrow.TimestampType))
	case *array.Dictionary:
		return c.Append(to, a.Dictionary(), a.GetValueIndex(i))
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
func (c Style) appendFloat(to []byte, v float64, digits, bits int) []byte {
	if math.IsInf(v, 0) {
		return append(to, strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, bits), "+"))...)
	}
	start := len(to)
	to = strconv.AppendFloat(to, v, 'g', digits, bits)
	if c.Digits < 0 && v == math.Trunc(v) && !strings.ContainsAny(string(to[start:]), ".e") {
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

// AppendJSON writes a value as JSON, if it is not to be strict with NaN and Infinity.
func (c Style) AppendJSON(to []byte, a arrow.Array, i int) []byte {
	start := len(to)
	if a.IsNull(i) {
		return append(to, "null"...)
	}
	switch a := a.(type) {
	case *array.Float16, *array.Float32, *array.Float64:
		if to = c.Append(to, a, i); c.Strict && !finite(a, i) {
			return append(to[:start], "null"...)
		}
		if short, infinite := bytes.CutSuffix(to, []byte("inf")); infinite {
			to = append(short, "Infinity"...)
		}
		return to
	case array.ListLike, *array.Struct, *array.Boolean:
		return c.Append(to, a, i)
	}
	if isNumber(a.DataType().ID()) {
		return c.Append(to, a, i)
	}
	return Quote(to, c.Text(a, i))
}

// Quote writes a text as JSON.
func Quote(to []byte, text string) []byte {
	var quoted bytes.Buffer
	e := json.NewEncoder(&quoted)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string never fails
	return append(to, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
}

// finite tells whether a float is a number that JSON has.
func finite(a arrow.Array, i int) bool {
	var v float64
	switch a := a.(type) {
	case *array.Float16:
		v = float64(a.Value(i).Float32())
	case *array.Float32:
		v = float64(a.Value(i))
	case *array.Float64:
		v = a.Value(i)
	}
	return !math.IsInf(v, 0) && !math.IsNaN(v)
}

func isNumber(t arrow.Type) bool { return t >= arrow.UINT8 && t <= arrow.FLOAT64 }

func (c Style) appendList(to []byte, a array.ListLike, i int) []byte {
	start, end := a.ValueOffsets(i)
	to = append(to, '[')
	for j := start; j < end; j++ {
		if j > start {
			to = append(to, ',')
		}
		if c.Most >= 0 && j-start >= int64(c.Most) {
			to = append(to, "…"...)
			break
		}
		to = c.AppendJSON(to, a.ListValues(), int(j))
	}
	return append(to, ']')
}

func (c Style) appendStruct(to []byte, a *array.Struct, i int) []byte {
	fields := a.DataType().(*arrow.StructType).Fields()
	to = append(to, '{')
	for f := range fields {
		if f > 0 {
			to = append(to, ',')
		}
		to = append(Quote(to, fields[f].Name), ':')
		to = c.AppendJSON(to, a.Field(f), i)
	}
	return append(to, '}')
}

// Nested tells whether values of a type hold others.
func Nested(t arrow.DataType) bool {
	_, nested := t.(arrow.NestedType)
	return nested
}
