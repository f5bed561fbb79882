package flight

import (
	"encoding/json"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// soon is what docs/protocol.md describes and the server does not know yet: request members and actions.
var soon = []string{}

// document is docs/protocol.md.
type document string

func readDocument(t *testing.T) document {
	t.Helper()
	b, err := os.ReadFile("../docs/protocol.md")
	require.NoError(t, err)
	return document(b)
}

var (
	quoted = regexp.MustCompile("`([^`\n]+)`")
	inside = regexp.MustCompile(`"([a-z0-9_]+)"`) // of {"path", "attributes"}
)

// table is the rows of the table below a heading, cells as they are written.
func (d document) table(t *testing.T, heading string) (rows [][]string) {
	t.Helper()
	_, section, ok := strings.Cut(string(d), "\n"+heading+"\n")
	require.True(t, ok, "docs/protocol.md has no heading %q", heading)
	section, _, _ = strings.Cut(section, "\n#")
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "|") {
			rows = append(rows, strings.Split(strings.Trim(line, "|\n "), " | "))
		}
	}
	require.Greater(t, len(rows), 2, "docs/protocol.md has no table below %q", heading)
	return rows[2:]
}

// names is what the n-th cells of a table name.
func (d document) names(t *testing.T, heading string, n int) (out []string) {
	t.Helper()
	for _, row := range d.table(t, heading) {
		for _, m := range quoted.FindAllStringSubmatch(row[n], -1) {
			out = append(out, m[1])
		}
	}
	return out
}

// words is every name in backquotes, and the members of objects that are written there.
func (d document) words() map[string]bool {
	out := map[string]bool{}
	for _, m := range quoted.FindAllStringSubmatch(string(d), -1) {
		out[m[1]] = true
		if strings.HasPrefix(m[1], "{") {
			for _, name := range inside.FindAllStringSubmatch(m[1], -1) {
				out[name[1]] = true
			}
		}
	}
	return out
}

// requireSame holds what is written of one kind of names to what the code knows.
func requireSame(t *testing.T, heading string, written, known []string) {
	t.Helper()
	for _, name := range known {
		require.Contains(t, written, name, "%s: missing in docs/protocol.md", heading)
		require.NotContains(t, soon, name, "%s: the server knows it now: take it off soon", heading)
	}
	for _, name := range written {
		require.True(t, slices.Contains(known, name) || slices.Contains(soon, name), "%s: %s is in docs/protocol.md, but unknown to the server", heading, name)
	}
}

func TestProtocolHasEveryMember(t *testing.T) {
	d := readDocument(t)
	members := map[string][]string{"": {"file", "dataset"}}
	for _, name := range protocol.Members() {
		outer, inner, nested := strings.Cut(name, ".")
		if !nested {
			outer, inner = "", name
		}
		members[outer] = append(members[outer], inner)
	}
	requireSame(t, "request", d.names(t, "### Members", 0), members[""])
	requireSame(t, "stream", d.names(t, "### Members of `stream`", 0), members["stream"])
	requireSame(t, "options", d.names(t, "### Options", 0), members["options"])
	var known []string
	for _, a := range actions {
		known = append(known, a.name)
	}
	requireSame(t, "actions", d.names(t, "## 6. Actions", 0), known)
}

func TestProtocolHasEveryCode(t *testing.T) {
	d, known := readDocument(t), []string{"Canceled", "DeadlineExceeded", "Internal"}
	for _, row := range errorCodes {
		known = append(known, row.code.String())
	}
	var written []string
	for _, row := range d.table(t, "## 7. Errors") {
		written = append(written, strings.Split(row[0], ", ")...)
	}
	require.ElementsMatch(t, known, written)
}

// TestProtocolHasEveryChoice: the values of options, as their refusals name them.
func TestProtocolHasEveryChoice(t *testing.T) {
	for _, row := range readDocument(t).table(t, "### Options") {
		name := strings.Trim(row[0], "`")
		written := []string{}
		for _, m := range quoted.FindAllStringSubmatch(row[1], -1) {
			written = append(written, m[1])
		}
		_, err := protocol.ParseTicket([]byte(with(`"options": {"` + name + `": null}`)))
		if _, choices, ok := strings.Cut(err.Error(), "one of "); ok {
			require.Equal(t, "["+strings.Join(written, " ")+"]", choices, name)
		}
	}
}

// TestProtocolNamesNoMore sends every member of the document to a server.
func TestProtocolNamesNoMore(t *testing.T) {
	s, d := serveStaging(t, 0), readDocument(t)
	c, _ := s.connect(t)
	ask := func(action string, body any) {
		err := act(c, action, body, func(json.RawMessage) error { return nil })
		if err != nil {
			require.NotContains(t, err.Error(), "unknown member", action)
			require.NotContains(t, err.Error(), "no action", action)
		}
	}
	request := func(name string, value any) map[string]any {
		return map[string]any{"file": "tables.h5", "dataset": "/one", name: value}
	}
	for _, name := range d.names(t, "### Members", 0) {
		if !slices.Contains(soon, name) {
			ask("explain", request(name, nil))
		}
	}
	for _, name := range d.names(t, "### Members of `stream`", 0) {
		ask("explain", request("stream", map[string]any{name: nil}))
	}
	for _, name := range d.names(t, "### Options", 0) {
		ask("explain", request("options", map[string]any{name: nil}))
	}
	for _, name := range d.names(t, "### Criteria", 0) {
		ask("list", map[string]any{name: nil})
	}
	for _, row := range d.table(t, "### Bodies") {
		if action := strings.Trim(row[0], "`"); !slices.Contains(soon, action) {
			ask(action, map[string]any{strings.Trim(row[1], "`"): nil})
		}
	}
}

