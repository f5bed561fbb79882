package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/mtflight/mtflight/internal/sqlwire"
)

// table is one that the statement names.
type table struct {
	schema *arrow.Schema
	rows   int64
}

// explains is what stands before the statement that EXPLAIN is of, comments and options too.
var explains = regexp.MustCompile(`(?is)^(?:\s+|--[^\n]*\n|/\*.*?\*/)*explain\b\s*(?:analyze\b\s*)?(?:\(\s*(?:analyze|format)\b[^)]*\)\s*)?`)

// named are the tables that a statement names, as the parts of their names: those of its syntax tree but for what its WITH defines.
func (d *database) named(text string) (all [][]string, err error) {
	text = explains.ReplaceAllString(text, "")
	tree, err := d.text("SELECT json_serialize_sql(" + quote(text) + "::VARCHAR)::VARCHAR")
	if err != nil {
		return nil, err
	}
	var root any
	if err := json.Unmarshal([]byte(tree), &root); err != nil { // DuckDB gives none for what it does not parse and cannot quote: it tells why when that is prepared
		return nil, unread(text)
	}
	if of, _ := root.(map[string]any); of["error_type"] == "not implemented" {
		return nil, unread(text)
	}
	var found names
	found.walk(root)
	seen := map[string]bool{}
	for _, parts := range found.tables {
		key := strings.Join(parts, "\x00")
		own := strings.ToLower(parts[0])
		if seen[key] || len(parts) == 1 && found.defined[own] || len(parts) > 1 && (own == "information_schema" || own == "pg_catalog") {
			continue
		}
		seen[key] = true
		all = append(all, parts)
	}
	return all, nil
}

// names are those in a syntax tree.
type names struct {
	tables  [][]string
	defined map[string]bool // by WITH
}

func (n *names) walk(node any) {
	switch x := node.(type) {
	case []any:
		for _, one := range x {
			n.walk(one)
		}
	case map[string]any:
		if x["type"] == "BASE_TABLE" {
			n.add(x)
		}
		if ctes, ok := x["cte_map"].(map[string]any); ok {
			n.define(ctes)
		}
		for _, one := range x {
			n.walk(one)
		}
	}
}

func (n *names) add(table map[string]any) {
	var parts []string
	for _, member := range []string{"catalog_name", "schema_name", "table_name"} {
		if s, _ := table[member].(string); s != "" {
			parts = append(parts, s)
		}
	}
	if len(parts) > 0 {
		n.tables = append(n.tables, parts)
	}
}

func (n *names) define(ctes map[string]any) {
	if n.defined == nil {
		n.defined = map[string]bool{}
	}
	all, _ := ctes["map"].([]any)
	for _, one := range all {
		if entry, ok := one.(map[string]any); ok {
			key, _ := entry["key"].(string)
			n.defined[strings.ToLower(key)] = true
		}
	}
}

// resolve asks the server for the tables of a statement and makes each a view over a scan.
func (d *database) resolve(text string) error {
	names, err := d.named(text)
	if err != nil || len(names) == 0 {
		return err
	}
	for i, one := range names {
		for _, other := range names[:i] {
			if strings.EqualFold(strings.Join(one, "\x00"), strings.Join(other, "\x00")) {
				return failed("unsupported", "%s and %s differ in case alone, which SQL does not tell apart: ask for one of them at a time", strings.Join(one, "."), strings.Join(other, "."))
			}
		}
	}
	if err := d.link.sendJSON(sqlwire.Names, 0, names); err != nil {
		return err
	}
	var told []sqlwire.Described
	f := <-d.link.answers
	if err := json.Unmarshal(f.Payload, &told); err != nil || len(told) != len(names) {
		return failed("internal", "%d tables for %d names: %v", len(told), len(names), err)
	}
	for i, one := range told {
		r, err := ipc.NewReader(bytes.NewReader(one.Schema))
		if err != nil {
			return failed("internal", "a table's schema: %v", err)
		}
		d.tables = append(d.tables, table{r.Schema(), one.Rows})
		r.Release()
		if err := d.view(names[i], i); err != nil {
			return err
		}
	}
	return nil
}

// view makes the n-th table known by its name.
func (d *database) view(parts []string, n int) error {
	if len(parts) == 3 {
		parts = parts[1:] // the catalog, which is the one that there is
	}
	var statements []string
	full := name(parts[len(parts)-1])
	if len(parts) == 2 {
		statements = append(statements, "CREATE SCHEMA IF NOT EXISTS "+name(parts[0]))
		full = name(parts[0]) + "." + full
	}
	return d.do(append(statements, fmt.Sprintf("CREATE VIEW %s AS SELECT * FROM %s(%d)", full, function, n))...)
}

// schemaBytes is a schema as a stream of IPC without batches.
func schemaBytes(s *arrow.Schema) []byte {
	var b bytes.Buffer
	_ = ipc.NewWriter(&b, ipc.WithSchema(s), ipc.WithAllocator(memory.NewGoAllocator())).Close() // to memory
	return b.Bytes()
}
