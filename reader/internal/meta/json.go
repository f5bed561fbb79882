package meta

import (
	"cmp"
	"encoding/json"
	"slices"
)

// JSON is the attributes as JSON for those who look at them: {"bytes": n} is a value too large to be listed,
// {"unreadable": reason} one that cannot be read, under the name "" for what cannot even be listed.
func (a Attrs) JSON() json.RawMessage {
	return Object(a.visible())
}

func (a Attrs) visible() map[string]json.RawMessage {
	out := make(map[string]json.RawMessage, len(a.All))
	for _, x := range a.All {
		v := x.Value
		switch {
		case x.Err != "":
			v = Object(map[string]string{"unreadable": x.Err})
		case x.Bytes > 0:
			v = Object(map[string]uint64{"bytes": x.Bytes})
		}
		out[x.Name] = v
	}
	if a.Err != "" {
		out[""] = Object(map[string]string{"unreadable": a.Err})
	}
	return out
}

// Object is a JSON object of values that have a form.
func Object[V any](m map[string]V) json.RawMessage {
	b, err := json.Marshal(m)
	if err != nil {
		return json.RawMessage("{}")
	}
	return b
}

// maxSchemaAttributes bounds the attributes in a schema, in bytes: clients read them with every request.
const maxSchemaAttributes = 256 << 10

// SchemaJSON is the attributes for a schema: whole, which is what JSON gives, or beyond its bound the largest only by their size.
func (a Attrs) SchemaJSON(whole json.RawMessage) json.RawMessage {
	if len(whole) <= maxSchemaAttributes {
		return whole
	}
	all := a.visible()
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.SortFunc(names, func(x, y string) int { return cmp.Or(cmp.Compare(len(all[y]), len(all[x])), cmp.Compare(x, y)) })
	over := len(whole) - maxSchemaAttributes
	for _, name := range names {
		short := Object(map[string]int{"bytes": len(all[name])})
		if over <= 0 || len(short) >= len(all[name]) {
			break
		}
		over -= len(all[name]) - len(short)
		all[name] = short
	}
	out := Object(all)
	if len(out) > maxSchemaAttributes {
		return Object(map[string]any{"": map[string]string{"unreadable": "more attributes than a schema holds: ask the action attributes"}})
	}
	return out
}
