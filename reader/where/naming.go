package where

import "slices"

// Names are the columns that a condition names, and those of them that it does more with than to compare them, or to ask whether they are null:
// there what it gives may depend on their types, not on their values alone. Errors: those of Compile's first step.
func Names(text string, columns []string) (named, computed []string, err error) {
	scope := make([]Column, len(columns))
	for i, c := range columns {
		scope[i].Name = c
	}
	root, err := parse(&source{text: text}, scope)
	if err != nil {
		return nil, nil, err
	}
	n := naming{seen: map[seen]bool{}}
	n.visit(root, true)
	return n.named, n.computed, nil
}

type naming struct {
	named, computed []string
	divides         bool
	seen            map[seen]bool
}

// seen is an operand, which may have several parents, as it stands.
type seen struct {
	e     *expr
	plain bool
}

// visit goes through an expression; plain: what is around it compares it, joins truth values, or is nothing.
func (n *naming) visit(e *expr, plain bool) {
	if n.seen[seen{e, plain}] {
		return
	}
	n.seen[seen{e, plain}] = true
	if e.op == "name" || e.op == "element" {
		n.named = with(n.named, e.name)
		if !plain {
			n.computed = with(n.computed, e.name)
		}
		return
	}
	n.divides = n.divides || e.op == "/"
	plain = plain && (slices.Contains(comparisons, e.op) || e.op == "&" || e.op == "|" || e.op == "~" || e.op == "call" && e.name == "is_null")
	for _, a := range e.args {
		n.visit(a, plain)
	}
}

func with(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}
