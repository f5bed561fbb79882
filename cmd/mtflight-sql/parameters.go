package main

import "strings"

// substitute puts values in the places of a statement's parameters, ? or $1; without any, they stay.
func substitute(sql string, values []string) (string, error) {
	if len(values) == 0 {
		return sql, nil
	}
	var b strings.Builder
	next, most := 0, 0
	for i := 0; i < len(sql); {
		if n := skipped(sql[i:]); n > 0 {
			b.WriteString(sql[i : i+n])
			i += n
			continue
		}
		n, which := parameter(sql[i:])
		switch {
		case n == 0:
			b.WriteByte(sql[i])
			i++
			continue
		case which < 0:
			which = next
			next++
		}
		if which >= len(values) {
			return "", failed("invalid", "the statement has more parameters than there are values (%d)", len(values))
		}
		b.WriteString(" " + values[which] + " ")
		i, most = i+n, max(most, which+1)
	}
	if most < len(values) {
		return "", failed("invalid", "there are %d values for %d parameters of the statement", len(values), most)
	}
	return b.String(), nil
}

// parameter is the length of the one that a text begins with, and its place; -1: the next.
func parameter(s string) (n, which int) {
	if s[0] == '?' {
		n = 1
	} else if s[0] != '$' {
		return 0, 0
	} else {
		n = 1
	}
	value := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' && value < 1<<20 {
		value = 10*value + int(s[n]-'0')
		n++
	}
	switch {
	case value > 0:
		return n, value - 1
	case s[0] == '?':
		return 1, -1
	}
	return 0, 0
}

// skipped is the length of what a text begins with that holds no parameter: a quoted text or name, a comment, a word.
func skipped(s string) int {
	switch {
	case s[0] == '\'', s[0] == '"':
		return quoted(s, s[0])
	case (s[0] == 'e' || s[0] == 'E') && len(s) > 1 && s[1] == '\'':
		return 1 + escaped(s[1:])
	case strings.HasPrefix(s, "--"):
		if i := strings.IndexByte(s, '\n'); i >= 0 {
			return i
		}
		return len(s)
	case strings.HasPrefix(s, "/*"):
		return comment(s)
	case s[0] == '$':
		return dollars(s)
	case inWord(s[0]):
		n := 1
		for n < len(s) && (inWord(s[n]) || s[n] == '$') {
			n++
		}
		return n
	}
	return 0
}

func inWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// quoted ends at its quote; two of them are one inside.
func quoted(s string, by byte) int {
	for n := 1; n < len(s); n++ {
		if s[n] != by {
			continue
		}
		if n+1 == len(s) || s[n+1] != by {
			return n + 1
		}
		n++
	}
	return len(s)
}

// escaped is quoted with backslashes.
func escaped(s string) int {
	for n := 1; n < len(s); n++ {
		switch s[n] {
		case '\\':
			n++
		case '\'':
			if n+1 == len(s) || s[n+1] != '\'' {
				return n + 1
			}
			n++
		}
	}
	return len(s)
}

// comment may hold others.
func comment(s string) int {
	depth := 0
	for n := 0; n+1 < len(s); {
		switch s[n : n+2] {
		case "/*":
			depth++
			n += 2
		case "*/":
			depth--
			n += 2
			if depth == 0 {
				return n
			}
		default:
			n++
		}
	}
	return len(s)
}

// dollars is a text in $tag$ .. $tag$.
func dollars(s string) int {
	n := 1
	for n < len(s) && inWord(s[n]) && !(n == 1 && s[n] >= '0' && s[n] <= '9') {
		n++
	}
	if n == len(s) || s[n] != '$' {
		return 0
	}
	tag := s[:n+1]
	if i := strings.Index(s[n+1:], tag); i >= 0 {
		return n + 1 + i + len(tag)
	}
	return len(s)
}
