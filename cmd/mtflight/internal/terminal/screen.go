// Package terminal knows where output goes and lays it out there: a Screen is what a writer shows on, with its width and
// colours, a Grid a table fitted to it. Printable makes foreign text harmless.
package terminal

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Screen is what a writer shows on. The zero value is no terminal: of no width, without colours.
type Screen struct {
	Terminal bool
	Width    int // in cells; 0: without bounds
	colours  bool
}

// Of looks at a writer, which must be the file itself: behind a buffer a terminal is not seen.
func Of(w io.Writer) Screen {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return Screen{}
	}
	s := Screen{Terminal: true, Width: defaultWidth, colours: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
	if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
		s.Width = width
	}
	return s
}

// defaultWidth is of a terminal that does not tell its own.
const defaultWidth = 80

// Style is how a text stands out, by ANSI's codes (ECMA-48, select graphic rendition); "" does not.
type Style string

// The styles, by what they are for.
const (
	Plain Style = ""
	Head  Style = "\x1b[1m"  // bold
	Faint Style = "\x1b[2m"  // what is beside the point
	Name  Style = "\x1b[36m" // cyan
	Kind  Style = "\x1b[32m" // green
	Bad   Style = "\x1b[31m" // red
	reset       = "\x1b[0m"
)

// Coloured tells whether styles are seen.
func (s Screen) Coloured() bool { return s.colours }

// Paint is a text in a style, where colours are seen.
func (s Screen) Paint(style Style, text string) string {
	if !s.colours || style == Plain || text == "" {
		return text
	}
	return string(style) + text + reset
}
