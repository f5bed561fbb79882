package query

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
)

// kept is how many lines of the history there are at most.
const kept = 1000

// history is the lines that were typed, the newest last, in a file of this user's own: a term.History. Where there can be no file it is of this
// prompt alone.
type history struct {
	path  string
	lines []string
}

// historyPath is where the XDG Base Directory Specification has it; "": nowhere.
func historyPath() string {
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "mtflight", "sql_history")
}

func readHistory(path string) *history {
	h := &history{path: path}
	f, err := os.Open(path)
	if err != nil {
		return h
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		h.lines = append(h.lines, lines.Text())
	}
	if more := len(h.lines) - kept; more > 0 {
		h.lines = h.lines[more:]
	}
	return h
}

// write keeps what there is; a history that cannot be kept is no reason to say anything.
func (h *history) write() {
	if h.path == "" || os.MkdirAll(filepath.Dir(h.path), 0o700) != nil {
		return
	}
	part, err := os.CreateTemp(filepath.Dir(h.path), ".sql_history") // 0600
	if err != nil {
		return
	}
	_, err = part.WriteString(strings.Join(h.lines, "\n") + "\n")
	if part.Close() != nil || err != nil || os.Rename(part.Name(), h.path) != nil {
		os.Remove(part.Name())
	}
}

// Add is part of term.History.
func (h *history) Add(line string) {
	if line = strings.TrimSpace(line); line == "" || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	h.lines = h.lines[max(0, len(h.lines)-kept):]
}

// Len is part of term.History.
func (h *history) Len() int { return len(h.lines) }

// At is part of term.History: 0 is the newest.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }
