package where

import "slices"

// Parts are the conditions that a condition joins by & and that some variables alone decide about.
type Parts struct {
	src  *source
	each []*expr
	size int
}

// PartsOf finds the parts that name one of names at least, and nothing but these and others. A division is in none of them, since it may be the path of a
// column that is not in scope here. Errors: those of Compile's first step.
func PartsOf(text string, names, others []string) (*Parts, error) {
	p := &Parts{src: &source{text: text, names: slices.Concat(names, others)}}
	scope := make([]Column, len(names))
	for i, name := range names {
		scope[i].Name = name
	}
	root, err := parse(p.src, scope)
	if err != nil {
		return nil, err
	}
	p.split(root, names, others)
	return p, nil
}

func (p *Parts) split(e *expr, names, others []string) {
	if e.op == "&" {
		for _, a := range e.args {
			p.split(a, names, others)
		}
		return
	}
	n := naming{seen: map[seen]bool{}}
	n.visit(e, true)
	if n.divides || !slices.ContainsFunc(n.named, func(name string) bool { return slices.Contains(names, name) }) {
		return
	}
	for _, name := range n.named {
		if !slices.Contains(names, name) && !slices.Contains(others, name) {
			return
		}
	}
	p.each, p.size = append(p.each, e), p.size+len(n.seen)
}

// Size is about how many operators and operands there are; 0: no part.
func (p *Parts) Size() int { return p.size }

// May tells whether the condition can hold where the variables have these values; false is certain. Not safe for concurrent use.
func (p *Parts) May(vars map[string]any) bool {
	variables, err := variableNodes(vars)
	if err != nil {
		return true
	}
	for _, e := range p.each {
		root, err := check(p.src, e, nil, variables)
		e.forget()
		if err != nil {
			continue
		}
		program, err := assemble(p.src, root)
		if err != nil {
			continue
		}
		var holds [1]byte
		program.NewEval().Eval(nil, 1, holds[:])
		if holds[0] == 0 {
			return false
		}
	}
	return true
}
