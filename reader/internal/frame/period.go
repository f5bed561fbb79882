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

// frequency is the alias of a pickled offset of pandas.*.offsets.
func frequency(v any) (string, bool) {
	o, _ := v.(*Opaque)
	if o == nil {
		return "", false
	}
	class, n, end := o.offset()
	alias, known := frequencies[class]
	if !known || n < 1 {
		return "", false
	}
	if ends := map[string][]string{"Q": months, "Y": months, "W": weekdays}[alias]; ends != nil {
		if alias != "W" {
			end-- // months count from 1
		}
		if end < 0 || int(end) >= len(ends) {
			return "", false
		}
		alias += "-" + ends[end]
	}
	if n > 1 {
		alias = strconv.FormatInt(n, 10) + alias
	}
	return alias, true
}

// offset is the class of an offset, how often it is taken and, for years, quarters and weeks, where they end: since
// pandas 1.1 the class is called with n, normalize and the end; before, they are in the state of an object without
// arguments. n is 0 for anything else.
func (o *Opaque) offset() (class string, n, end int64) {
	called, _ := o.Call.(*Opaque)
	args, _ := o.Args.(*List)
	if called == nil || args == nil || len(args.Items) < 1 {
		return "", 0, -1
	}
	old := called.Name == "copy_reg _reconstructor" || called.Name == "copyreg _reconstructor"
	if old {
		called, _ = args.Items[0].(*Opaque)
	}
	if called == nil || !strings.HasPrefix(called.Name, "pandas.") {
		return "", 0, -1
	}
	_, class, _ = strings.Cut(called.Name, " ")
	if old {
		n, end = o.offsetState()
		return class, n, end
	}
	n, _ = args.Items[0].(int64)
	if end = -1; len(args.Items) > 2 {
		end, _ = args.Items[2].(int64)
	}
	return class, n, end
}

func (o *Opaque) offsetState() (n, end int64) {
	state, _ := o.State.(*Dict)
	n, _ = state.Get("n").(int64)
	for _, name := range []string{"startingMonth", "month", "weekday"} {
		if v, ok := state.Get(name).(int64); ok {
			return n, v
		}
	}
	return n, -1
}

// period makes integers the ordinals of periods; false if their frequency cannot be read, and they stay integers.
func (c *Column) period(freq any) bool {
	f, ok := frequency(freq)
	if ok && c.As == Plain {
		c.As, c.Freq = Period, f
	}
	return ok
}
