// Package glob has the patterns of names that clients write, and the order in which names that match come. Pure functions of text.
package glob

import (
	"cmp"
	"slices"
	"strings"
)

// Glob is a pattern as Python's fnmatch has it: * (and so **) is any run of characters, slashes too, ? one character, [ab-d] and
// [!ab-d] one of a set; there is no escape but [*]. An empty one matches all. It is taken apart once, so that the time that
// matching takes depends on the name alone, whatever the pattern. Safe for concurrent use.
type Glob struct {
	text  string
	items []item
	sets  []set
}

// item is one of a glob's: a character, or one of those below.
type item struct {
	kind kind
	r    rune
	set  int32
}

type kind uint8

const (
	one kind = iota
	anyOne
	anyRun
	oneOf
)

// set is ranges of characters, ascending and apart from each other.
type set struct {
	not    bool
	ranges [][2]rune
}

// New takes a pattern apart.
func New(text string) *Glob {
	g := &Glob{text: text}
	all := []rune(text)
	end := len(all) - 1 // the last ]
	for end >= 0 && all[end] != ']' {
		end--
	}
	for i := 0; i < len(all); i++ {
		switch r := all[i]; {
		case r == '*':
			if n := len(g.items); n == 0 || g.items[n-1].kind != anyRun {
				g.items = append(g.items, item{kind: anyRun})
			}
		case r == '?':
			g.items = append(g.items, item{kind: anyOne})
		case r == '[' && setStart(all, i) < end:
			close := setStart(all, i) + 1 // the first character may be a ]
			for all[close] != ']' {
				close++
			}
			g.items = append(g.items, item{kind: oneOf, set: int32(len(g.sets))})
			g.sets = append(g.sets, newSet(all[i+1:close]))
			i = close
		default:
			g.items = append(g.items, item{r: r})
		}
	}
	return g
}

// setStart is where the first character of a set stands that [ at a place begins.
func setStart(all []rune, at int) int {
	if at+1 < len(all) && all[at+1] == '!' {
		return at + 2
	}
	return at + 1
}

func newSet(text []rune) (s set) {
	if text[0] == '!' {
		s.not, text = true, text[1:]
	}
	for i := 0; i < len(text); i++ {
		low, high := text[i], text[i]
		if i+2 < len(text) && text[i+1] == '-' {
			high = text[i+2]
			i += 2
		}
		if low <= high {
			s.ranges = append(s.ranges, [2]rune{low, high})
		}
	}
	slices.SortFunc(s.ranges, func(a, b [2]rune) int { return cmp.Compare(a[0], b[0]) })
	joined := s.ranges[:0]
	for _, r := range s.ranges {
		if n := len(joined); n > 0 && r[0] <= joined[n-1][1] {
			joined[n-1][1] = max(joined[n-1][1], r[1])
		} else {
			joined = append(joined, r)
		}
	}
	s.ranges = joined
	return s
}

func (s set) holds(r rune) bool {
	i, _ := slices.BinarySearchFunc(s.ranges, r, func(have [2]rune, r rune) int { return cmp.Compare(have[1], r) })
	return (i < len(s.ranges) && s.ranges[i][0] <= r) != s.not
}

// All tells whether it is the empty one, or none.
func (g *Glob) All() bool { return g == nil || g.text == "" }

// Text is the pattern.
func (g *Glob) Text() string { return g.text }

// Match tells whether a name matches.
func (g *Glob) Match(name string) bool {
	if g.All() {
		return true
	}
	n := []rune(name)
	gi, ni, star, mark := 0, 0, -1, 0
	for ni < len(n) {
		switch {
		case gi < len(g.items) && g.items[gi].kind == anyRun:
			star, mark = gi, ni
			gi++
		case gi < len(g.items) && g.matches(g.items[gi], n[ni]):
			gi, ni = gi+1, ni+1
		case star < 0:
			return false
		default:
			mark++
			gi, ni = star+1, mark
		}
	}
	for gi < len(g.items) && g.items[gi].kind == anyRun {
		gi++
	}
	return gi == len(g.items)
}

func (g *Glob) matches(i item, r rune) bool {
	switch i.kind {
	case anyOne:
		return true
	case oneOf:
		return g.sets[i.set].holds(r)
	}
	return i.r == r
}

// Below tells whether a name that begins so can match a glob, as far as the glob's literal part tells.
func Below(begin, glob string) bool {
	start := Literal(glob)
	return strings.HasPrefix(begin, start) || strings.HasPrefix(start, begin)
}

// Literal is the part of a glob before its first special character.
func Literal(glob string) string {
	if i := strings.IndexAny(glob, "*?["); i >= 0 {
		return glob[:i]
	}
	return glob
}
