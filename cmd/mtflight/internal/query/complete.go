package query

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mtflight/mtflight/cmd/mtflight/internal/terminal"
	"github.com/mtflight/mtflight/flight/client"
)

// spoken are words of SQL that are often typed.
var spoken = strings.Fields("select from where group by order limit offset having join left using on as and or not in between is null like distinct count sum avg min max " +
	"case when then else end with union all exists over partition rows cast explain analyze desc asc true false median quantile_cont stddev")

const (
	maxTables    = 2000            // that are known for completion
	completeTime = 2 * time.Second // that a key waits for
	maxOffered   = 40
)

// words are what can be completed: names of tables and their columns, learned when a key asks for them first.
type words struct {
	server *client.Client
	asked  bool
	tables []offered
}

// offered is a table: its name in SQL, and its columns'.
type offered struct {
	name    string
	parts   []string
	columns []string
}

var errEnough = errors.New("enough")

// learn asks the server once. What does not come in time is not offered.
func (w *words) learn(ctx context.Context) {
	if w.asked {
		return
	}
	w.asked = true
	ctx, cancel := context.WithTimeout(ctx, completeTime)
	defer cancel()
	files := map[string]bool{}
	_ = w.server.List(ctx, client.Criteria{Frames: true}, func(d client.Dataset) error {
		if d.Schema == nil || terminal.Printable(d.File+d.Name) != d.File+d.Name {
			return nil
		}
		t := offered{parts: []string{d.File, d.Name}}
		for _, f := range d.Schema.Fields() {
			if terminal.Printable(f.Name) == f.Name {
				t.columns = append(t.columns, identifier(f.Name))
			}
		}
		files[d.File] = true
		if w.tables = append(w.tables, t); len(w.tables) == maxTables {
			return errEnough
		}
		return nil
	})
	for i := range w.tables {
		t := &w.tables[i]
		if t.name = quoted(t.parts[1]); len(files) > 1 {
			t.name = quoted(t.parts[0]) + "." + t.name
		}
	}
}

var simple = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// identifier is a name as SQL takes it, in quotes where it needs them.
func identifier(name string) string {
	if simple.MatchString(name) && !slices.Contains(spoken, name) {
		return name
	}
	return quoted(name)
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// wordOf is the word that a line ends in: a name of several parts in quotes, of which the last may lack its own.
func wordOf(line string) string {
	start := 0
	for i := 0; i < len(line); {
		n, before := piece(line[i:]), byte(' ')
		if i > 0 {
			before = line[i-1]
		}
		switch c := line[i]; {
		case c == '"' && (before == '.' || before == '"'), inWord(c) && inWord(before), c == '.' && before == '"':
		case c == '"', inWord(c):
			start = i
		default:
			start = i + n
		}
		i += n
	}
	return line[start:]
}

func inWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// candidates are what a word can become.
func (w *words) candidates(statement, word string) (all []string) {
	add := func(one string, others ...string) {
		fits := strings.HasPrefix(strings.ToLower(one), strings.ToLower(word))
		for _, other := range others {
			fits = fits || word != "" && strings.HasPrefix(strings.ToLower(strings.Trim(other, `/"`)), strings.ToLower(word))
		}
		if fits && !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	some := slices.ContainsFunc(w.tables, func(t offered) bool { return strings.Contains(statement, quoted(t.parts[1])) })
	for _, t := range w.tables {
		add(t.name, t.parts...)
		if !some || strings.Contains(statement, quoted(t.parts[1])) {
			for _, c := range t.columns {
				add(c, c)
			}
		}
	}
	if word != "" {
		for _, one := range spoken {
			add(one)
		}
	}
	return all
}

// common is the longest start of all.
func common(all []string) string {
	start := all[0]
	for _, one := range all[1:] {
		for !strings.HasPrefix(one, start) {
			start = start[:len(start)-1]
		}
	}
	return strings.ToValidUTF8(start, "")
}

// complete is term.Terminal's AutoCompleteCallback.
func (p *prompt) complete(line string, at int, key rune) (string, int, bool) {
	if key != '\t' {
		return "", 0, false
	}
	p.words.learn(p.command.Context())
	word := wordOf(line[:at])
	all := p.words.candidates(p.typed+line, word)
	if len(all) == 0 {
		return line, at, true
	}
	became := common(all)
	if len(all) == 1 {
		became += " "
	}
	if !strings.HasPrefix(strings.ToLower(became), strings.ToLower(word)) || became == word {
		p.offer(all)
		return line, at, true
	}
	head := line[:at-len(word)] + became
	return head + line[at:], len(head), true
}

// offer shows what there is to choose from.
func (p *prompt) offer(all []string) {
	shown := all[:min(len(all), maxOffered)]
	text := strings.Join(shown, "  ")
	if len(shown) < len(all) {
		text += fmt.Sprintf("  .. %d more", len(all)-len(shown))
	}
	fmt.Fprintln(p.screen, text)
}
