// Package strict reads JSON objects strictly, as requests are: a member that is not known, comes twice or is of another type
// is an error (fault.Invalid) that names it. Functions are safe for concurrent use.
package strict

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
)

const (
	MaxBytes = 1 << 20 // bytes of a request
	maxDepth = 8       // objects and lists inside each other
)

// A JSON object is kept as its members in their order, so that errors come in the order written.
type (
	Member struct {
		Name  string
		Value any // Object, []int64, []any, json.Number, string, bool, nil
	}
	Object []Member
)

// Parse reads one JSON object strictly: UTF-8, no repeated member at any level, nothing behind it, bounds on
// size and nesting. what names it in messages.
func Parse(what string, data []byte) (Object, error) {
	if len(data) > MaxBytes {
		return nil, fault.New(fault.Invalid, "%s: over 1 MiB", what)
	}
	if !utf8.Valid(data) {
		return nil, fault.New(fault.Invalid, "%s: not UTF-8", what)
	}
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, fault.New(fault.Invalid, "%s: not JSON: %w", what, err)
	}
	v, err := parser{what}.value(whole, "", 0)
	if err != nil {
		return nil, err
	}
	if o, ok := v.(Object); ok {
		return o, nil
	}
	return nil, fault.New(fault.Invalid, "%s: must be one JSON object", what)
}

type parser struct{ what string }

// value reads a JSON text without blanks around it, the member at path, which lies in depth objects and lists.
func (p parser) value(text json.RawMessage, path string, depth int) (any, error) {
	if text[0] != '{' && text[0] != '[' {
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		t, err := dec.Token()
		return t, p.failed(err)
	}
	if depth == maxDepth {
		return nil, fault.New(fault.Invalid, "%s: member %s: nested deeper than %d", p.what, Short(path), maxDepth)
	}
	if l, ok := plain(text); ok {
		return l, nil
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return nil, p.failed(err)
	}
	if text[0] == '{' {
		return p.object(dec, path, depth+1)
	}
	return p.list(dec, path, depth+1)
}

func (p parser) object(dec *json.Decoder, path string, depth int) (any, error) {
	o := Object{}
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, p.failed(err)
		}
		name, _ := t.(string)
		if seen[name] {
			return nil, fault.New(fault.Invalid, "%s: repeated member %s", p.what, Short(path+name))
		}
		seen[name] = true
		v, err := p.next(dec, path+name+".", depth)
		if err != nil {
			return nil, err
		}
		o = append(o, Member{name, v})
	}
	return o, nil
}

