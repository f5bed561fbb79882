package settings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"
)

// most is far more than any configuration has.
const most = 1 << 20

// entry is a key of a file with its values, one but for a list.
type entry struct {
	key    string
	place  string // FILE:LINE
	value  *yaml.Node
	values []string
}

// readFile gives what a file says; "": no file, which says nothing.
func readFile(path string, known []string) ([]entry, error) {
	if path == "" {
		return nil, nil
	}
	text, err := contents(path)
	if err != nil {
		return nil, err
	}
	bad := func(node *yaml.Node, format string, args ...any) error {
		return fault.New(fault.Invalid, "%s:%d: %s", path, node.Line, fmt.Sprintf(format, args...))
	}
	top, err := parse(path, text)
	if top == nil || err != nil {
		return nil, err
	}
	if top.Kind != yaml.MappingNode {
		return nil, bad(top, "must be lines of NAME: VALUE, named as the flags of `mtflight serve`")
	}
	var entries []entry
	for i := 0; i < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		if !slices.Contains(known, key.Value) {
			return nil, bad(key, "unknown key %q%s: keys are named as the flags of `mtflight serve`", key.Value, near.Hint(key.Value, known))
		}
		if slices.ContainsFunc(entries, func(e entry) bool { return e.key == key.Value }) {
			return nil, bad(key, "%s is there twice: leave one out", key.Value)
		}
		entries = append(entries, entry{key: key.Value, place: fmt.Sprintf("%s:%d", path, key.Line), value: value, values: texts(value)})
	}
	return entries, nil
}

func contents(path string) ([]byte, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(fault.NotFound, "no such file %s: --config (or MTFLIGHT_CONFIG) names the configuration", path)
	case err != nil:
		return nil, fault.New(fault.Denied, "--config: %w: make it readable", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil || len(text) > most {
		return nil, fault.New(fault.Invalid, "--config: %s is no configuration: it is a directory, or has more than %d bytes", path, most)
	}
	return text, nil
}

// parse gives the only document, nil if there is none.
func parse(path string, text []byte) (*yaml.Node, error) {
	var doc, second yaml.Node
	d := yaml.NewDecoder(strings.NewReader(string(text)))
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, fault.New(fault.Invalid, "%s: not YAML: %s", path, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "%s: must be one document: leave out what comes behind ---", path)
	}
	if top := doc.Content[0]; top.Kind != yaml.ScalarNode || top.Value != "" {
		return top, nil
	}
	return nil, nil // comments alone
}

// texts are a scalar's text, or those of a list.
func texts(value *yaml.Node) []string {
	if value.Kind != yaml.SequenceNode {
		return []string{value.Value}
	}
	all := []string{}
	for _, v := range value.Content {
		all = append(all, v.Value)
	}
	return all
}

// fits tells whether the value is of the type that the flag takes.
func (e entry) fits(f *pflag.Flag) error {
	values := []*yaml.Node{e.value}
	if e.value.Kind == yaml.SequenceNode {
		if !isList(f) {
			return fault.New(fault.Invalid, "%s: %s must be one value, not a list", e.place, e.key)
		}
		values = e.value.Content
	}
	for _, v := range values {
		if v.Kind != yaml.ScalarNode || v.ShortTag() == "!!null" {
			return fault.New(fault.Invalid, "%s: %s must have a value, %s", e.place, e.key, wanted(f))
		}
		if f.Value.Type() == "bool" && v.ShortTag() != "!!bool" {
			return fault.New(fault.Invalid, "%s: %s must be true or false, not %s", e.place, e.key, v.Value)
		}
		if isText(f) && v.ShortTag() != "!!str" {
			return fault.New(fault.Invalid, "%s: %s must be %s, not %s: write %q, with its quotes, if you mean a text", e.place, e.key, wanted(f), v.Value, v.Value)
		}
	}
	return nil
}

func isText(f *pflag.Flag) bool { return f.Value.Type() == "string" || isList(f) }

func wanted(f *pflag.Flag) string {
	switch {
	case isList(f):
		return "a text or a list of them"
	case isText(f):
		return "a text"
	case f.Value.Type() == "bool":
		return "true or false"
	}
	return "such as " + f.Value.Type()
}
