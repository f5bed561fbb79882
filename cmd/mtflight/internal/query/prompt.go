package query

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/term"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
)

// The prompt's two forms: for the first line of a statement, and for those that follow.
const (
	first = "sql> "
	more  = "...> "
)

// interrupt is what Ctrl-C sends to who reads keys.
const interrupt = 3

// keys are a terminal's, with what is shown there. Of Ctrl-C package term tells only that the input has ended.
type keys struct {
	io.Reader
	io.Writer
	interrupted bool
}

// Read is part of io.Reader.
func (k *keys) Read(p []byte) (int, error) {
	n, err := k.Reader.Read(p)
	k.interrupted = bytes.IndexByte(p[:n], interrupt) >= 0
	return n, err
}

// prompt asks for statements until the input ends. Errors are shown, and the next statement asked for.
func (s session) prompt(in *os.File) error {
	signal.Reset(os.Interrupt)                           // a Ctrl-C ends a statement here, not the program,
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // nor where it comes before or behind one
	h := readHistory(historyPath())
	defer h.write()
	p := prompt{session: s, in: in, history: h, words: words{server: s.server}}
	p.open()
	fmt.Fprintln(s.command.OutOrStdout(), "Statements end with ';'. Tab completes, Ctrl-D ends.")
	for {
		statement, err := p.read()
		switch {
		case errors.Is(err, io.EOF):
			fmt.Fprintln(s.command.OutOrStdout())
			return nil
		case err != nil:
			return err
		}
		p.answer(statement)
		if err := context.Cause(s.command.Context()); err != nil {
			return err
		}
	}
}

// prompt is a terminal that statements are typed at.
type prompt struct {
	session
	in      *os.File
	history *history
	words   words
	keys    *keys
	screen  *term.Terminal
	typed   string // of a statement that has not ended
}

// open begins with an empty line.
func (p *prompt) open() {
	p.keys = &keys{Reader: p.in, Writer: p.command.OutOrStdout()}
	p.screen = term.NewTerminal(p.keys, first)
	p.screen.History = p.history
	p.screen.AutoCompleteCallback = p.complete
	p.typed = ""
}

// read gives the next statement. io.EOF: there is none.
func (p *prompt) read() (string, error) {
	for {
		statements, rest := split(p.typed)
		if len(statements) > 0 {
			p.typed = strings.TrimPrefix(p.typed[len(p.typed)-len(rest):], "\n")
			p.typed = strings.Join(append(statements[1:], p.typed), ";\n")
			if len(statements) == 1 && blank(p.typed) {
				p.typed = ""
			}
			return statements[0], nil
		}
		line, err := p.line()
		switch {
		case errors.Is(err, io.EOF) && p.keys.interrupted:
			fmt.Fprintln(p.command.OutOrStdout(), "^C")
			p.open()
		case errors.Is(err, term.ErrPasteIndicator), err == nil:
			if p.typed += line + "\n"; blank(p.typed) {
				p.typed = ""
			}
		default:
			return "", err
		}
	}
}

// line reads one, with the terminal set so that each key comes as it is pressed.
func (p *prompt) line() (string, error) {
	p.screen.SetPrompt(first)
	if p.typed != "" {
		p.screen.SetPrompt(more)
	}
	state, err := term.MakeRaw(int(p.in.Fd()))
	if err != nil {
		return "", fmt.Errorf("the terminal: %w", err)
	}
	defer term.Restore(int(p.in.Fd()), state)
	if width, height, err := term.GetSize(int(p.in.Fd())); err == nil && width > 0 {
		_ = p.screen.SetSize(width, height) // of one of this width nothing is written
	}
	return p.screen.ReadLine()
}

// answer shows what a statement gives, or why it gives nothing.
func (p *prompt) answer(statement string) {
	if blank(statement) {
		return
	}
	ctx, stop := signal.NotifyContext(p.command.Context(), os.Interrupt)
	defer stop()
	err := p.askWith(ctx, statement)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		fmt.Fprintln(p.command.ErrOrStderr(), "interrupted")
	case err != nil:
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintln(p.command.ErrOrStderr(), terminal.Printable(strings.TrimRight(line, "\n")))
		}
	}
}
