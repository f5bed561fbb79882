package where

import (
	"strings"
	"unicode/utf8"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/near"

	"fmt"
)

const (
	maxShownNames = 20
	maxShownLine  = 100 // characters of the condition in a message
	maxShownWord  = 60
)

// source is the condition's text and what its errors mention.
type source struct {
	text  string
	names []string // in scope: variables, then columns
}

// fail makes the error of a piece of the text.
func (s *source) fail(at span, format string, args ...any) error {
	line, column, shown, caret := s.place(at)
	return fault.New(fault.Invalid, "condition: line %d, column %d: %s\n  %s\n  %s", line, column, fmt.Sprintf(format, args...), shown, caret)
}

// unknown is fail for a name that is none: it tells those that there are.
func (s *source) unknown(at span, format string, args ...any) error {
	return fault.New(fault.Invalid, "%w\n%s", s.fail(at, format, args...), s.scope())
}

// place finds line and column (both from 1, columns in characters), the line clipped around at, and carets under it.
func (s *source) place(at span) (line, column int, shown, caret string) {
	start := strings.LastIndexByte(s.text[:at.from], '\n') + 1
	end := start + lineEnd(s.text[start:])
	line = 1 + strings.Count(s.text[:start], "\n")
	before := []rune(s.text[start:at.from])
	marked := utf8.RuneCountInString(s.text[at.from:max(at.from, min(at.to, end))])
	whole := []rune(s.text[start:max(end, at.from)])
	column = 1 + len(before)
	from := max(0, len(before)-maxShownLine/2)
	to := min(len(whole), from+maxShownLine)
	marked = max(1, min(marked, to-len(before)))
	return line, column, printable(whole[from:to]),
		strings.Repeat(" ", len(before)-from) + "^" + strings.Repeat("~", marked-1)
}

func printable(line []rune) string {
	out := make([]rune, len(line))
	for i, r := range line {
		if r < ' ' || r == 127 || r == utf8.RuneError {
			r = ' '
		}
		out[i] = r
	}
	return string(out)
}

func (s *source) scope() string {
	if len(s.names) == 0 {
		return "no names are in scope"
	}
	shown := make([]string, 0, maxShownNames)
	for _, n := range s.names[:min(len(s.names), maxShownNames)] {
		shown = append(shown, clip(written(n)))
	}
	out := "names in scope: " + strings.Join(shown, ", ")
	if more := len(s.names) - len(shown); more > 0 {
		out += fmt.Sprintf(" and %d more", more)
	}
	return out
}

// nearTo is the hint at a misspelt column or variable: "" or " (near: a, b)".
func nearTo(name string, names []string) string { return nearHint(name, names, written) }

// nearHint shows the names near one.
func nearHint(name string, names []string, show func(string) string) string {
	found := near.Near(name, names)
	for i := range found {
		found[i] = clip(show(found[i]))
	}
	if len(found) == 0 {
		return ""
	}
	return " (near: " + strings.Join(found, ", ") + ")"
}

func clip(s string) string {
	runes := []rune(s)
	if len(runes) > maxShownWord {
		return printable(runes[:maxShownWord]) + ".."
	}
	return printable(runes)
}
