package convert

import (
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
)

// Options are the choices of docs/protocol.md section 4.
type Options = protocol.Options

func checkOptions(o Options) error {
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
