package terminal

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Printable replaces what could steer a terminal: names and values come from files that anyone may have written.
func Printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
}

// Width is how many cells of a terminal a text takes.
func Width(s string) int {
	if len(s) == 0 || s[0] < utf8.RuneSelf && isASCII(s) {
		return len(s)
	}
	return uniseg.StringWidth(s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Elide cuts a text to n cells, the last an ellipsis where something is left out.
func Elide(s string, n int) string {
	if Width(s) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	end, left := 0, n-1
	for g := uniseg.NewGraphemes(s); g.Next() && g.Width() <= left; {
		left -= g.Width()
		_, end = g.Positions()
	}
	return s[:end] + "…"
}

// Broken parts a text into lines of at most width cells, behind a blank, comma or semicolon where there is one in their second half.
func Broken(s string, width int) (lines []string) {
	for Width(s) > width {
		end := 0
		for g := uniseg.NewGraphemes(s); g.Next() && Width(s[:end])+g.Width() <= width; {
			_, end = g.Positions()
		}
		if end == 0 {
			break // one wider than the line
		}
		if at := strings.LastIndexAny(s[:end], " ,;") + 1; at > end/2 {
			end = at
		}
		lines, s = append(lines, strings.TrimRight(s[:end], " ")), strings.TrimLeft(s[end:], " ")
	}
	return append(lines, s)
}

// Padded fills a text up to a width.
func Padded(s string, width int, right bool) string {
	fill := strings.Repeat(" ", max(0, width-Width(s)))
	if right {
		return fill + s
	}
	return s + fill
}