// unserved is what the server leaves to Arrow's base, which refuses it.
var unserved = []string{"Handshake", "PollFlightInfo"}

func TestProtocolHasEveryCall(t *testing.T) {
	var written []string
	d := readDocument(t)
	for _, row := range d.table(t, "## 1. Names and calls") {
		written = append(written, row[0])
	}
	s, err := New(Config{Engine: new(reader.Engine), Roots: []string{t.TempDir()}})
	require.NoError(t, err)
	known := []string{}
	for _, m := range s.grpc.GetServiceInfo()["arrow.flight.protocol.FlightService"].Methods {
		if !slices.Contains(unserved, m.Name) {
			known = append(known, m.Name)
		}
		require.Contains(t, string(d), m.Name)
	}
	require.ElementsMatch(t, known, written)
}

// nameSet is names found in the code: keys of maps, tags of members, keys of metadata.
type nameSet struct{ names map[string]string } // with their places

func readNames(t *testing.T, look func(n ast.Node, found func(literal ast.Expr)), dirs ...string) nameSet {
	t.Helper()
	s := nameSet{map[string]string{}}
	for _, dir := range dirs {
		files, err := filepath.Glob(dir + "/*.go")
		require.NoError(t, err)
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") {
				continue
			}
			set := token.NewFileSet()
			file, err := goparser.ParseFile(set, path, nil, 0)
			require.NoError(t, err)
			ast.Inspect(file, func(n ast.Node) bool {
				look(n, func(e ast.Expr) {
					if lit, ok := e.(*ast.BasicLit); ok && lit.Kind == token.STRING {
						name, _ := strconv.Unquote(lit.Value)
						s.names[name] = set.Position(lit.Pos()).String()
					}
				})
				return true
			})
		}
	}
	require.NotEmpty(t, s.names)
	return s
}

func (s nameSet) requireWritten(t *testing.T, words map[string]bool) {
	t.Helper()
	for name, place := range s.names {
		require.True(t, words[name], "%s: %s is not in docs/protocol.md", place, name)
	}
}

// TestProtocolHasEveryName: whatever members bodies and results have, wherever in the code they are written down.
func TestProtocolHasEveryName(t *testing.T) {
	d := readDocument(t)
	members := map[string]bool{}
	for _, name := range slices.Concat(d.names(t, "### Members", 0), d.names(t, "### Members of `stream`", 0),
		d.names(t, "### Options", 0), d.names(t, "### Criteria", 0), d.names(t, "### Bodies", 1)) {
		members[name] = true
	}
	binds := readNames(t, mapKeys(func(value ast.Expr) bool { return isBind(value) || isPointer(value) }), ".", "../protocol")
	require.Greater(t, len(binds.names), 40)
	binds.requireWritten(t, members)
	others := readNames(t, mapKeys(func(value ast.Expr) bool { return !isBind(value) && !isMap(value) }), ".")
	others.requireWritten(t, d.words())
	tags := readNames(t, func(n ast.Node, found func(ast.Expr)) {
		if f, ok := n.(*ast.Field); ok && f.Tag != nil {
			tag, _ := strconv.Unquote(f.Tag.Value)
			name, _, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
			if name != "" && name != "-" {
				found(&ast.BasicLit{Kind: token.STRING, Value: strconv.Quote(name), ValuePos: f.Pos()})
			}
		}
	}, ".", "internal/stage", "../reader", "../protocol")
	require.Greater(t, len(tags.names), 60)
	tags.requireWritten(t, d.words())
}

// mapKeys finds the keys of maps from strings to some type.
func mapKeys(of func(value ast.Expr) bool) func(n ast.Node, found func(ast.Expr)) {
	return func(n ast.Node, found func(ast.Expr)) {
		lit, ok := n.(*ast.CompositeLit)
		if !ok {
			return
		}
		if kind, ok := lit.Type.(*ast.MapType); ok && isIdent(kind.Key, "string") && of(kind.Value) {
			for _, e := range lit.Elts {
				found(e.(*ast.KeyValueExpr).Key)
			}
		}
	}
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

// isBind: strict.Bind.
func isBind(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "Bind"
}

func isMap(e ast.Expr) bool {
	_, ok := e.(*ast.MapType)
	return ok
}

func isPointer(e ast.Expr) bool {
	_, ok := e.(*ast.StarExpr)
	return ok
}

// metadataKey is what keys of schema and field metadata look like.
var metadataKey = regexp.MustCompile(`^((hdf5|netcdf|numpy)\.[a-z_]+|stream\.block_rows|pandas|complex|lossy|ARROW:extension:[a-z]+|arrow\.[a-z_]+|pandas\.period)$`)

func TestProtocolHasEveryMetadataKey(t *testing.T) {
	all := readNames(t, func(n ast.Node, found func(ast.Expr)) {
		if lit, ok := n.(*ast.BasicLit); ok {
			if text, err := strconv.Unquote(lit.Value); err == nil && metadataKey.MatchString(text) {
				found(lit)
			}
		}
	}, "../convert", "../reader", "../reader/internal/frame")
	require.Greater(t, len(all.names), 10)
	all.requireWritten(t, readDocument(t).words())
}
