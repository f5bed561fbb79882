package frame

import (
	"strconv"
	"strings"
)

// frequencies are pandas' aliases of the offsets that periods have, by class.
var frequencies = map[string]string{
	"MonthEnd": "M", "Day": "D", "Hour": "h", "Minute": "min", "Second": "s", "Milli": "ms", "Micro": "us", "Nano": "ns",
	"BusinessDay": "B", "QuarterEnd": "Q", "YearEnd": "Y", "Week": "W",
}

var (
	months   = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
	weekdays = []string{"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"}
)

// frequency is the alias of a pickled offset: a class of pandas.*.offsets called with n, normalize and, for years,
// quarters and weeks, where they end.
func frequency(v any) (string, bool) {
	o, _ := v.(*Opaque)
	if o == nil {
		return "", false
	}
	class, _ := o.Call.(*Opaque)
	args, _ := o.Args.(*List)
	if class == nil || args == nil || len(args.Items) < 1 || !strings.HasPrefix(class.Name, "pandas.") {
		return "", false
	}
	_, name, _ := strings.Cut(class.Name, " ")
	alias, known := frequencies[name]
	n, isInt := args.Items[0].(int64)
	if !known || !isInt || n < 1 {
		return "", false
	}
	if end := map[string][]string{"Q": months, "Y": months, "W": weekdays}[alias]; end != nil {
		if len(args.Items) < 3 {
			return "", false
		}
		k, _ := args.Items[2].(int64)
		if alias != "W" {
			k-- // months count from 1
		}
		if k < 0 || int(k) >= len(end) {
			return "", false
		}
		alias += "-" + end[k]
	}
	if n > 1 {
		alias = strconv.FormatInt(n, 10) + alias
	}
	return alias, true
}

// period makes integers the ordinals of periods, where their frequency can be read; else they stay integers.
func (c *Column) period(freq any) {
	if f, ok := frequency(freq); ok && c.As == Plain {
		c.As, c.Freq = Period, f
	}
}