func (p parser) list(dec *json.Decoder, path string, depth int) (any, error) {
	l := []any{}
	for dec.More() {
		v, err := p.next(dec, path, depth)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	return l, nil
}

func (p parser) next(dec *json.Decoder, path string, depth int) (any, error) {
	var text json.RawMessage
	if err := dec.Decode(&text); err != nil {
		return nil, p.failed(err)
	}
	return p.value(text, path, depth)
}

func (p parser) failed(err error) error {
	if err == nil {
		return nil
	}
	return fault.New(fault.Invalid, "%s: not JSON: %w", p.what, err)
}

// plain reads a JSON text that is a list of integers of 64 bits, one at least. Requests have many of them.
func plain(text []byte) ([]int64, bool) {
	if text[0] != '[' || len(text) < 3 {
		return nil, false
	}
	l := make([]int64, 0, bytes.Count(text, []byte{','})+1)
	for e := range bytes.SplitSeq(text[1:len(text)-1], []byte{','}) {
		n, err := strconv.ParseInt(string(bytes.TrimSpace(e)), 10, 64)
		if err != nil {
			return nil, false
		}
		l = append(l, n)
	}
	return l, true
}

// Short quotes a name from a client for a message.
func Short(name string) string {
	const most = 80
	if len(name) > most {
		name = name[:most] + "..."
	}
	return strconv.Quote(name)
}

// A Bind sets one member of a request from its JSON value, or says what the member must be.
type Bind func(v any) error

// BindAll hands each member of o to its Bind; prefix is the path of o.
func (o Object) BindAll(what, prefix string, known map[string]Bind) error {
	for _, m := range o {
		set, ok := known[m.Name]
		if !ok {
			names := slices.Sorted(maps.Keys(known))
			return fault.New(fault.Invalid, "%s: unknown member %s%s", what, Short(prefix+m.Name), near.Paths(prefix, near.Near(m.Name, names)))
		}
		if err := set(m.Value); err != nil {
			if fault.Of(err) != nil {
				return err
			}
			return fault.New(fault.Invalid, "%s: member %s must be %w", what, Short(prefix+m.Name), err)
		}
	}
	return nil
}

// Has tells whether a member is there.
func (o Object) Has(name string) bool {
	for _, m := range o {
		if m.Name == name {
			return true
		}
	}
	return false
}

// Expected is the rest of the sentence "member x must be".
func Expected(format string, args ...any) error { return fmt.Errorf(format, args...) }

// Text takes a string.
func Text(dst *string) Bind {
	return func(v any) error {
		s, ok := v.(string)
		if !ok {
			return Expected("a string")
		}
		*dst = s
		return nil
	}
}

// TextPtr is Text into a new string.
func TextPtr(dst **string) Bind {
	return func(v any) error {
		*dst = new(string)
		return Text(*dst)(v)
	}
}

// Boolean takes true or false.
func Boolean(dst *bool) Bind {
	return func(v any) error {
		b, ok := v.(bool)
		if !ok {
			return Expected("true or false")
		}
		*dst = b
		return nil
	}
}

// Integer takes a whole number of at least low; beyond 64 bits it is taken for the nearest that has 64.
func Integer(dst *int64, low int64) Bind {
	return func(v any) error {
		n, _, err := Number(v)
		if err != nil {
			return err
		}
		if n < low {
			return Expected("at least %d", low)
		}
		*dst = n
		return nil
	}
}

// IntegerPtr is Integer into a new int64.
func IntegerPtr(dst **int64, low int64) Bind {
	return func(v any) error {
		*dst = new(int64)
		return Integer(*dst, low)(v)
	}
}

// Optional is an integer or null.
func Optional(dst **int64, low int64) Bind {
	return func(v any) error {
		if v == nil {
			*dst = nil
			return nil
		}
		if err := IntegerPtr(dst, low)(v); err != nil {
			return fmt.Errorf("%w or null", err)
		}
		return nil
	}
}

// Names takes a list of strings, one at least, without repeats.
func Names(dst *[]string) Bind {
	return func(v any) error {
		l, ok := v.([]any)
		if !ok || len(l) == 0 {
			return Expected("a list of at least one name")
		}
		seen := map[string]bool{}
		for _, e := range l {
			s, ok := e.(string)
			if !ok {
				return Expected("a list of names")
			}
			if seen[s] {
				return Expected("without repeats: %s comes twice", Short(s))
			}
			seen[s] = true
			*dst = append(*dst, s)
		}
		return nil
	}
}

// Number reads an integer as Python's json does: 1.0 and 1e3 are floats. exact is false where it was clipped.
func Number(v any) (n int64, exact bool, err error) {
	s, ok := v.(json.Number)
	if !ok || bytes.ContainsAny([]byte(s), ".eE") {
		return 0, false, Expected("an integer")
	}
	n, err = strconv.ParseInt(string(s), 10, 64)
	if err == nil {
		return n, true, nil
	}
	if s[0] == '-' {
		return math.MinInt64, false, nil
	}
	return math.MaxInt64, false, nil
}

// Integers reads a list of integers. The first that 64 bits cannot hold, if any, is beyond.
func Integers(v any) (l []int64, beyond any, err error) {
	if l, ok := v.([]int64); ok {
		return l, nil, nil
	}
	all, ok := v.([]any)
	if !ok {
		return nil, nil, Expected("a list of integers")
	}
	l = make([]int64, len(all))
	for i, e := range all {
		n, exact, err := Number(e)
		if err != nil {
			return nil, nil, Expected("a list of integers")
		}
		if !exact && beyond == nil {
			beyond = e
		}
		l[i] = n
	}
	return l, beyond, nil
}

// Choice takes one of the strings allowed.
func Choice(dst *string, allowed ...string) Bind {
	return func(v any) error {
		for _, a := range allowed {
			if v == a {
				*dst = a
				return nil
			}
		}
		return Expected("one of %q", allowed)
	}
}
