package reader

import (
	"cmp"
	"encoding/json"
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

// schemaAttributes are attributes for a schema: beyond its bound the largest are only told by their size.
func schemaAttributes(a meta.Attrs) json.RawMessage {
	all := visible(a)
	out := object(all)
	if len(out) <= maxSchemaAttributes {
		return out
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y string) int { return cmp.Or(cmp.Compare(len(all[y]), len(all[x])), cmp.Compare(x, y)) })
	over := len(out) - maxSchemaAttributes
	for _, name := range names {
		short := object(map[string]int{"bytes": len(all[name])})
		if over <= 0 || len(short) >= len(all[name]) {
			break
		}
		over -= len(all[name]) - len(short)
		all[name] = short
	}
	if out = object(all); len(out) > maxSchemaAttributes {
		return object(map[string]any{"": map[string]string{"unreadable": "more attributes than a schema holds: ask the action attributes"}})
	}
	return out
}

// text is an attribute that is a string, else "". Errors: fault.DataLoss if it cannot be read.
func text(attrs meta.Attrs, name string) (string, error) {
	v, err := attrs.Value(name)
	if err != nil {
		return "", fault.New(fault.DataLoss, "%w", err)
	}
	var s string
	if json.Unmarshal(v, &s) != nil {
		return "", nil
	}
	return s, nil
}
