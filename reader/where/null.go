package where

// What may be null (a NaT, a missing element) is kept beside a node as the conditions under which it is. Arithmetic
// hands them on; a comparison with null is false, but for !=, as one with NaN is. Truth values are false where null.

// truthNode is a truth value that no operator of numexpr's folds.
func truthNode(v bool, at span) *node {
	return &node{op: "variable", kind: Bool, data: &Vector{Bool: []byte{truth(v)}}, at: at}
}

func logic(op string, at span, args ...*node) *node {
	return &node{op: op, kind: Bool, args: args, at: at}
}

// nullsOf are the conditions under which any of some values is null.
func nullsOf(args ...*node) (out []*node) {
	seen := map[*node]bool{}
	for _, a := range args {
		for _, n := range a.nulls {
			if !seen[n] {
				seen[n] = true
				out = append(out, n)
			}
		}
	}
	return out
}

func anyOf(nulls []*node, at span) *node {
	out := nulls[0]
	for _, n := range nulls[1:] {
		out = logic("or", at, out, n)
	}
	return out
}

// guarded is a comparison, or another test, that is false for nulls; unlike (!=): true.
func guarded(n *node, unlike bool, args ...*node) *node {
	nulls := nullsOf(args...)
	switch {
	case len(nulls) == 0:
		return n
	case unlike:
		return logic("or", n.at, n, anyOf(nulls, n.at))
	}
	return logic("and", n.at, n, logic("invert", n.at, anyOf(nulls, n.at)))
}

// handOn keeps what makes the operands of a value null. Constants of where choose an operand, which has its own.
func handOn(n *node, args []*node) {
	if n.kind == Bool || n.isConstant() || len(args) == 0 || n.op == "where" {
		return
	}
	n.nulls = nullsOf(append([]*node{n}, args...)...)
}

// chosenNulls makes where(c, a, b) null where the value that it chooses is.
func chosenNulls(n *node) {
	if n.op != "where" || n.kind == Bool || len(nullsOf(n.args[1:]...)) == 0 {
		return
	}
	branch := func(a *node) *node {
		if len(a.nulls) == 0 {
			return truthNode(false, n.at)
		}
		return anyOf(a.nulls, n.at)
	}
	n.nulls = []*node{logic("where", n.at, n.args[0], branch(n.args[1]), branch(n.args[2]))}
}

// isNull is the condition under which a value is null. Those of an enumeration without a name are.
func isNull(a *node, at span) (*node, error) {
	nulls := a.nulls
	if a.info != nil && a.info.Names != nil {
		named := logic("named", at, a)
		named.info = a.info
		nulls = append(nulls[:len(nulls):len(nulls)], logic("invert", at, named))
	}
	if len(nulls) > 0 {
		return anyOf(nulls, at), nil
	}
	same, err := binaryNode("==", a, a, at) // so the value is one that can be compared
	if err != nil {
		return nil, err
	}
	return binaryNode("&", same, &node{op: "const", kind: Bool, val: constant{v: false}, raw: true, at: at}, at)
}

// namedKernel tells which values of an enumeration have a name.
func namedKernel(n *node) kernel {
	set := make(map[int64]bool, len(n.info.Names))
	for _, v := range n.info.Names {
		set[v] = true
	}
	switch n.args[0].kind {
	case Int32:
		return one(i32s, bools, each(func(v int32) byte { return truth(set[int64(v)]) }))
	case Int64:
		return one(i64s, bools, each(func(v int64) byte { return truth(set[v]) }))
	}
	return one(u64s, bools, each(func(v uint64) byte { return truth(set[int64(v)]) }))
}
