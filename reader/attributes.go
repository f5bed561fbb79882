package reader

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// attributes are attributes as JSON for those who look at them: {"bytes": n} is a value too large to be listed,
// {"unreadable": reason} one that cannot be read, under the name "" for what cannot even be listed.
func attributes(a meta.Attrs) json.RawMessage {
	return object(visible(a))
}

func visible(a meta.Attrs) map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(a.All))
	for _, x := range a.All {
		v := x.Value
		switch {
		case x.Err != "":
			v = object(map[string]string{"unreadable": x.Err})
		case x.Bytes > 0:
			v = object(map[string]uint64{"bytes": x.Bytes})
		}
		out[x.Name] = v
	}
	if a.Err != "" {
		out[""] = object(map[string]string{"unreadable": a.Err})
	}
	return out
}

// object is a JSON object of values that have a form.
func object[V any](m map[string]V) json.RawMessage {
	b, err := json.Marshal(m)
	if err != nil {
		return json.RawMessage("{}")
	}
	return b
}

// maxSchemaAttributes bounds the attributes in a schema, in bytes: clients read them with every request.
const maxSchemaAttributes = 256 << 10

// schemaAttributes are attributes for a schema: all, as attributes has them, or beyond its bound the largest only by their size.
func schemaAttributes(a meta.Attrs, whole json.RawMessage) json.RawMessage {
	if len(whole) <= maxSchemaAttributes {
		return whole
	}
	all := visible(a)
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y string) int { return cmp.Or(cmp.Compare(len(all[y]), len(all[x])), cmp.Compare(x, y)) })
	over := len(whole) - maxSchemaAttributes
	for _, name := range names {
		short := object(map[string]int{"bytes": len(all[name])})
		if over <= 0 || len(short) >= len(all[name]) {
			break
		}
		over -= len(all[name]) - len(short)
		all[name] = short
	}
	out := object(all)
	if len(out) > maxSchemaAttributes {
		return object(map[string]any{"": map[string]string{"unreadable": "more attributes than a schema holds: ask the action attributes"}})
	}
	return out
}

// errNoText is of an attribute that is there but is no text.
var errNoText = errors.New("no text")

// text is an attribute that is a text, "" without one; one that is no UTF-8 is no name that decides anything. Errors:
// fault.DataLoss if it cannot be read, or is errNoText.
func text(attrs meta.Attrs, name string) (string, error) {
	v, err := attrs.Value(name)
	if err != nil {
		return "", fault.New(fault.DataLoss, "%w", err)
	}
	var s string
	if v != nil && json.Unmarshal(v, &s) != nil {
		return "", fault.New(fault.DataLoss, "attribute %q is %w", name, errNoText)
	}
	return s, nil
}
