package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// wish is what one scan of a statement's plan needs of its table: rows that conditions let through, or their number alone, or the first ones.
type wish struct {
	table      int
	columns    []int // as DuckDB asks for them
	where      []string
	countsOnly bool
	most       int64 // rows; -1: all
}

// wishesOf plans a statement and finds what its scans need. Where that cannot be told there are none: then all rows are read, and the statement
// is answered as well, since DuckDB keeps its filters.
func (d *database) wishesOf(text string) []wish {
	told, err := d.text("SELECT json_serialize_plan(" + quote(explains.ReplaceAllString(text, "")) + "::VARCHAR, optimize := true)::VARCHAR")
	if err != nil {
		return nil
	}
	var tree struct {
		Plans []node `json:"plans"`
	}
	if err := decodeExactly(told, &tree); err != nil {
		return nil
	}
	f := finder{tables: d.tables}
	for _, p := range tree.Plans {
		f.walk(p, above{most: -1})
	}
	return f.found
}

// decodeExactly keeps all digits of numbers.
func decodeExactly(text string, into any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	return d.Decode(into)
}

// node is an operator of a plan.
type node struct {
	Type        string       `json:"type"`
	Children    []node       `json:"children"`
	Name        string       `json:"name"`
	Expressions []expression `json:"expressions"`
	Groups      []expression `json:"groups"`
	Parameters  []constant   `json:"parameters"`
	Columns     []struct {
		Index json.Number `json:"index"`
	} `json:"column_indexes"`
	Limit  bound `json:"limit_val"`
	Offset bound `json:"offset_val"`
}

// bound is LIMIT's or OFFSET's.
type bound struct {
	Type  string      `json:"type"`
	Value json.Number `json:"constant_integer"`
}

// rows is the number of a bound, 0 where there is none; false: only rows decide about it.
func (b bound) rows() (int64, bool) {
	n, err := b.Value.Int64()
	switch {
	case b.Type == "UNSET":
		return 0, true
	case b.Type == "CONSTANT_VALUE" && err == nil && n >= 0:
		return n, true
	}
	return 0, false
}

// above is what the operators right above one say of the rows that they take from it.
type above struct {
	filters    []expression
	countsOnly bool
	most       int64
}

type finder struct {
	tables []table
	found  []wish
}

func (f *finder) walk(n node, a above) {
	if n.Type == "LOGICAL_GET" {
		f.add(n, a)
	}
	below := above{most: -1}
	switch n.Type {
	case "LOGICAL_FILTER":
		below.filters = n.Expressions
	case "LOGICAL_LIMIT":
		below.countsOnly = a.countsOnly
		most, fixed := n.Limit.rows()
		skip, known := n.Offset.rows()
		if n.Limit.Type == "CONSTANT_VALUE" && fixed && known && most+skip >= 0 {
			below.most = most + skip
		}
	case "LOGICAL_PROJECTION", "LOGICAL_AGGREGATE_AND_GROUP_BY":
		below.countsOnly = !slices.ContainsFunc(append(slices.Clone(n.Expressions), n.Groups...), expression.reads)
	}
	for _, c := range n.Children {
		f.walk(c, below)
	}
}

func (f *finder) add(n node, a above) {
	w := wish{table: -1, countsOnly: a.countsOnly, most: a.most}
	if len(n.Parameters) == 1 {
		if i, err := n.Parameters[0].number(); n.Name == function && err == nil && i >= 0 && i < int64(len(f.tables)) {
			w.table = int(i)
		}
	}
	if w.table < 0 {
		return
	}
	t := f.tables[w.table]
	var asked []int
	for _, c := range n.Columns {
		i, err := strconv.Atoi(string(c.Index))
		if err != nil { // DuckDB's row numbers
			i = -1
		}
		asked = append(asked, i)
	}
	w.columns = columnsOf(t, asked)
	fields := make([]arrow.Field, len(w.columns)) // without a type where there is no column
	for i, c := range w.columns {
		if c >= 0 {
			fields[i] = t.schema.Field(c)
		}
	}
	for _, e := range a.filters {
		w.where = append(w.where, conditions(e, fields)...)
	}
	f.found = append(f.found, w)
}

// wished joins the wishes of all scans of a table and columns, which cannot be told apart when they begin.
func wished(all []wish, table int, columns []int) wish {
	joined := wish{table: table, most: -1}
	n := 0
	for _, w := range all {
		switch {
		case w.table != table || !slices.Equal(w.columns, columns):
			continue
		case n == 0:
			joined = w
		default:
			joined.countsOnly = joined.countsOnly && w.countsOnly
			joined.most = -1
			joined.where = either(joined.where, w.where)
		}
		n++
	}
	return joined
}

// either is a condition that holds where all of the one list hold, or all of the other.
func either(a, b []string) []string {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("((%s) | (%s))", strings.Join(a, " & "), strings.Join(b, " & "))}
}
