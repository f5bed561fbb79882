package where

import "strings"

func (p *parser) primary() (*expr, error) {
	t := p.tok
	switch {
	case p.is("("):
		return p.parenthesis()
	case t.kind == tokConstant:
		return p.constant()
	case t.kind == tokName:
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.is("(") {
			return p.call(t)
		}
		e, err := p.node("name", t.at)
		if err == nil {
			e.name = t.text
		}
		return e, err
	}
	return nil, p.unexpected()
}

func (p *parser) parenthesis() (*expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.nested-- }()
	if err := p.advance(); err != nil {
		return nil, err
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd && !p.is(")") {
		return nil, p.unexpected()
	}
	return e, p.expect(")", ")")
}

// constant parses a literal; adjacent strings are one.
func (p *parser) constant() (*expr, error) {
	e, err := p.node("const", p.tok.at)
	if err != nil {
		return nil, err
	}
	first := p.tok
	e.val = first.val
	text, isText := first.val.v.(string)
	parts := []string{text}
	for {
		if err := p.advance(); err != nil {
			return nil, err
		}
		more, ok := p.tok.val.v.(string)
		if !isText || p.tok.kind != tokConstant || !ok {
			break
		}
		if p.tok.str != first.str {
			return nil, p.src.fail(p.tok.at, "'..' and b'..' can't be joined")
		}
		parts = append(parts, more)
	}
	if isText {
		e.val = constant{v: strings.Join(parts, "")}
	}
	return e, nil
}

// call parses a function's arguments; is_null(x) is (x == x) & False, since no column that can be asked has nulls.
func (p *parser) call(name token) (*expr, error) {
	count, known := functions[name.text]
	if !known {
		return nil, p.src.fail(name.at, "no function %s%s", clip(name.text), nearTo(name.text, functionNames()))
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.nested-- }()
	if err := p.advance(); err != nil {
		return nil, err
	}
	args, _, err := p.values(")")
	if err != nil {
		return nil, err
	}
	if len(args) != count && !(name.text == "complex" && len(args) == 1) {
		return nil, p.src.fail(name.at, "%s takes %d arguments, not %d", name.text, count, len(args))
	}
	e, err := p.node("call", name.at, args...)
	if err != nil {
		return nil, err
	}
	e.name = name.text
	if e.name != "is_null" {
		return e, nil
	}
	e.op, e.args = "==", []*expr{args[0], args[0]}
	no := &expr{op: "const", val: constant{v: false}, at: name.at}
	return p.node("&", name.at, e, no)
}
