package settings

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/mtflight/mtflight/internal/objectstore"
)

const secretMark = "mtflight_secret"

// Secret says that a flag names a file that holds a secret. Show writes nothing else that somebody may have put there.
func Secret(flags *pflag.FlagSet, name string) {
	_ = flags.SetAnnotation(name, secretMark, []string{"file"})
}

// Show writes the flags as a file that Load reads, each with where it is from. One without a value is a comment.
func Show(w io.Writer, flags *pflag.FlagSet, origins Origins) error {
	var lines []string
	widest := 0
	for _, name := range names(flags) {
		f := flags.Lookup(name)
		line := name + ": " + shown(f)
		if unset(f) {
			line = "# " + strings.TrimSuffix(line, `""`)
		}
		lines = append(lines, line)
		widest = max(widest, min(len(line), 48))
	}
	for i, name := range names(flags) {
		if _, err := fmt.Fprintf(w, "%-*s  # %s\n", widest, lines[i], origins[name]); err != nil {
			return err
		}
	}
	return nil
}

// unset tells of a flag whose default is not a value of it.
func unset(f *pflag.Flag) bool {
	return f.Value.String() == "" && f.Value.Type() != "string" || hidden(f)
}

func shown(f *pflag.Flag) string {
	if hidden(f) {
		return "hidden, it names no file"
	}
	if list, ok := f.Value.(pflag.SliceValue); ok {
		return flow(withoutQueries(list.GetSlice()))
	}
	if isText(f) {
		return flow(withoutQuery(f.Value.String()))
	}
	if text := f.Value.String(); text != "" {
		return text
	}
	return `""`
}

func withoutQueries(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = withoutQuery(text)
	}
	return out
}

// withoutQuery hides the query of a store's address, which may be a signature. A configuration made of what is shown is told so by the store.
func withoutQuery(text string) string {
	if short := objectstore.Shown(text); short != text {
		return short + "?hidden"
	}
	return text
}

// flow is a value of YAML on one line.
func flow(v any) string {
	var node yaml.Node
	_ = node.Encode(v) // texts always can be
	node.Style = yaml.FlowStyle
	for _, n := range append(node.Content, &node) {
		if n.Kind == yaml.ScalarNode && strings.ContainsAny(n.Value, "\n#,[]{}?") {
			n.Style = yaml.DoubleQuotedStyle
		}
	}
	text, _ := yaml.Marshal(&node)
	return strings.ReplaceAll(strings.TrimSuffix(string(text), "\n"), "\n", " ")
}

// hidden tells of a value that may be a secret itself.
func hidden(f *pflag.Flag) bool {
	if f.Annotations[secretMark] == nil || f.Value.String() == "" {
		return false
	}
	_, err := os.Stat(f.Value.String())
	return err != nil
}
