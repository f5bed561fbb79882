package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
)

// pty is a pseudo-terminal of a width: what is written to screen arrives at its other end.
type pty struct {
	screen *os.File
	done   chan []byte
}

func newPTY(t *testing.T, width uint16) *pty {
	t.Helper()
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	require.NoError(t, err)
	n, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0))
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(int(slave.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: width}))
	p := &pty{slave, make(chan []byte, 1)}
	go func() {
		other := os.NewFile(uintptr(master), "ptmx")
		defer other.Close()
		all, _ := io.ReadAll(other) // ends with EIO when the screen is closed
		p.done <- all
	}()
	return p
}

// shown is all that was written, with plain line ends.
func (p *pty) shown(t *testing.T) string {
	t.Helper()
	require.NoError(t, p.screen.Close())
	select {
	case all := <-p.done:
		return strings.ReplaceAll(string(all), "\r\n", "\n")
	case <-time.After(time.Minute):
		t.Fatal("the terminal does not end")
		return ""
	}
}

// onTerminal runs one command line on a terminal.
func onTerminal(t *testing.T, width uint16, args ...string) string {
	t.Helper()
	p := newPTY(t, width)
	code := run(context.Background(), args, p.screen, p.screen)
	text := p.shown(t)
	require.Zero(t, code, "%v: %s", args, text)
	return text
}

// plain takes the colours away.
func plain(s string) string {
	for _, style := range []terminal.Style{terminal.Head, terminal.Faint, terminal.Name, terminal.Kind, terminal.Bad, "\x1b[0m"} {
		s = strings.ReplaceAll(s, string(style), "")
	}
	return s
}

func widest(text string) (most int) {
	for line := range strings.Lines(text) {
		most = max(most, terminal.Width(strings.TrimRight(line, "\n")))
	}
	return most
}

func TestTerminalWidth(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	for _, args := range [][]string{{"get", tables, "/events"}, {"ls", "../../testdata"}, {"get", arrays, "/wave/zlib"}, {"stats", tables, "/events"}} {
		narrow, wide := onTerminal(t, 80, args...), onTerminal(t, 160, args...)
		require.LessOrEqual(t, widest(narrow), 80, "%v\n%s", args, narrow)
		require.LessOrEqual(t, widest(wide), 160, args)
		require.Greater(t, widest(wide), 90, "%v uses the room\n%s", args, wide)
		require.NotContains(t, narrow, "\x1b")
	}
	several := onTerminal(t, 80, "ls", tables, pandas)
	require.Regexp(t, `(?m)^\S*tables.h5\nDATASET +KIND `, several, "files stand above their datasets")
	require.Regexp(t, `(?m)^\S*pandas.h5\n/fixed +frame `, several)
	require.Contains(t, onTerminal(t, 80, "ls", tables), "/deep/er/particles", "names of datasets are cut last")
	require.Contains(t, onTerminal(t, 80, "ls", "../../testdata/refused.h5"), "\n    filter: open filter 32700", "a note has lines of its own")
}

func TestTerminalColours(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "xterm")
	coloured := onTerminal(t, 120, "ls", tables)
	require.Contains(t, coloured, "\x1b[36m/events")
	t.Setenv("NO_COLOR", "1")
	bare := onTerminal(t, 120, "ls", tables)
	require.NotContains(t, bare, "\x1b")
	require.Equal(t, bare, plain(coloured), "colours move nothing")
	t.Setenv("NO_COLOR", "")
	require.NotContains(t, succeed(t, "ls", tables), "\x1b", "into a pipe")
	t.Setenv("TERM", "dumb")
	require.NotContains(t, onTerminal(t, 120, "ls", tables), "\x1b")
}

func TestTerminalLog(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	p := newPTY(t, 120)
	log, _, err := newLoggers("info", p.screen)
	require.NoError(t, err)
	log.Warn("a word", zap.String("file", "a.h5"), zap.String("dataset", ""), zap.Int("rows", 0), zap.Int("bytes", 70), zap.Skip(),
		zap.Duration("took", 1234567), zap.String("error", "no\x1b[1m such"), zap.Strings("roots", []string{"data"}))
	require.Regexp(t, `^\d\d:\d\d:\d\d\.\d{3}  WARN  a word  file=a.h5  bytes=70  took=1.23ms  error="no\\x1b\[1m such"  roots=\[data\]\n$`, p.shown(t))
	var piped bytes.Buffer
	log, _, err = newLoggers("info", &piped)
	require.NoError(t, err)
	log.Warn("a word")
	require.Regexp(t, `^\{"level":"warn","ts":".*","msg":"a word"\}\n$`, piped.String())
}
