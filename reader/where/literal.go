package where

import (
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// number reads an integer, float or imaginary literal as Python writes them.
func (l *lexer) number() (token, error) {
	from, s := l.pos, l.text[l.pos:]
	n := numberLength(s)
	l.pos += n
	at := span{from, l.pos}
	if identifier(l.text[l.pos:]) > 0 {
		return token{}, l.src.fail(span{l.pos, l.pos + 1}, "a number runs into a name")
	}
	v, ok := parseNumber(s[:n])
	if !ok {
		return token{}, l.src.fail(at, "not a number: %s", clip(s[:n]))
	}
	return token{kind: tokConstant, val: constant{v: v}, at: at}, nil
}

func numberLength(s string) int {
	if len(s) > 1 && s[0] == '0' && strings.ContainsRune("xXoObB", rune(s[1])) {
		return 2 + run(s[2:], "0123456789abcdefABCDEF_")
	}
	n := run(s, "0123456789_")
	if n < len(s) && s[n] == '.' {
		n++
		n += run(s[n:], "0123456789_")
	}
	if e := exponent(s[n:]); e > 0 {
		n += e
	}
	if n < len(s) && (s[n] == 'j' || s[n] == 'J') {
		n++
	}
	return n
}

func exponent(s string) int {
	if s == "" || s[0] != 'e' && s[0] != 'E' {
		return 0
	}
	sign := min(1, run(s[1:], "+-"))
	digits := run(s[1+sign:], "0123456789_")
	if digits == 0 {
		return 0
	}
	return 1 + sign + digits
}

// run is the number of leading bytes of s that are in set.
func run(s, set string) int {
	for i := range len(s) {
		if strings.IndexByte(set, s[i]) < 0 {
			return i
		}
	}
	return len(s)
}

func parseNumber(s string) (any, bool) {
	if len(s) > maxDigits {
		return nil, false
	}
	if i, ok := parseInt(s); ok {
		return i, true
	}
	if !underscoresFine(s) || strings.ContainsAny(s, "xXoObB") {
		return nil, false
	}
	plain := strings.TrimRight(strings.ReplaceAll(s, "_", ""), "jJ")
	if plain == strings.ReplaceAll(s, "_", "") && !strings.ContainsAny(plain, ".eE") {
		return nil, false // a decimal integer with leading zeros
	}
	f, err := strconv.ParseFloat(plain, 64)
	if err != nil && f == 0 {
		return nil, false
	}
	if strings.HasSuffix(strings.ToLower(s), "j") {
		return complex(0, f), true
	}
	return f, true
}

func parseInt(s string) (*big.Int, bool) {
	if len(s) > 1 && s[0] == '0' && strings.Trim(s, "0_") == "" && underscoresFine(s) {
		return new(big.Int), true
	}
	if len(s) > 1 && s[0] == '0' && (isDigit(s[1]) || s[1] == '_') {
		return nil, false // 012 is octal in Go and nothing in Python
	}
	return new(big.Int).SetString(s, 0)
}

// underscoresFine tells that every underscore stands between two digits.
func underscoresFine(s string) bool {
	for i := range len(s) {
		if s[i] == '_' && (i == 0 || i == len(s)-1 || !isDigit(s[i-1]) || !isDigit(s[i+1])) {
			return false
		}
	}
	return true
}

// stringPrefix is the length of the prefix (b, r, ..) of the string literal that s begins with, -1 if there is none.
func stringPrefix(s string) int {
	for i := 0; i < min(3, len(s)); i++ {
		if s[i] == '\'' || s[i] == '"' {
			return i
		}
		if !strings.ContainsRune("bBrRuUfF", rune(s[i])) {
			break
		}
	}
	return -1
}

// quoted reads a string or bytes literal with a prefix of n bytes. Strings become their UTF-8 bytes.
func (l *lexer) quoted(n int) (token, error) {
	from := l.pos
	prefix := strings.ToLower(l.text[from : from+n])
	switch prefix {
	case "", "b", "r", "u", "br", "rb":
	default:
		return token{}, l.src.fail(span{from, from + n}, "a string can't begin with %s", prefix)
	}
	quote := l.text[from+n : from+n+1]
	if strings.HasPrefix(l.text[from+n:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	start := from + n + len(quote)
	size := stringEnd(l.text[start:], quote)
	if size < 0 {
		return token{}, l.src.fail(span{from, from + n + len(quote)}, "the string has no end")
	}
	l.pos = start + size + len(quote)
	t := token{kind: tokConstant, at: span{from, l.pos}, str: !strings.Contains(prefix, "b")}
	s, why := unescape(l.text[start:start+size], strings.Contains(prefix, "r"), t.str)
	if why != "" {
		return token{}, l.src.fail(t.at, "%s", why)
	}
	t.val = constant{v: s}
	return t, nil
}

func stringEnd(s, quote string) int {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '\n' && len(quote) == 1:
			return -1
		case strings.HasPrefix(s[i:], quote):
			return i
		}
	}
	return -1
}

const simpleEscapes = "n\nt\tr\ra\ab\bf\fv\v\\\\''\"\""

func unescape(s string, raw, str bool) (out, why string) {
	if !str && strings.IndexFunc(s, func(r rune) bool { return r > 127 }) >= 0 {
		return "", "bytes hold ASCII characters only: write '..' without b, or \\x escapes"
	}
	if raw || !strings.Contains(s, "\\") {
		return s, ""
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			i++
			continue
		}
		n, why := escape(&b, s[i+1:], str)
		if why != "" {
			return "", why
		}
		i += 1 + n
	}
	return b.String(), ""
}

// escape writes what the escape s (behind its backslash) stands for and returns its length.
func escape(b *strings.Builder, s string, str bool) (n int, why string) {
	c := s[0]
	if c == '\n' {
		return 1, ""
	}
	for i := 0; i < len(simpleEscapes); i += 2 {
		if simpleEscapes[i] == c {
			b.WriteByte(simpleEscapes[i+1])
			return 1, ""
		}
	}
	if n := min(3, run(s, "01234567")); n > 0 {
		return n, codePoint(b, s[:n], 8, str)
	}
	size := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	if size == 0 || !str && c != 'x' {
		if str && c == 'N' {
			return 0, `\N{..} is not understood: write \u and four hexadecimal digits`
		}
		b.WriteByte('\\') // Python keeps an escape that it does not know
		return 0, ""
	}
	if run(s[1:], "0123456789abcdefABCDEF") < size {
		return 0, "an escape is too short"
	}
	return 1 + size, codePoint(b, s[1:1+size], 16, str)
}

func codePoint(b *strings.Builder, digits string, base int, str bool) (why string) {
	v, err := strconv.ParseUint(digits, base, 32)
	switch {
	case !str:
		b.WriteByte(byte(v))
	case err != nil || v > utf8.MaxRune || !utf8.ValidRune(rune(v)):
		return "an escape is no character"
	default:
		b.WriteRune(rune(v))
	}
	return ""
}
