package main

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// expression is one of a plan, bound to columns.
type expression struct {
	Class    string       `json:"expression_class"`
	Type     string       `json:"type"`
	Index    json.Number  `json:"index"`
	Returns  typed        `json:"return_type"`
	Children []expression `json:"children"`
	Left     *expression  `json:"left"`
	Right    *expression  `json:"right"`
	Child    *expression  `json:"child"`
	Input    *expression  `json:"input"`
	Lower    *expression  `json:"lower"`
	Upper    *expression  `json:"upper"`
	Value    constant     `json:"value"`
	Filter   *expression  `json:"filter"`
	Orders   any          `json:"order_bys"`
	Checks   any          `json:"case_checks"`

	LowerToo bool `json:"lower_inclusive"`
	UpperToo bool `json:"upper_inclusive"`
}

type typed struct {
	ID string `json:"id"`
}

// constant is a value of a type.
type constant struct {
	Type typed           `json:"type"`
	Null bool            `json:"is_null"`
	Raw  json.RawMessage `json:"value"`
}

func (c constant) number() (int64, error) { return strconv.ParseInt(string(c.Raw), 10, 64) }

// reads tells whether an expression may take a column's value: all but constants and count(*) do.
func (e expression) reads() bool {
	switch e.Class {
	case "BOUND_CONSTANT":
		return false
	case "BOUND_AGGREGATE":
		return len(e.Children) > 0 || e.Filter != nil || e.Orders != nil
	}
	return true
}

// conditions are what holds of every row for which an expression is true, in the language of where, each to be left out if the server does not
// take it. DuckDB looks at the rows again, so what cannot be said exactly is said wider, or not at all.
func conditions(e expression, fields []arrow.Field) []string {
	if e.Class == "BOUND_CONJUNCTION" && e.Type == "CONJUNCTION_AND" {
		var all []string
		for _, c := range e.Children {
			all = append(all, conditions(c, fields)...)
		}
		return all
	}
	if one := condition(e, fields); one != "" {
		return []string{one}
	}
	return nil
}

// condition is one in brackets; "": nothing is known.
func condition(e expression, fields []arrow.Field) string {
	switch e.Class {
	case "BOUND_CONJUNCTION":
		return conjunction(e, fields)
	case "BOUND_BETWEEN":
		from, to := "COMPARE_GREATERTHAN", "COMPARE_LESSTHAN"
		if e.LowerToo {
			from += "OREQUALTO"
		}
		if e.UpperToo {
			to += "OREQUALTO"
		}
		lower, upper := comparison(from, e.Input, e.Lower, fields), comparison(to, e.Input, e.Upper, fields)
		if lower == "" || upper == "" {
			return lower + upper
		}
		return "(" + lower + " & " + upper + ")"
	case "BOUND_COMPARISON":
		if e.Left != nil && e.Left.Class == "BOUND_CONSTANT" {
			return comparison(mirrored[e.Type], e.Right, e.Left, fields)
		}
		return comparison(e.Type, e.Left, e.Right, fields)
	case "BOUND_REF":
		if f, ok := column(&e, fields); ok && f.Type.ID() == arrow.BOOL {
			return "(" + backquoted(f.Name) + ")"
		}
	case "BOUND_OPERATOR":
		return operator(e, fields)
	}
	return ""
}

func conjunction(e expression, fields []arrow.Field) string {
	var all []string
	for _, c := range e.Children {
		if one := condition(c, fields); one != "" {
			all = append(all, one)
		} else if e.Type != "CONJUNCTION_AND" {
			return ""
		}
	}
	switch {
	case len(all) == 0:
		return ""
	case e.Type == "CONJUNCTION_AND":
		return "(" + strings.Join(all, " & ") + ")"
	case e.Type == "CONJUNCTION_OR":
		return "(" + strings.Join(all, " | ") + ")"
	}
	return ""
}

// operator is IN, or NOT of a column.
func operator(e expression, fields []arrow.Field) string {
	switch {
	case e.Type == "OPERATOR_NOT" && len(e.Children) == 1:
		if one := condition(e.Children[0], fields); e.Children[0].Class == "BOUND_REF" && one != "" {
			return "(" + one + " == False)"
		}
	case e.Type == "COMPARE_IN" && len(e.Children) > 1:
		var all []string
		for _, c := range e.Children[1:] {
			one := comparison("COMPARE_EQUAL", &e.Children[0], &c, fields)
			if one == "" {
				return ""
			}
			all = append(all, one)
		}
		return "(" + strings.Join(all, " | ") + ")"
	}
	return ""
}

var signs = map[string]string{"COMPARE_EQUAL": "==", "COMPARE_NOTEQUAL": "!=", "COMPARE_LESSTHAN": "<", "COMPARE_GREATERTHAN": ">",
	"COMPARE_LESSTHANOREQUALTO": "<=", "COMPARE_GREATERTHANOREQUALTO": ">="}

var mirrored = map[string]string{"COMPARE_EQUAL": "COMPARE_EQUAL", "COMPARE_NOTEQUAL": "COMPARE_NOTEQUAL", "COMPARE_LESSTHAN": "COMPARE_GREATERTHAN",
	"COMPARE_GREATERTHAN": "COMPARE_LESSTHAN", "COMPARE_LESSTHANOREQUALTO": "COMPARE_GREATERTHANOREQUALTO", "COMPARE_GREATERTHANOREQUALTO": "COMPARE_LESSTHANOREQUALTO"}

