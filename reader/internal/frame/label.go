package frame

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
)

// Label is a name as pandas has it: a string, int64, float64, bool, time.Time, nil for none, or []Label of a
// MultiIndex.
type Label struct{ Value any }

// None tells whether there is no name.
func (l Label) None() bool { return l.Value == nil }

// Text is the label as pyarrow writes it.
func (l Label) Text() string {
	switch v := l.Value.(type) {
	case string:
		return strings.ToValidUTF8(v, "\ufffd")
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		if v {
			return "True"
		}
		return "False"
	case float64:
		return pythonFloat(v)
	case time.Time:
		return v.UTC().Format("2006-01-02 15:04:05.999999999")
	case []Label:
		parts := make([]string, len(v))
		for i, p := range v {
			parts[i] = pythonString(p.Text())
		}
		if len(parts) == 1 {
			return "(" + parts[0] + ",)"
		}
		return "(" + strings.Join(parts, ", ") + ")"
	}
	return "None"
}

// pythonFloat is repr of a float.
func pythonFloat(v float64) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 0):
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(v, 'g', -1, 64)), "+")
	}
	if abs := math.Abs(v); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// pythonString is repr of a string, which ast.literal_eval reads back.
func pythonString(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r < ' ' || r == 0x7f:
			b.WriteString(`\x` + string("0123456789abcdef"[r>>4]) + string("0123456789abcdef"[r&15]))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// pickled makes a label of a value of Unpickle; false for what has no plain form.
func pickled(v any) (Label, bool) {
	switch v := v.(type) {
	case nil, string, int64, float64, bool:
		return Label{v}, true
	case []byte:
		return Label{string(v)}, true
	case *Opaque:
		n, ok := v.scalar()
		return Label{n}, ok
	case *List:
		parts := make([]Label, len(v.Items))
		for i, item := range v.Items {
			if _, deep := item.(*List); deep {
				return Label{}, false
			}
			p, ok := pickled(item)
			if !ok {
				return Label{}, false
			}
			parts[i] = p
		}
		return Label{parts}, v.Tuple
	}
	return Label{}, false
}

// pickledList makes labels of a list; nil if one has no plain form.
func pickledList(v any) []Label {
	l, _ := v.(*List)
	if l == nil {
		return nil
	}
	out := make([]Label, len(l.Items))
	for i, item := range l.Items {
		var ok bool
		if out[i], ok = pickled(item); !ok {
			return nil
		}
	}
	return out
}

// key tells labels apart by type and value.
func (l Label) key() string { return l.pandasType() + " " + l.Text() }

// labelsOf are an array's values; nil for types that name nothing.
func labelsOf(a arrow.Array) []Label {
	out := make([]Label, a.Len())
	value := labelAt(a)
	if value == nil {
		return nil
	}
	for i := range out {
		if a.IsValid(i) {
			out[i].Value = value(i)
		}
	}
	return out
}

func labelAt(a arrow.Array) func(i int) any {
	switch a := a.(type) {
	case *array.String:
		return func(i int) any { return strings.Clone(a.Value(i)) }
	case *array.Float32:
		return func(i int) any { return float64(a.Value(i)) }
	case *array.Float64:
		return func(i int) any { return a.Value(i) }
	case *array.Boolean:
		return func(i int) any { return a.Value(i) }
	case *array.Timestamp:
		unit := a.DataType().(*arrow.TimestampType).Unit
		return func(i int) any { return a.Value(i).ToTime(unit) }
	case *array.Uint64:
		if slices.ContainsFunc(a.Uint64Values(), func(v uint64) bool { return v > math.MaxInt64 }) {
			return nil
		}
	}
	if at, err := integers(a.Data()); err == nil {
		return func(i int) any { return at(i) }
	}
	return nil
}
