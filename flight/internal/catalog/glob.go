package catalog

import "strings"

// Match tells whether a name matches a glob as Python's fnmatch has it: * (and so **) is any run of characters,
// slashes too, ? one character, [ab-d] and [!ab-d] one of a set; there is no escape but [*]. An empty glob matches all.
func Match(glob, name string) bool {
	if glob == "" {
		return true
	}
	g, n := []rune(glob), []rune(name)
	gi, ni, star, mark := 0, 0, -1, 0
	for ni < len(n) {
		if gi < len(g) && g[gi] == '*' {
			star, mark = gi, ni
			gi++
			continue
		}
		if gi < len(g) {
			if width, ok := matchOne(g[gi:], n[ni]); ok {
				gi, ni = gi+width, ni+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark++
		gi, ni = star+1, mark
	}
	for gi < len(g) && g[gi] == '*' {
		gi++
	}
	return gi == len(g)
}

// matchOne matches one rune against the first item of g and tells how long that item is.
func matchOne(g []rune, r rune) (width int, ok bool) {
	switch g[0] {
	case '?':
		return 1, true
	case '[':
		if end := setEnd(g); end > 0 {
			return end + 1, inSet(g[1:end], r)
		}
	}
	return 1, g[0] == r
}

// setEnd is the index of the ] that ends the set g starts with, 0 if there is none.
func setEnd(g []rune) int {
	i := 1
	if i < len(g) && g[i] == '!' {
		i++
	}
	for i++; i < len(g); i++ { // the first character may be a ]
		if g[i] == ']' {
			return i
		}
	}
	return 0
}

func inSet(set []rune, r rune) bool {
	want := true
	if set[0] == '!' {
		set, want = set[1:], false
	}
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			if set[i] <= r && r <= set[i+2] {
				return want
			}
			i += 2
			continue
		}
		if set[i] == r {
			return want
		}
	}
	return !want
}

// literal is the part of a glob before its first special character.
func literal(glob string) string {
	if i := strings.IndexAny(glob, "*?["); i >= 0 {
		return glob[:i]
	}
	return glob
}
