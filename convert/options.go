package convert

import "github.com/mtflight/mtflight/internal/fault"

// Options are the choices of docs/protocol.md section 4. Empty members are their defaults.
type Options struct {
	Strings string // "utf8", "binary"
	Enum    string // "dictionary", "int"
	Time    string // "timestamp", "numeric"
	Tensors string // "tensor", "nested"
	Layout  string // "columns", "rows"
	Plain   bool   // only types that every engine reads
	NetCDF  bool   // missing values of an array are null, its attributes are the field's too
}

func (o Options) check() error {
	for _, c := range []struct{ name, value, usual, other string }{
		{"strings", o.Strings, "utf8", "binary"},
		{"enum", o.Enum, "dictionary", "int"},
		{"time", o.Time, "timestamp", "numeric"},
		{"tensors", o.Tensors, "tensor", "nested"},
		{"layout", o.Layout, "columns", "rows"},
	} {
		if c.value != "" && c.value != c.usual && c.value != c.other {
			return fault.New(fault.Invalid, "options.%s must be %q or %q, not %q", c.name, c.usual, c.other, c.value)
		}
	}
	return nil
}
