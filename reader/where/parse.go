package where

import (
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/mtflight/mtflight/internal/fault"
)

// Bounds on a condition. Nesting bounds the parser's recursion, the number of nodes every later one.
const (
	maxText   = 64 << 10
	maxNodes  = 10_000
	maxNested = 200
	maxDigits = 4300
)

// expr is a parsed expression. What the language adds to numexpr's is already written in numexpr's terms: `and` is
// `&`, `not` is `~`, `in` is `==` joined by `|`; an operand may therefore have several parents.
type expr struct {
	op     string // an operator, "const", "name", "element" or "call"
	args   []*expr
	name   string     // of a name or function
	items  []*big.Int // of an element
	val    constant
	closed bool // in parentheses
	bare   bool // &, | or ^ beside a comparison, without parentheses
	at     span
	built  *node // what check made of it
}

type parser struct {
	lex    *lexer
	src    *source
	tok    token
	last   token // the one before
	nodes  int
	nested int
}

func parse(src *source, columns []Column) (*expr, error) {
	if len(src.text) > maxText {
		return nil, fault.New(fault.Invalid, "condition: %d bytes are over the limit of %d", len(src.text), maxText)
	}
	if !utf8.ValidString(src.text) || strings.Contains(src.text, "\x00") {
		return nil, fault.New(fault.Invalid, "condition: not UTF-8 text without NUL")
	}
	p := &parser{lex: newLexer(src, columns), src: src}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind == tokEnd {
		return nil, src.fail(p.tok.at, "the condition is empty")
	}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEnd {
		return nil, p.unexpected()
	}
	return e, nil
}

func (p *parser) advance() (err error) {
	p.last = p.tok
	p.tok, err = p.lex.next()
	return err
}

func (p *parser) is(op string) bool { return p.tok.kind == tokOperator && p.tok.text == op }

func (p *parser) expect(op, what string) error {
	if !p.is(op) {
		return p.src.fail(p.tok.at, "expected %s, found %s", what, clip(p.tok.text))
	}
	return p.advance()
}

func (p *parser) node(op string, at span, args ...*expr) (*expr, error) {
	if p.nodes++; p.nodes > maxNodes {
		return nil, p.src.fail(at, "over %d operators and operands: shorten the condition", maxNodes)
	}
	return &expr{op: op, args: args, at: at}, nil
}

// enter bounds the recursion; the caller undoes it by p.nested--.
func (p *parser) enter() error {
	if p.nested++; p.nested > maxNested {
		return p.src.fail(p.tok.at, "nested deeper than %d", maxNested)
	}
	return nil
}

// or parses a whole expression: the operator that binds loosest.
func (p *parser) or() (*expr, error) {
	return p.chain(p.and, map[string]string{"or": "|"})
}

func (p *parser) and() (*expr, error) {
	return p.chain(p.not, map[string]string{"and": "&"})
}

// chain parses operands joined by operators of one precedence, from the left.
func (p *parser) chain(operand func() (*expr, error), ops map[string]string) (*expr, error) {
	left, err := operand()
	for err == nil && p.tok.kind == tokOperator && ops[p.tok.text] != "" {
		t := p.tok
		if err = p.advance(); err != nil {
			break
		}
		var right *expr
		if right, err = operand(); err != nil {
			break
		}
		left, err = p.node(ops[t.text], t.at, left, right)
	}
	return left, err
}

func (p *parser) not() (*expr, error) {
	if !p.is("not") {
		return p.comparison()
	}
	return p.prefix(p.not, "~")
}

// prefix parses a prefix operator and what it applies to.
func (p *parser) prefix(operand func() (*expr, error), op string) (*expr, error) {
	at := p.tok.at
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.nested-- }()
	if err := p.advance(); err != nil {
		return nil, err
	}
	e, err := operand()
	if err != nil {
		return nil, err
	}
	return p.node(op, at, e)
}

var comparisons = []string{"==", "!=", "<", "<=", ">", ">="}

func (p *parser) comparison() (*expr, error) {
	left, err := p.binary(0)
	if err != nil {
		return nil, err
	}
	op, at, err := p.comparisonOperator()
	if op == "" || err != nil {
		return left, err
	}
	left.beside()
	var e, right *expr
	switch op {
	case "in", "not in":
		e, err = p.in(left, op, at)
	case "is null", "is not null":
		e, err = p.isNull(left, op, at)
	default:
		if right, err = p.binary(0); err == nil {
			right.beside()
			e, err = p.node(op, at, left, right)
		}
	}
	if err != nil {
		return nil, err
	}
	return e, p.unchained(right)
}

// beside marks what stands beside a comparison operator.
func (e *expr) beside() {
	e.bare = !e.closed && (e.op == "&" || e.op == "|" || e.op == "^")
}

