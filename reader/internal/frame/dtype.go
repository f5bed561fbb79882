package frame

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
)

// numpyTypes are the Arrow types of dtypes that pandas names.
var numpyTypes = map[string]arrow.DataType{
	"int8": arrow.PrimitiveTypes.Int8, "int16": arrow.PrimitiveTypes.Int16, "int32": arrow.PrimitiveTypes.Int32,
	"int64": arrow.PrimitiveTypes.Int64, "uint8": arrow.PrimitiveTypes.Uint8, "uint16": arrow.PrimitiveTypes.Uint16,
	"uint32": arrow.PrimitiveTypes.Uint32, "uint64": arrow.PrimitiveTypes.Uint64, "bool": arrow.FixedWidthTypes.Boolean,
	"float16": arrow.FixedWidthTypes.Float16, "float32": arrow.PrimitiveTypes.Float32, "float64": arrow.PrimitiveTypes.Float64,
	"complex64": complexOf(arrow.PrimitiveTypes.Float32), "complex128": complexOf(arrow.PrimitiveTypes.Float64),
	"str": arrow.BinaryTypes.String, "string": arrow.BinaryTypes.String, "object": arrow.BinaryTypes.String,
}

func complexOf(part arrow.DataType) arrow.DataType {
	return arrow.StructOf(arrow.Field{Name: "r", Type: part, Nullable: true}, arrow.Field{Name: "i", Type: part, Nullable: true})
}

var units = map[string]arrow.TimeUnit{"s": arrow.Second, "ms": arrow.Millisecond, "us": arrow.Microsecond, "ns": arrow.Nanosecond}

// dtype says what integers of a pandas dtype mean; other dtypes are what they are in the file.
func (c *Column) dtype(name string) {
	base, unit, _ := strings.Cut(strings.TrimSuffix(name, "]"), "[")
	switch base {
	case "datetime64":
		c.As = Timestamp
	case "timedelta64":
		c.As = Duration
	case "period":
		c.As, c.Freq = Period, unit
		return
	default:
		return
	}
	if unit == "" { // from before pandas kept it
		unit = "ns"
	}
	var ok bool
	if c.Unit, ok = units[unit]; !ok {
		c.Reason = fmt.Sprintf("dtype %.40q has no Arrow type: ask the raw node %s", name, c.Path)
	}
}

// zone sets the time zone of a column of timestamps from pandas' attribute.
func (c *Column) zone(v any) {
	if v == nil || c.As != Timestamp {
		return
	}
	name, ok := zoneName(v)
	if !ok {
		c.Reason = "its time zone is pickled in a way that is not known: ask the raw node " + c.Path
	}
	c.Zone = name
}

// zoneName is the name of a time zone, also of pickled ones of pytz, zoneinfo and datetime: their names are the
// arguments of what would have to be called.
func zoneName(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		if file, is := strings.CutPrefix(v, "dateutil/"); is {
			_, name, found := strings.Cut(file, "zoneinfo/")
			return name, found
		}
		return v, v != ""
	case *Opaque:
		return v.zone()
	}
	return "", false
}

func (o *Opaque) zone() (string, bool) {
	called, ok := o.Call.(*Opaque)
	if !ok {
		return "", false
	}
	var args []any
	if l, ok := o.Args.(*List); ok {
		args = l.Items
	}
	switch {
	case called.Name == "pytz _UTC" || called.Name == "pytz UTC":
		return "UTC", true
	case called.Name == "datetime timezone" && len(args) > 0:
		return offsetZone(args[0])
	case called.Name == "pytz FixedOffset" && len(args) > 0:
		if minutes, ok := args[0].(int64); ok && minutes > -24*60 && minutes < 24*60 {
			return minutesZone(minutes), true
		}
	case called.Name == "pytz _p" || called.Name == "pytz.tzinfo _p" || called.isZoneInfo():
		if len(args) > 0 {
			name, ok := args[0].(string)
			return name, ok && name != ""
		}
	}
	return "", false
}

// isZoneInfo tells whether it is getattr(zoneinfo.ZoneInfo, "_unpickle").
func (o *Opaque) isZoneInfo() bool {
	get, ok := o.Call.(*Opaque)
	if !ok || (get.Name != "builtins getattr" && get.Name != "__builtin__ getattr") {
		return o.Name == "zoneinfo ZoneInfo._unpickle"
	}
	l, ok := o.Args.(*List)
	if !ok || len(l.Items) != 2 {
		return false
	}
	class, ok := l.Items[0].(*Opaque)
	return ok && class.Name == "zoneinfo ZoneInfo" && l.Items[1] == "_unpickle"
}

// offsetZone is the zone of a pickled timedelta(days, seconds, microseconds).
func offsetZone(v any) (string, bool) {
	delta, ok := v.(*Opaque)
	if !ok {
		return "", false
	}
	called, ok := delta.Call.(*Opaque)
	l, isList := delta.Args.(*List)
	if !ok || !isList || called.Name != "datetime timedelta" || len(l.Items) < 2 {
		return "", false
	}
	days, ok1 := l.Items[0].(int64)
	seconds, ok2 := l.Items[1].(int64)
	if !ok1 || !ok2 || days < -1 || days > 0 || seconds < 0 || seconds >= 86400 || seconds%60 != 0 {
		return "", false
	}
	return minutesZone((days*86400 + seconds) / 60), true
}

// minutesZone is the zone that is so many minutes ahead of UTC.
func minutesZone(minutes int64) string {
	sign := "+"
	if minutes == 0 {
		return "UTC"
	}
	if minutes < 0 {
		minutes, sign = -minutes, "-"
	}
	return fmt.Sprintf("%s%02d:%02d", sign, minutes/60, minutes%60)
}
