package glob

import (
	"cmp"
	"strings"
)

// wild are the characters that make a name a pattern.
const wild = "*?["

// Pattern gives the glob that a name of files is, in which a backslash takes the meaning from the wildcard behind it; false where there is no other wildcard:
// it is one name then.
func Pattern(name string) (glob string, is bool) {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		c := name[i]
		switch {
		case c == '\\' && i+1 < len(name) && strings.IndexByte(wild, name[i+1]) >= 0:
			i++
			b.WriteString("[" + name[i:i+1] + "]")
			continue
		case strings.IndexByte(wild, c) >= 0:
			is = true
		}
		b.WriteByte(c)
	}
	return b.String(), is
}

// Natural compares names as people order them: numbers in them by what they are worth, run2 before run10.
func Natural(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		if digit(x[0]) && digit(y[0]) {
			var m, n string
			m, x = digits(x)
			n, y = digits(y)
			if c := cmp.Or(cmp.Compare(len(m), len(n)), cmp.Compare(m, n)); c != 0 {
				return c
			}
			continue
		}
		if x[0] != y[0] {
			return cmp.Compare(x[0], y[0])
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// digits takes a number without its zeros in front off a text.
func digits(s string) (number, rest string) {
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}
	return strings.TrimLeft(s[:n], "0"), s[n:]
}
