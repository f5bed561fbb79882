package flight

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/mtflight/mtflight/internal/fault"
)

const (
	maxRequest = 1 << 20 // bytes of a request
	maxDepth   = 8       // objects and lists inside each other
)

// A JSON object is kept as its members in their order, so that errors come in the order written.
type (
	member struct {
		name  string
		value any // object, []any, json.Number, string, bool, nil
	}
	object []member
)

// parseObject reads one JSON object strictly: UTF-8, no repeated member at any level, nothing behind it, bounds on
// size and nesting. what names it in messages.
func parseObject(what string, data []byte) (object, error) {
	if len(data) > maxRequest {
		return nil, fault.New(fault.Invalid, "%s: over 1 MiB", what)
	}
	if !utf8.Valid(data) {
		return nil, fault.New(fault.Invalid, "%s: not UTF-8", what)
	}
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, fault.New(fault.Invalid, "%s: not JSON: %w", what, err)
	}
	p := parser{what: what, dec: json.NewDecoder(bytes.NewReader(data))}
	p.dec.UseNumber()
	v, err := p.value("", 0)
	if err != nil {
		return nil, err
	}
	if o, ok := v.(object); ok {
		return o, nil
	}
	return nil, fault.New(fault.Invalid, "%s: must be one JSON object", what)
}

type parser struct {
	what string
	dec  *json.Decoder
}

// value reads the next value, which is the member at path and lies in depth objects and lists.
func (p parser) value(path string, depth int) (any, error) {
	t, err := p.dec.Token()
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: not JSON: %w", p.what, err)
	}
	d, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if depth == maxDepth {
		return nil, fault.New(fault.Invalid, "%s: member %s: nested deeper than %d", p.what, short(path), maxDepth)
	}
	if d == '{' {
		return p.object(path, depth+1)
	}
	return p.list(path, depth+1)
}

func (p parser) object(path string, depth int) (any, error) {
	o := object{}
	seen := map[string]bool{}
	for p.dec.More() {
		t, err := p.dec.Token()
		if err != nil {
			return nil, fault.New(fault.Invalid, "%s: not JSON: %w", p.what, err)
		}
		name, _ := t.(string)
		if seen[name] {
			return nil, fault.New(fault.Invalid, "%s: repeated member %s", p.what, short(path+name))
		}
		seen[name] = true
		v, err := p.value(path+name+".", depth)
		if err != nil {
			return nil, err
		}
		o = append(o, member{name, v})
	}
	return o, p.end()
}

func (p parser) list(path string, depth int) (any, error) {
	l := []any{}
	for p.dec.More() {
		v, err := p.value(path, depth)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	return l, p.end()
}

func (p parser) end() error {
	if _, err := p.dec.Token(); err != nil && err != io.EOF {
		return fault.New(fault.Invalid, "%s: not JSON: %w", p.what, err)
	}
	return nil
}

// short quotes a name from a client for a message.
func short(name string) string {
	const most = 80
	if len(name) > most {
		name = name[:most] + "..."
	}
	return strconv.Quote(name)
}

// A bind sets one member of a request from its JSON value, or says what the member must be.
type bind func(v any) error

// bindAll hands each member of o to its bind; prefix is the path of o.
func (o object) bindAll(what, prefix string, known map[string]bind) error {
	for _, m := range o {
		set, ok := known[m.name]
		if !ok {
			return fault.New(fault.Invalid, "%s: unknown member %s", what, short(prefix+m.name))
		}
		if err := set(m.value); err != nil {
			if fault.Of(err) != nil {
				return err
			}
			return fault.New(fault.Invalid, "%s: member %s must be %w", what, short(prefix+m.name), err)
		}
	}
	return nil
}

func (o object) has(name string) bool {
	for _, m := range o {
		if m.name == name {
			return true
		}
	}
	return false
}

// expected is the rest of the sentence "member x must be".
func expected(format string, args ...any) error { return fmt.Errorf(format, args...) }

func text(dst *string) bind {
	return func(v any) error {
		s, ok := v.(string)
		if !ok {
			return expected("a string")
		}
		*dst = s
		return nil
	}
}

func textPtr(dst **string) bind {
	return func(v any) error {
		*dst = new(string)
		return text(*dst)(v)
	}
}

func boolean(dst *bool) bind {
	return func(v any) error {
		b, ok := v.(bool)
		if !ok {
			return expected("true or false")
		}
		*dst = b
		return nil
	}
}

// integer takes a whole number of at least low; beyond 64 bits it is taken for the nearest that has 64.
func integer(dst *int64, low int64) bind {
	return func(v any) error {
		n, _, err := number(v)
		if err != nil {
			return err
		}
		if n < low {
			return expected("at least %d", low)
		}
		*dst = n
		return nil
	}
}

func integerPtr(dst **int64, low int64) bind {
	return func(v any) error {
		*dst = new(int64)
		return integer(*dst, low)(v)
	}
}

// optional is an integer or null.
func optional(dst **int64, low int64) bind {
	return func(v any) error {
		if v == nil {
			*dst = nil
			return nil
		}
		if err := integerPtr(dst, low)(v); err != nil {
			return fmt.Errorf("%w or null", err)
		}
		return nil
	}
}

// number reads an integer as Python's json does: 1.0 and 1e3 are floats. exact is false where it was clipped.
func number(v any) (n int64, exact bool, err error) {
	s, ok := v.(json.Number)
	if !ok || bytes.ContainsAny([]byte(s), ".eE") {
		return 0, false, expected("an integer")
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

func choice(dst *string, allowed ...string) bind {
	return func(v any) error {
		for _, a := range allowed {
			if v == a {
				*dst = a
				return nil
			}
		}
		return expected("one of %q", allowed)
	}
}
