package where

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mtflight/mtflight/internal/spell"
)

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokName
	tokConstant
	tokOperator // operators, brackets and Python's keywords
)

type token struct {
	kind tokenKind
	text string // a name, an operator or a keyword
	val  constant
	str  bool // a string that was not written b'..'
	at   span

	quoted bool // a name in backquotes
}

// span is a piece of the condition, in bytes.
type span struct{ from, to int }

// lexer splits Python's expression syntax into tokens. Nested columns (`pos/x`) are one name where nothing that could
// belong to a longer path touches them.
type lexer struct {
	src    *source
	text   string
	pos    int
	open   int // brackets: inside them a line may end
	begun  bool
	nested []string
}

var keywords = strings.Fields("and or not in is if else elif lambda for while async await yield None True False class " +
	"def del return import from as global nonlocal try except finally raise with pass break continue assert")

// operators, the longest first
var operators = strings.Fields("** // << >> <= >= == != <> := && || + - * / % & | ^ ~ < > ( ) [ ] , = . ! ; : { } @ $ ?")

func newLexer(src *source, columns []Column) *lexer {
	l := &lexer{src: src, text: src.text}
	for _, c := range columns {
		if strings.Contains(c.Name, "/") && isPath(c.Name) {
			l.nested = append(l.nested, c.Name)
		}
	}
	slices.SortStableFunc(l.nested, func(a, b string) int { return len(b) - len(a) })
	return l
}

func isPath(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if identifier(part) != len(part) || part == "" {
			return false
		}
	}
	return true
}

func (l *lexer) next() (token, error) {
	if err := l.skipSpace(); err != nil {
		return token{}, err
	}
	from := l.pos
	l.begun = true
	if from == len(l.text) {
		return token{kind: tokEnd, text: "the end", at: span{from, from}}, nil
	}
	c := l.text[from]
	if isDigit(c) || c == '.' && from+1 < len(l.text) && isDigit(l.text[from+1]) {
		return l.number()
	}
	if c == '`' {
		return l.backquoted()
	}
	if n := stringPrefix(l.text[from:]); n >= 0 {
		return l.quoted(n)
	}
	if n := identifier(l.text[from:]); n > 0 {
		return l.name(n), nil
	}
	return l.operator()
}

// skipSpace skips blanks and comments, and line ends inside brackets or behind a backslash. A line end elsewhere is
// only allowed where nothing follows.
func (l *lexer) skipSpace() error {
	ended := -1
	for l.pos < len(l.text) {
		c := l.text[l.pos]
		switch {
		case c == '\n' || c == '\r':
			if l.open == 0 && ended < 0 && l.begun {
				ended = l.pos
			}
			l.pos++
		case c == ' ' || c == '\t' || c == '\f':
			l.pos++
		case c == '#':
			l.pos += lineEnd(l.text[l.pos:])
		case c == '\\' && strings.HasPrefix(l.text[l.pos+1:], "\n") && strings.TrimSpace(l.text[l.pos+2:]) != "":
			l.pos += 2
		default:
			if ended >= 0 {
				return l.src.fail(span{ended, ended}, "the line ends outside brackets")
			}
			return nil
		}
	}
	return nil
}

// backquoted reads a name of any characters; two backquotes are one of the name's.
func (l *lexer) backquoted() (token, error) {
	from := l.pos
	var name strings.Builder
	for l.pos++; ; l.pos++ {
		end := strings.IndexByte(l.text[l.pos:], '`')
		if end < 0 {
			return token{}, l.src.fail(span{from, from + 1}, "the name has no end: close it with another `")
		}
		name.WriteString(l.text[l.pos : l.pos+end])
		if l.pos += end + 1; l.pos == len(l.text) || l.text[l.pos] != '`' {
			break
		}
		name.WriteByte('`')
	}
	t := token{kind: tokName, text: name.String(), at: span{from, l.pos}, quoted: true}
	if t.text == "" {
		return token{}, l.src.fail(t.at, "a name in backquotes is missing")
	}
	return t, nil
}

func isKeyword(name string) bool { return slices.Contains(keywords, name) }

func lineEnd(s string) int {
	if n := strings.IndexByte(s, '\n'); n >= 0 {
		return n
	}
	return len(s)
}

func (l *lexer) name(n int) token {
	from := l.pos
	for _, path := range l.nested {
		if strings.HasPrefix(l.text[from:], path) && l.alone(from, from+len(path)) {
			n = len(path)
			break
		}
	}
	l.pos += n
	t := token{kind: tokName, text: l.text[from:l.pos], at: span{from, l.pos}}
	switch {
	case t.text == "True" || t.text == "False":
		t.kind, t.val = tokConstant, constant{v: t.text == "True"}
	case isKeyword(t.text):
		t.kind = tokOperator
	}
	return t
}

// alone tells that no word character and no slash touches text[from:to].
func (l *lexer) alone(from, to int) bool {
	before, _ := utf8.DecodeLastRuneInString(l.text[:from])
	after, _ := utf8.DecodeRuneInString(l.text[to:])
	return !(from > 0 && touches(before)) && !(to < len(l.text) && touches(after))
}

func touches(r rune) bool {
	return r == '/' || r == '_' || r == '\\' || unicode.IsLetter(r) || unicode.IsNumber(r)
}

func (l *lexer) operator() (token, error) {
	from := l.pos
	for _, op := range operators {
		if !strings.HasPrefix(l.text[from:], op) {
			continue
		}
		l.pos += len(op)
		switch op {
		case "(", "[":
			l.open++
		case ")", "]":
			l.open = max(0, l.open-1)
		}
		return token{kind: tokOperator, text: op, at: span{from, l.pos}}, nil
	}
	r, n := utf8.DecodeRuneInString(l.text[from:])
	return token{}, l.src.fail(span{from, from + n}, "unexpected character %q", r)
}

// identifier is the length of the identifier that s begins with. Bytes that are no UTF-8 (package spell) are letters.
func identifier(s string) int {
	for i := 0; i < len(s); {
		if escaped := spell.Escaped(s[i:]); escaped > 0 {
			i += escaped
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		start := r == '_' || unicode.IsLetter(r) || unicode.In(r, unicode.Nl, unicode.Other_ID_Start)
		if !start && (i == 0 || !unicode.In(r, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue)) {
			return i
		}
		i += n
	}
	return len(s)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
