package where

import (
	"slices"
	"strings"
)

// name finds a variable or column, in this order.
func (c *checker) name(e *expr) (*node, error) {
	if v, ok := c.vars[e.name]; ok {
		return c.named(*v, e.at), nil
	}
	i, err := c.column(e)
	if err != nil {
		return nil, err
	}
	col := &c.columns[i]
	if col.Shape != nil {
		return nil, c.src.fail(e.at, "column %s has lists of values: ask one, as %s", clip(written(e.name)), clip(col.element()))
	}
	return c.value(node{op: "column", kind: col.Kind, col: i}, e.at), nil
}

// element finds one of the elements of a column.
func (c *checker) element(e *expr) (*node, error) {
	if _, ok := c.vars[e.name]; ok {
		return nil, c.src.fail(e.at, "variable %s has no elements", clip(e.name))
	}
	i, err := c.column(e)
	if err != nil {
		return nil, err
	}
	col := &c.columns[i]
	if col.Shape == nil {
		return nil, c.src.fail(e.at, "column %s has single values: leave the index out", clip(written(e.name)))
	}
	item, why := col.place(e.items)
	if why != "" {
		return nil, c.src.fail(e.at, "%s: %s", clip(written(e.name)), why)
	}
	return c.value(node{op: "element", kind: col.Kind, col: i, item: item}, e.at), nil
}

func (c *checker) column(e *expr) (int, error) {
	i := slices.IndexFunc(c.columns, func(col Column) bool { return col.Name == e.name })
	switch {
	case i < 0 && (e.name == "null" || e.name == "NULL"):
		return 0, c.src.fail(e.at, "%s is no value: write x is null", e.name)
	case i < 0:
		return 0, c.src.unknown(e.at, "no column or variable %s%s", clip(written(e.name)), nearTo(e.name, c.src.names))
	case c.columns[i].Kind == None:
		return 0, c.src.fail(e.at, "column %s cannot stand in a condition: %s", clip(written(e.name)), c.whyNot(i))
	}
	return i, nil
}

// whyNot is the reason for which column i cannot stand in a condition, or the cure if its members can.
func (c *checker) whyNot(i int) string {
	for _, name := range c.src.names {
		if strings.HasPrefix(name, c.columns[i].Name+"/") {
			return "it has members: write one, as " + clip(written(name)) + ", and blanks around a / that divides it"
		}
	}
	return c.columns[i].Why
}

func (c *checker) named(n node, at span) *node {
	n.at = at
	if c.first {
		n.kind = Float64
	}
	return &n
}

// value is a column or element with what it means and when it is null. A truth value that is null is false: so is its
// vector.
func (c *checker) value(v node, at span) *node {
	n := c.named(v, at)
	if c.first {
		return n
	}
	n.info = &c.columns[n.col]
	switch null := n.info.Null.(type) {
	case int64:
		nat := &node{op: "variable", kind: Int64, data: &Vector{I64: []int64{null}}, at: at}
		n.nulls = append(n.nulls, logic("eq", at, n, nat))
	case string:
		text := &node{op: "variable", kind: Bytes, data: &Vector{Bytes: []byte(null + "\x00")}, at: at}
		n.nulls = append(n.nulls, logic("eq", at, n, text))
	}
	if n.op == "element" && n.info.Shape[0] == Any {
		n.nulls = append(n.nulls, &node{op: "missing", kind: Bool, col: n.col, item: n.item, at: at})
	}
	return n
}

// scopeNames lists what a condition can name: variables, then columns.
func scopeNames(columns []Column, vars map[string]any) []string {
	out := make([]string, 0, len(columns)+len(vars))
	for name := range vars {
		out = append(out, name)
	}
	slices.Sort(out)
	for _, c := range columns {
		if c.Kind != None {
			out = append(out, c.Name)
		}
	}
	return out
}
