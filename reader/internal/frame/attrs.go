package frame

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// maxPickle bounds a pickled attribute in bytes; HDF5 keeps attributes in the object header up to 64 KiB.
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
	if err != nil && *a.failed == nil {
		*a.failed = fault.New(fault.DataLoss, "%s: %w", a.of, err)
	}
	return v, v != nil && err == nil
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
	b, _ := a.bytes(name)
	return string(b)
}

// ref is the path of the object that an attribute refers to.
func (a attributes) ref(name string) string {
	v, _ := a.find(name)
	var to struct {
		Ref string `json:"ref"`
	}
	_ = json.Unmarshal(v, &to)
	return to.Ref
}

func (a attributes) int(name string) (int, bool) {
	v, ok := a.find(name)
	var n int
	if !ok || string(v) == "null" || json.Unmarshal(v, &n) != nil {
		return 0, false
	}
	return n, true
}

func (a attributes) truth(name string) bool {
	v, ok := a.find(name)
	return ok && (string(v) == "1" || string(v) == "true")
}

// python is an attribute as PyTables gives it to Python: a text that is a pickle is what was pickled. nil: none.
func (a attributes) python(name string) any {
	if b, ok := a.bytes(name); ok {
		if len(b) <= maxPickle && strings.HasSuffix(string(b), ".") {
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
	return plainJSON(out)
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
	l, ok := a.python(name).(*List)
	if !ok {
		return false
	}
	for _, n := range l.Items {
		if n == int64(0) {
			return true
		}
	}
	return false
}
