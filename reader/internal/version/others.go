package version

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/mtflight/mtflight/internal/fault"
)

// A state may end with marks of other files that elements lie in, sources and raw files, a few bytes for each: its name, as it is written in the
// file that names it, and its version. They are a set. So what a ticket's rows are not of is not opened for it.
const (
	markSep   = "+"
	markBytes = 6
	markText  = markBytes * 8 / 6
	maxMarks  = 1 << 16
)

type metKey struct{}

// met are the marks of a context: those that a state has, or that are learned.
type met struct {
	learns bool
	mu     sync.Mutex
	marks  map[string]bool
}

// Expect is a context in which Met refuses what a state has no mark of; a state without marks is of any.
func Expect(ctx context.Context, state string) context.Context {
	_, text, ok := strings.Cut(state, markSep)
	if !ok || !wellMarked(text) {
		return ctx
	}
	m := &met{marks: map[string]bool{}}
	for ; text != ""; text = text[markText:] {
		m.marks[text[:markText]] = true
	}
	return context.WithValue(ctx, metKey{}, m)
}

func wellMarked(text string) bool {
	return len(text)%markText == 0 && !strings.ContainsAny(text, ".~+")
}

// Met is told of each file that elements lie in beside the one that is read, by its name as that one has it; nil: it is not there. One that grows may
// have grown since. Errors: fault.Changed, where another version is meant.
func (v *Version) Met(ctx context.Context, name string, grows bool) error {
	m, _ := ctx.Value(metKey{}).(*met)
	if m == nil {
		return nil
	}
	mark := markOf(name, v.beside(grows))
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.learns {
		m.marks[mark] = true
		return nil
	}
	if !m.marks[mark] {
		return fault.New(fault.Changed, "it is not the file that the ticket was issued for: ask GetFlightInfo for a new ticket")
	}
	return nil
}

func markOf(name, state string) string {
	sum := sha256.Sum256([]byte(name + "\x00" + state))
	return base64.RawURLEncoding.EncodeToString(sum[:markBytes])
}

// With is State, of a file that grows or is followed, with marks of those that meet calls Met for. They are left out of what is followed, where ctx has
// ended meanwhile, and where there are more than 65,536.
func (v *Version) With(ctx context.Context, grows, followed bool, meet func(context.Context)) string {
	own := v.State(grows || followed)
	if followed || meet == nil || ctx.Err() != nil {
		return own
	}
	m := &met{learns: true, marks: map[string]bool{}}
	meet(context.WithValue(ctx, metKey{}, m))
	if ctx.Err() != nil || len(m.marks) == 0 || len(m.marks) > maxMarks {
		return own
	}
	return own + markSep + strings.Join(slices.Sorted(maps.Keys(m.marks)), "")
}

// beside is the state of a file that another one's elements lie in.
func (v *Version) beside(grows bool) string {
	switch {
	case v == nil:
		return ""
	case grows:
		return "grows-" + digest(v.kept)
	}
	return v.State(false)
}
