package frame

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// maxPickle bounds a pickled attribute in bytes; those in an object header have 64 KiB at most.
const maxPickle = 1 << 20

// attributes are a node's. The first that is asked for and cannot be read is noted, which ends the opening of the frame:
// it never counts as absent.
type attributes struct {
	meta.Attrs
	of     string // the node
	failed *error
}

func (a attributes) find(name string) (json.RawMessage, bool) {
	v, err := a.Value(name)
	if err != nil {
		a.fail(fault.DataLoss, err)
	}
	return v, v != nil && err == nil
}

func (a attributes) fail(kind, err error) {
	if *a.failed == nil {
		*a.failed = fault.New(kind, "%s: %w", a.of, err)
	}
}

// wrong notes that an attribute is there but is not what it has to be, which does not count as absent either.
func (a attributes) wrong(name, what string) {
	if v, ok := a.find(name); ok && string(v) != "null" { // HDF5 has no empty values
		a.fail(fault.DataLoss, fmt.Errorf("attribute %q is no %s", name, what))
	}
}

func (a attributes) has(name string) bool {
	_, ok := a.find(name)
	return ok
}

// bytes is an attribute that is a text, or bytes that are none; an empty one has no value in HDF5.
func (a attributes) bytes(name string) ([]byte, bool) {
	v, ok := a.find(name)
	if !ok {
		return nil, false
	}
	var s string
	if json.Unmarshal(v, &s) == nil {
		return []byte(s), true
	}
	var raw struct {
		Base64 *string `json:"base64"`
	}
	if json.Unmarshal(v, &raw) != nil || raw.Base64 == nil {
		return nil, false
	}
	b, err := base64.StdEncoding.DecodeString(*raw.Base64)
	return b, err == nil
}

func (a attributes) text(name string) string {
	b, ok := a.bytes(name)
	if !ok {
		a.wrong(name, "text")
	}
	return string(b)
}

// ref is the path of the object that an attribute refers to.
func (a attributes) ref(name string) string {
	v, _ := a.find(name)
	var to struct {
		Ref string `json:"ref"`
	}
	if json.Unmarshal(v, &to) != nil || to.Ref == "" {
		a.wrong(name, "reference")
	}
	return to.Ref
}

func (a attributes) int(name string) (int, bool) {
	v, ok := a.find(name)
	var n int
	if !ok || string(v) == "null" || json.Unmarshal(v, &n) != nil {
		a.wrong(name, "integer")
		return 0, false
	}
	return n, true
}

func (a attributes) truth(name string) bool {
	v, _ := a.find(name)
	switch string(v) {
	case "1", "true":
		return true
	case "0", "false":
	default:
		a.wrong(name, "truth value")
	}
	return false
}

// list is an attribute that is a list, or a pickled one; nil: none.
func (a attributes) list(name string) *List {
	v := a.python(name)
	l, ok := v.(*List)
	if !ok && v != nil { // None is pickled too
		a.wrong(name, "list")
	}
	return l
}

// dict is an attribute that is a pickled dictionary; nil: none.
func (a attributes) dict(name string) *Dict {
	v := a.python(name)
	d, ok := v.(*Dict)
	if !ok && v != nil {
		a.wrong(name, "dictionary")
	}
	return d
}

// python is an attribute as PyTables gives it to Python: a text that is a pickle is what was pickled. nil: none.
func (a attributes) python(name string) any {
	if b, ok := a.bytes(name); ok {
		if len(b) > maxPickle {
			a.fail(fault.Unsupported, fmt.Errorf("attribute %q has %d bytes, at most %d are unpickled: ask the raw nodes below it", name, len(b), maxPickle))
			return nil
		}
		if strings.HasSuffix(string(b), ".") {
			if v, err := Unpickle(b); err == nil {
				return v
			}
		}
		return string(b)
	}
	v, ok := a.find(name)
	if !ok {
		return nil
	}
	var out any
	dec := json.NewDecoder(strings.NewReader(string(v)))
	dec.UseNumber()
	if dec.Decode(&out) != nil {
		return nil
	}
	if out = plainJSON(out); out == nil {
		a.wrong(name, "value that PyTables writes")
	}
	return out
}

// plainJSON makes the values of Unpickle of JSON's.
func plainJSON(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64()
		return f
	case []any:
		l := &List{}
		for _, e := range v {
			l.Items = append(l.Items, plainJSON(e))
		}
		return l
	case bool, string:
		return v
	}
	return nil
}

// zero tells whether a shape in an attribute has no elements: pandas' mark of an array that is empty.
func (a attributes) zero(name string) bool {
	l := a.list(name)
	if l == nil {
		return false
	}
	for _, n := range l.Items {
		if n == int64(0) {
			return true
		}
	}
	return false
}
