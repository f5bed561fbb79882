package where

import (
	"math/big"
	"strings"
)

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
		if p.is("(") && !t.quoted {
			return p.call(t)
		}
		e, err := p.node("name", t.at)
		if err != nil {
			return nil, err
		}
		e.name = t.text
		return e, p.indexes(e)
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
	e.closed = true
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

// maxIndexes bounds the indexes of an element: HDF5 has no more axes.
const maxIndexes = 32

// indexes parses [0], [0, 1] and [0][1], which make an element of a name.
func (p *parser) indexes(e *expr) error {
	for p.is("[") {
		e.op = "element"
		for more := true; more; more = p.is(",") {
			if err := p.advance(); err != nil {
				return err
			}
			item, err := p.index()
			if err != nil {
				return err
			}
			if e.items = append(e.items, item); len(e.items) > maxIndexes {
				return p.src.fail(e.at, "over %d indexes", maxIndexes)
			}
		}
		e.at.to = p.tok.at.to
		if err := p.expect("]", "]"); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) index() (*big.Int, error) {
	minus := p.is("-")
	if minus {
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	v, ok := p.tok.val.v.(*big.Int)
	if p.tok.kind != tokConstant || !ok {
		return nil, p.src.fail(p.tok.at, "an index is an integer, as in pos[0] or m[0, -1]: one element at a time can be asked")
	}
	if minus {
		v = new(big.Int).Neg(v)
	}
	return v, p.advance()
}

// notCalled is the hint at what was meant by an unknown function: a column whose name has brackets, or another one.
func (p *parser) notCalled(name string) string {
	for _, n := range p.src.names {
		if strings.HasPrefix(n, name) && !plainName(n) {
			return ": a column's name that is no identifier is written in backquotes, " + clip(written(n))
		}
	}
	return nearTo(name, functionNames())
}

// call parses a function's arguments.
func (p *parser) call(name token) (*expr, error) {
	count, known := functions[name.text]
	if !known {
		if hint := foreign[strings.ToUpper(name.text)]; hint != "" {
			return nil, p.src.fail(name.at, "unexpected %s: %s", name.text, hint)
		}
		return nil, p.src.fail(name.at, "no function %s%s", clip(name.text), p.notCalled(name.text))
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
	return e, nil
}
