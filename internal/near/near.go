// Package near finds the names that someone may have meant by a misspelt one. Near finds them; Hint, Paths and Quoted
// word them for a message. They keep nothing of their arguments.
package near

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/internal/spell"
)

// Bounds on what is compared, since the comparison is quadratic in the names' lengths and linear in their number.
const (
	maxName  = 128
	maxNames = 1 << 12
	maxFound = 3
	cutoff   = 0.6
)

type match struct {
	name  string
	score float64
}

// Near returns at most three of names, the nearest first. The measure is that of Python's
// difflib.get_close_matches: twice the characters in common, as found by recursively taking the longest common run,
// over the sum of the lengths; 0.6 is near enough, and so is a path that ends in the name. Of very many names only the first ones are looked at.
func Near(name string, names []string) []string {
	want := []rune(name)
	if len(want) > maxName {
		return nil
	}
	var found []match
	for _, n := range names[:min(len(names), maxNames)] {
		if len(n) > 4*maxName {
			continue
		}
		score := similarity([]rune(n), want)
		if name != "" && strings.HasSuffix(n, "/"+name) {
			score = 1
		}
		if score >= cutoff {
			found = append(found, match{n, score})
		}
	}
	slices.SortFunc(found, func(a, b match) int {
		return cmp.Or(cmp.Compare(b.score, a.score), cmp.Compare(b.name, a.name))
	})
	out := make([]string, 0, maxFound)
	for _, m := range found[:min(len(found), maxFound)] {
		out = append(out, m.name)
	}
	return out
}

// Hint is the end of a message about a misspelt name: "", or the near ones as in (near: "a", "b").
func Hint(name string, names []string) string { return Paths("", Near(name, names)) }

// Paths is the hint of near names in a folder or group, with the path that leads to them.
func Paths(prefix string, found []string) string {
	if len(found) == 0 {
		return ""
	}
	return " (near: " + Quoted(prefix, found) + ")"
}

// Quoted lists names, each behind the prefix, for a message.
func Quoted(prefix string, names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = spell.Quote(prefix + n)
	}
	return strings.Join(quoted, ", ")
}

func similarity(a, b []rune) float64 {
	total := len(a) + len(b)
	if total == 0 {
		return 1
	}
	if 2*float64(min(len(a), len(b)))/float64(total) < cutoff { // can't be reached any more
		return 0
	}
	return 2 * float64(common(a, b)) / float64(total)
}

// common counts the characters of the longest common run, and of those left and right of it. Every call takes at
// least one character off, so it is no deeper than a name is long.
func common(a, b []rune) int {
	i, j, n := longest(a, b)
	if n == 0 {
		return 0
	}
	return n + common(a[:i], b[:j]) + common(a[i+n:], b[j+n:])
}

// longest finds the longest run in both, the earliest in a and then in b.
func longest(a, b []rune) (ai, bi, size int) {
	runs := make([]int, len(b)+1) // length of the run ending before b[j]
	for i := range a {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] != b[j] {
				runs[j+1] = 0
				continue
			}
			runs[j+1] = runs[j] + 1
			if n := runs[j+1]; n > size || n == size && i-n+1 == ai && j-n+1 < bi {
				ai, bi, size = i-n+1, j-n+1, n
			}
		}
	}
	return ai, bi, size
}