// comparison is that of a column with a constant of its type, or of one that holds all values of its type.
func comparison(kind string, left, right *expression, fields []arrow.Field) string {
	sign := signs[kind]
	if sign == "" || left == nil || right == nil || right.Class != "BOUND_CONSTANT" || right.Value.Null {
		return ""
	}
	f, ok := column(left, fields)
	if !ok {
		return ""
	}
	c, name := right.Value, backquoted(f.Name)
	switch id := f.Type.ID(); {
	case id == arrow.STRING:
		return textComparison(name, sign, c)
	case id == arrow.BOOL:
		if value, ok := map[string]string{"true": "True", "false": "False"}[string(c.Raw)]; ok && sign == "==" {
			return "(" + name + " == " + value + ")"
		}
	case arrow.IsFloating(id):
		return realComparison(name, sign, c)
	case arrow.IsInteger(id):
		if n, ok := whole(c); ok {
			return "(" + name + " " + sign + " " + n + ")"
		}
	case id == arrow.TIMESTAMP:
		return timeComparison(name, sign, c, f.Type.(*arrow.TimestampType).TimeZone != "")
	}
	return ""
}

// widened are casts that change no value, by what they are from and to.
var widened = map[string]string{
	"TINYINT": "SMALLINT INTEGER BIGINT", "SMALLINT": "INTEGER BIGINT", "INTEGER": "BIGINT",
	"UTINYINT": "USMALLINT UINTEGER UBIGINT SMALLINT INTEGER BIGINT", "USMALLINT": "UINTEGER UBIGINT INTEGER BIGINT", "UINTEGER": "UBIGINT BIGINT", "FLOAT": "DOUBLE",
}

// column is the field that an expression is the value of.
func column(e *expression, fields []arrow.Field) (f arrow.Field, ok bool) {
	if e.Class == "BOUND_CAST" && e.Child != nil {
		for _, to := range strings.Fields(widened[e.Child.Returns.ID]) {
			if to == e.Returns.ID {
				return column(e.Child, fields)
			}
		}
		return f, false
	}
	i, err := e.Index.Int64()
	if e.Class != "BOUND_REF" || err != nil || i < 0 || i >= int64(len(fields)) || fields[i].Type == nil {
		return f, false
	}
	return fields[i], !strings.ContainsAny(fields[i].Name, "\x00\n\r")
}

func backquoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// whole is an integer that a condition's literal can be.
func whole(c constant) (string, bool) {
	if strings.HasSuffix(c.Type.ID, "INT") || c.Type.ID == "INTEGER" || c.Type.ID == "UINTEGER" {
		if n, err := strconv.ParseInt(string(c.Raw), 10, 64); err == nil {
			return strconv.FormatInt(n, 10), n > math.MinInt64
		}
		_, err := strconv.ParseUint(string(c.Raw), 10, 64)
		return string(c.Raw), err == nil
	}
	return "", false
}

// realComparison knows that DuckDB orders NaN above everything, of which no comparison of a condition is true but !=.
func realComparison(name, sign string, c constant) string {
	v, err := strconv.ParseFloat(string(c.Raw), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || c.Type.ID != "DOUBLE" && c.Type.ID != "FLOAT" {
		return ""
	}
	if c.Type.ID == "FLOAT" {
		v = float64(float32(v))
	}
	literal := strconv.FormatFloat(v, 'e', -1, 64)
	if sign == ">" || sign == ">=" {
		return fmt.Sprintf("((%s %s %s) | (%s != %s))", name, sign, literal, name, name)
	}
	return fmt.Sprintf("(%s %s %s)", name, sign, literal)
}

// textComparison is of equality alone: a text may be the name of an enumeration's value, which has no order and may have other names.
func textComparison(name, sign string, c constant) string {
	var s string
	if err := json.Unmarshal(c.Raw, &s); err != nil || sign != "==" || c.Type.ID != "VARCHAR" || len(s) > 1<<10 {
		return ""
	}
	var b strings.Builder
	for _, x := range []byte(s) {
		switch {
		case x == 0:
			return ""
		case x == '\'' || x == '\\' || x < ' ' || x >= 0x7f:
			fmt.Fprintf(&b, `\x%02x`, x)
		default:
			b.WriteByte(x)
		}
	}
	return "(" + name + " == b'" + b.String() + "')"
}

// margin is more than what a time may have been rounded by when it became DuckDB's.
const margin = 2 * time.Second

var ticks = map[string]int64{"TIMESTAMP_S": 1, "TIMESTAMP_MS": 1e3, "TIMESTAMP": 1e6, "TIMESTAMP_NS": 1e9, "TIMESTAMP WITH TIME ZONE": 1e6}

// timeComparison is wider by the margin.
func timeComparison(name, sign string, c constant, zone bool) string {
	n, err := c.number()
	each := ticks[c.Type.ID]
	if err != nil || each == 0 {
		return ""
	}
	at := time.Unix(n/each, n%each*(1e9/each)).UTC()
	if at.Year() < 2 || at.Year() > 9998 {
		return ""
	}
	suffix := ""
	if zone {
		suffix = "Z"
	}
	from := fmt.Sprintf("(%s >= '%s%s')", name, at.Add(-margin).Format("2006-01-02T15:04:05"), suffix)
	to := fmt.Sprintf("(%s <= '%s%s')", name, at.Add(margin).Format("2006-01-02T15:04:05"), suffix)
	switch sign {
	case "==":
		return "(" + from + " & " + to + ")"
	case ">", ">=":
		return from
	case "<", "<=":
		return to
	}
	return ""
}