// unchained refuses another comparison behind the right operand of one.
func (p *parser) unchained(right *expr) error {
	op, at, err := p.comparisonOperator()
	switch {
	case op == "" || err != nil:
		return err
	case right != nil && right.bare:
		return p.src.fail(right.at, "%s", bindsTighter(right.op))
	}
	return p.src.fail(at, "chained comparison: write (a < b) & (b < c); & and | bind tighter than comparisons")
}

// isNull is is_null(x), which may be called.
func (p *parser) isNull(x *expr, op string, at span) (*expr, error) {
	e, err := p.node("call", at, x)
	if err != nil {
		return nil, err
	}
	e.name = "is_null"
	if op == "is not null" {
		return p.node("~", at, e)
	}
	return e, nil
}

// comparisonOperator takes a comparison operator, if one is next.
func (p *parser) comparisonOperator() (op string, at span, err error) {
	at = p.tok.at
	switch {
	case p.tok.kind == tokOperator && slices.Contains(comparisons, p.tok.text), p.is("in"):
		op = p.tok.text
		return op, at, p.advance()
	case p.is("not"):
		if err := p.advance(); err != nil {
			return "", at, err
		}
		return "not in", at, p.expect("in", "in after not")
	case p.is("is"):
		return p.nullOperator()
	}
	return "", at, nil
}

// nullOperator takes is null or is not null.
func (p *parser) nullOperator() (op string, at span, err error) {
	op, at = "is null", p.tok.at
	if err = p.advance(); err == nil && p.is("not") {
		op = "is not null"
		err = p.advance()
	}
	if err == nil && !(p.tok.kind == tokName && p.tok.text == "null" && !p.tok.quoted) {
		err = p.src.fail(p.tok.at, "is goes with null only: write x is null, x is not null, or ==")
	}
	if err != nil {
		return op, at, err
	}
	at.to = p.tok.at.to
	return op, at, p.advance()
}

// in parses a list of values: left == a | left == b ..
func (p *parser) in(left *expr, op string, at span) (*expr, error) {
	values, err := p.list()
	if err != nil {
		return nil, err
	}
	var out *expr
	for _, v := range values {
		test, err := p.node("==", at, left, v)
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = test
		} else if out, err = p.node("|", at, out, test); err != nil {
			return nil, err
		}
	}
	if op == "not in" {
		return p.node("~", at, out)
	}
	return out, nil
}

// list parses (a, b) or [a]; (a) is no list in Python.
func (p *parser) list() ([]*expr, error) {
	at, closing := p.tok.at, ")"
	if p.is("[") {
		closing = "]"
	} else if !p.is("(") {
		return nil, p.src.fail(at, "in needs a list of values: write in (1, 2)")
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.nested-- }()
	if err := p.advance(); err != nil {
		return nil, err
	}
	values, comma, err := p.values(closing)
	if err != nil {
		return nil, err
	}
	if len(values) == 0 {
		return nil, p.src.fail(at, "in needs at least one value")
	}
	if closing == ")" && !comma {
		return nil, p.src.fail(at, "in needs a list of values: write in (1,) for one")
	}
	return values, nil
}

// values parses expressions parted by commas up to a bracket, and tells whether there was a comma.
func (p *parser) values(closing string) (values []*expr, comma bool, err error) {
	for !p.is(closing) {
		v, err := p.or()
		if err != nil {
			return nil, false, err
		}
		values = append(values, v)
		if !p.is(",") {
			break
		}
		comma = true
		if err := p.advance(); err != nil {
			return nil, false, err
		}
	}
	if !p.is(closing) && p.tok.kind != tokEnd {
		return nil, false, p.unexpected()
	}
	return values, comma, p.expect(closing, closing)
}

// levels are the binary operators, loosest first.
var levels = []map[string]string{
	{"|": "|"}, {"^": "^"}, {"&": "&"}, {"<<": "<<", ">>": ">>"}, {"+": "+", "-": "-"},
	{"*": "*", "/": "/", "//": "//", "%": "%"},
}

func (p *parser) binary(level int) (*expr, error) {
	if level == len(levels) {
		return p.unary()
	}
	return p.chain(func() (*expr, error) { return p.binary(level + 1) }, levels[level])
}

func (p *parser) unary() (*expr, error) {
	switch {
	case p.is("-"):
		return p.prefix(p.unary, "neg")
	case p.is("+"):
		return p.prefix(p.unary, "pos")
	case p.is("~"):
		return p.prefix(p.unary, "~")
	}
	return p.power()
}

// power binds tighter than a sign on its left, looser than one on its right.
func (p *parser) power() (*expr, error) {
	base, err := p.primary()
	if err != nil || !p.is("**") {
		return base, err
	}
	at := p.tok.at
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer func() { p.nested-- }()
	if err := p.advance(); err != nil {
		return nil, err
	}
	exponent, err := p.unary()
	if err != nil {
		return nil, err
	}
	return p.node("**", at, base, exponent)
}
