package collection

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/where"
)

// Memory is what was seen of files for earlier requests, and what is known of their values: a file that is the same by its identity is not
// opened again. It has a bounded number of files, of which those that were used longest ago give way. It is safe for concurrent use; a nil
// Memory has nothing.
type Memory struct {
	most func() int // files of each of the two

	mu         sync.Mutex
	young, old map[string]*sight   // by place and dataset; old is dropped when young is full
	kinds      map[string]*variant // of files that look the same, by question and key
}

// sight is what was seen of a dataset of a file. Its maps are replaced, never changed.
type sight struct {
	id     reader.Identity
	state  string
	rows   int64
	asked  map[string]shape // by question
	bounds reader.Bounds
}

// shape is how the batches of a file look to a question.
type shape struct {
	variant *variant
	row     int64 // about how many bytes a row takes
}

const (
	seenBytes  = 16 << 10 // of --memory for each file: a file takes about 500 bytes
	mostSeen   = 1 << 16
	mostKinds  = 1 << 10
	mostAsked  = 8       // questions of a file
	mostBounds = 64      // columns of a file
	askedBytes = 4 << 10 // of a question
)

// NewMemory has room for files as an engine has memory.
func NewMemory(of *reader.Engine) *Memory {
	m := &Memory{most: sync.OnceValue(func() int {
		_, budget := of.Memory()
		return int(max(64, min(mostSeen, budget/seenBytes/2)))
	})}
	m.clear()
	return m
}

func (m *Memory) clear() {
	m.young, m.old, m.kinds = map[string]*sight{}, map[string]*sight{}, map[string]*variant{}
}

// asking is what a survey asks of each file, as the memory knows it.
type asking struct {
	memory   *Memory
	dataset  string
	question string // "": it is not kept
}

func (m *Memory) asking(r reader.Request) asking {
	q := whole(r, r.Fields, "")
	q.Select, q.SortBy = r.Select, r.SortBy
	text, err := json.Marshal(q)
	if m == nil || err != nil || len(text) > askedBytes || r.Datasets != nil {
		return asking{}
	}
	return asking{m, r.Dataset, string(text)}
}

func (a asking) at(loc reader.Location) string {
	return loc.Path + "\x00" + loc.Name + "\x00" + a.dataset
}

// get is what was seen of a file that is still the same, and about how many bytes a row of it takes.
func (a asking) get(ctx context.Context, eng *reader.Engine, loc reader.Location, state string) (of member, row int64, ok bool) {
	if a.question == "" || loc.Store != nil {
		return of, 0, false
	}
	a.memory.mu.Lock()
	s := sight{}
	if found := a.memory.find(a.at(loc)); found != nil {
		s = *found
	}
	a.memory.mu.Unlock()
	as := s.asked[a.question]
	of = member{loc: loc, state: s.state, rows: s.rows, variant: as.variant, bounds: s.bounds}
	known := of.variant != nil && (state == "" || state == s.state)
	return of, as.row, known && eng.Is(ctx, loc, s.id)
}

// find is what is kept of a place; it is young then. Called locked.
func (m *Memory) find(at string) *sight {
	if s := m.young[at]; s != nil {
		return s
	}
	s := m.old[at]
	if s != nil {
		m.put(at, s)
	}
	return s
}

// put keeps what was seen at a place. Called locked.
func (m *Memory) put(at string, s *sight) {
	if len(m.young) >= m.most() {
		m.old, m.young = m.young, map[string]*sight{}
	}
	m.young[at] = s
}

// put keeps what was seen of a file, if nothing else decides about it, and gives what is known of its values.
func (a asking) put(l looked) reader.Bounds {
	if a.question == "" || !l.stands {
		return l.bounds
	}
	m, at := a.memory, a.at(l.loc)
	m.mu.Lock()
	defer m.mu.Unlock()
	v := m.kind(a.question, l.variant)
	s := m.find(at)
	if s == nil || s.id != l.id || len(s.asked) >= mostAsked {
		s = &sight{id: l.id}
	}
	next := &sight{id: l.id, state: l.state, rows: l.rows, asked: with(s.asked, map[string]shape{a.question: {v, l.row}}), bounds: with(s.bounds, l.bounds)}
	m.put(at, next)
	return next.bounds
}

// learn adds bounds of a file's values that were found in a state.
func (a asking) learn(loc reader.Location, id reader.Identity, bounds reader.Bounds) {
	if a.question == "" || len(bounds) == 0 {
		return
	}
	a.memory.mu.Lock()
	defer a.memory.mu.Unlock()
	s := a.memory.find(a.at(loc))
	if s == nil || s.id != id {
		return
	}
	next := *s
	next.bounds = with(s.bounds, bounds)
	a.memory.put(a.at(loc), &next)
}

// with is a copy of a map with more, which alone is kept where there is too much.
func with[M ~map[string]V, V any](of, more M) M {
	if len(more) == 0 {
		return of
	}
	out := M{}
	if len(of) < mostBounds {
		maps.Copy(out, of)
	}
	maps.Copy(out, more)
	return out
}

// kind is what files that look the same have in common, and nothing of one of them. Called locked.
func (m *Memory) kind(question string, v variant) *variant {
	key := question + v.key()
	if kept := m.kinds[key]; kept != nil {
		return kept
	}
	if len(m.kinds) >= mostKinds {
		m.clear()
	}
	bare := &variant{schema: arrow.NewSchema(v.schema.Fields(), nil), asked: v.asked, types: v.types, meanings: v.meanings, codes: v.codes}
	bare.info.Kind, bare.info.Layout, bare.info.Type, bare.info.Shape = v.info.Kind, v.info.Layout, v.info.Type, v.info.Shape
	m.kinds[key] = bare
	return bare
}

// ofCondition are those of some columns that a condition names.
func ofCondition(r reader.Request, types map[string]string) []string {
	if r.Where == nil {
		return nil
	}
	names, _, err := where.Names(*r.Where, slices.Sorted(maps.Keys(types)))
	if err != nil { // which planning tells
		return nil
	}
	return slices.DeleteFunc(names, func(name string) bool { return types[name] == "" })
}
