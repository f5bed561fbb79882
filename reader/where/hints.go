package where

import (
	"slices"
	"strings"
)

// hints name the cure for operators of other languages.
var hints = map[string]string{
	"=": "= is no comparison: write ==", "<>": "<> is no comparison: write !=",
	"&&": "unexpected &&: write & or and", "||": "unexpected ||: write | or or", "!": "unexpected !: write ~ or not",
	"None": "None is no value: write x is null",
}

// foreign are words of SQL, in upper case.
var foreign = map[string]string{
	"AND": "write and", "OR": "write or", "NOT": "write not", "IN": "write in", "IS": "write is null or is not null",
	"LIKE": "write startswith(x, 'a'), endswith(x, 'a') or contains(x, 'a')", "ILIKE": "write startswith(x, 'a'), endswith(x, 'a') or contains(x, 'a')",
	"BETWEEN": "write (x >= a) & (x <= b)", "XOR": "write ^",
}

// unexpected is the error of a token that cannot stand where it does.
func (p *parser) unexpected() error {
	t := p.tok
	switch {
	case p.last.isWord("NOT"):
		return p.src.fail(p.last.at, "unexpected %s: %s", p.last.text, foreign["NOT"])
	case t.kind == tokEnd:
		return p.src.fail(t.at, "the condition ends where something is missing")
	case t.kind == tokOperator && hints[t.text] != "":
		return p.src.fail(t.at, "%s", hints[t.text])
	case t.kind == tokOperator && strings.Contains("&|^", t.text) && p.last.closes(): // behind a comparison with null or a list
		return p.src.fail(t.at, "%s", bindsTighter(t.text))
	case t.kind == tokOperator && t.text == "." && p.last.kind == tokName:
		return p.dotted()
	case t.kind == tokConstant:
		return p.src.fail(t.at, "unexpected constant: an operator is missing before it")
	case t.kind == tokName && !t.quoted && foreign[strings.ToUpper(t.text)] != "":
		return p.src.fail(t.at, "unexpected %s: %s", t.text, foreign[strings.ToUpper(t.text)])
	}
	return p.src.fail(t.at, "unexpected %s", clip(t.text))
}

func (t token) isWord(word string) bool {
	return t.kind == tokName && !t.quoted && strings.ToUpper(t.text) == word
}

// closes tells a token that an expression may end with.
func (t token) closes() bool { return t.kind == tokName || t.text == ")" || t.text == "]" }

// dotted is the error of pos.x.
func (p *parser) dotted() error {
	at, path := p.last.at, p.last.text
	for p.is(".") {
		if err := p.advance(); err != nil || p.tok.kind != tokName {
			break
		}
		path += "/" + p.tok.text
		at.to = p.tok.at.to
		if err := p.advance(); err != nil {
			break
		}
	}
	if !slices.Contains(p.src.names, path) {
		return p.src.unknown(at, "members of a column are written with /, as pos/x%s", nearTo(path, p.src.names))
	}
	return p.src.fail(at, "members of a column are written with /: write %s", clip(path))
}
