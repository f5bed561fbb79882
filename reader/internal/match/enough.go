package match

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"sync/atomic"
)

// enough tells the workers from which place of a scan on nothing is wanted: those before it have as many matches as the
// limit asks for. Safe for concurrent use.
type enough struct {
	limit int64
	last  atomic.Int64 // place of a match behind which none is wanted

	mu    sync.Mutex
	total int64
	finds []matches
}

// matches is how many there are in a chunk, and the place of the last.
type matches struct{ n, last int64 }

// newEnough is nil, which is never reached, for a negative limit.
func newEnough(limit int64) *enough {
	if limit < 0 {
		return nil
	}
	e := &enough{limit: limit}
	e.last.Store(math.MaxInt64)
	return e
}

// reached tells whether a chunk whose first place this is can be left out.
func (e *enough) reached(place int64) bool { return e != nil && place > e.last.Load() }

// add counts the matches of a chunk.
func (e *enough) add(h []int64) {
	if e == nil || e.reached(h[0]) {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.finds = append(e.finds, matches{int64(len(h)), h[len(h)-1]})
	if e.total += int64(len(h)); e.total < e.limit {
		return
	}
	slices.SortFunc(e.finds, func(a, b matches) int { return cmp.Compare(a.last, b.last) })
	e.total = 0
	for i, f := range e.finds {
		if e.total += f.n; e.total >= e.limit {
			e.finds = e.finds[:i+1]
			e.last.Store(f.last)
			return
		}
	}
}
