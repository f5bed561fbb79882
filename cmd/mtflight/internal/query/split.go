package query

import "strings"

// split takes apart what ends in a ';' of its own: not one of a text, a name or a comment. rest is what has not ended yet.
func split(text string) (statements []string, rest string) {
	start := 0
	for i := 0; i < len(text); {
		if text[i] != ';' {
			i += piece(text[i:])
			continue
		}
		statements = append(statements, strings.TrimSpace(text[start:i]))
		i++
		start = i
	}
	return statements, text[start:]
}

// piece is the length of what a text begins with: a quoted text or name, a comment, or one character.
func piece(s string) int {
	switch {
	case s[0] == '\'' && len(s) > 1, s[0] == '"' && len(s) > 1:
		return 1 + until(s[1:], s[:1]) // two of them inside are the end of one and the start of another
	case strings.HasPrefix(s, "--"):
		return until(s, "\n")
	case strings.HasPrefix(s, "/*"):
		return 2 + until(s[2:], "*/")
	case strings.HasPrefix(s, "$$"):
		return 2 + until(s[2:], "$$")
	}
	return 1
}

// until is where a text ends that ends with what is given, or with all there is.
func until(s, end string) int {
	if i := strings.Index(s, end); i >= 0 {
		return i + len(end)
	}
	return len(s)
}

// blank tells whether there is nothing to ask: spaces and comments alone.
func blank(s string) bool {
	for len(s) > 0 {
		n := piece(s)
		if strings.TrimSpace(s[:n]) != "" && !strings.HasPrefix(s, "--") && !strings.HasPrefix(s, "/*") {
			return false
		}
		s = s[n:]
	}
	return true
}
