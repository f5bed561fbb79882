package sql

import (
	"encoding/hex"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/internal/fault"
)

// literals are the values of a batch's first row as SQL has them.
func literals(r arrow.Record) (out []string, err error) {
	size := 0
	for i, c := range r.Columns() {
		one, err := literal(c)
		if err != nil {
			return nil, fault.New(fault.Invalid, "SQL: parameter %d: %w", i+1, err)
		}
		if size += len(one); size > maxValues {
			return nil, fault.New(fault.Exhausted, "SQL: the values of parameters take more than %d bytes", maxValues)
		}
		out = append(out, one)
	}
	return out, nil
}

// literal is the first value of a column.
func literal(c arrow.Array) (string, error) {
	if c.IsNull(0) || c.DataType().ID() == arrow.NULL {
		return "NULL", nil
	}
	switch c := c.(type) {
	case *array.String:
		return text(c.Value(0))
	case *array.LargeString:
		return text(c.Value(0))
	case *array.Binary:
		return blob(c.Value(0)), nil
	case *array.LargeBinary:
		return blob(c.Value(0)), nil
	case *array.Boolean:
		return strconv.FormatBool(c.Value(0)), nil
	case *array.Float32:
		return real(float64(c.Value(0)), 32, "FLOAT"), nil
	case *array.Float64:
		return real(c.Value(0), 64, "DOUBLE"), nil
	case *array.Date32:
		return "DATE '" + c.Value(0).ToTime().Format(time.DateOnly) + "'", nil
	case *array.Date64:
		return "DATE '" + c.Value(0).ToTime().Format(time.DateOnly) + "'", nil
	case *array.Timestamp:
		return moment(c), nil
	case *array.DenseUnion:
		return literal(array.NewSlice(c.Field(c.ChildID(0)), int64(c.ValueOffset(0)), int64(c.ValueOffset(0))+1))
	}
	if id := c.DataType().ID(); arrow.IsInteger(id) || arrow.IsDecimal(id) {
		return "(" + c.ValueStr(0) + ")", nil
	}
	return "", fault.New(fault.Invalid, "values of type %v are not taken", c.DataType())
}

// text has no escapes but of its quote.
func text(s string) (string, error) {
	if strings.ContainsRune(s, 0) {
		return "", fault.New(fault.Invalid, "a text with a byte 0")
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'", nil
}

func blob(b []byte) string { return "from_hex('" + hex.EncodeToString(b) + "')" }

func real(v float64, bits int, as string) string {
	s := strconv.FormatFloat(v, 'g', -1, bits)
	switch {
	case math.IsInf(v, 0):
		s = strings.Replace(strings.TrimPrefix(s, "+"), "Inf", "inf", 1)
	case math.IsNaN(v):
		s = "nan"
	}
	return "CAST('" + s + "' AS " + as + ")"
}

func moment(c *array.Timestamp) string {
	t := c.DataType().(*arrow.TimestampType)
	at, as := c.Value(0).ToTime(t.Unit).UTC(), "TIMESTAMP"
	switch {
	case t.TimeZone != "":
		return "TIMESTAMPTZ '" + at.Format("2006-01-02 15:04:05.999999+00") + "'"
	case t.Unit == arrow.Nanosecond:
		as = "TIMESTAMP_NS"
	}
	return "CAST('" + at.Format("2006-01-02 15:04:05.999999999") + "' AS " + as + ")"
}
