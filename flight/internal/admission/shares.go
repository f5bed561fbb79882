package admission

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
)

// Shares are the calls that run, by whom they are for: so many at most. Beyond that one of whoever has the most gives way to one of who has fewer. Safe
// for concurrent use.
type Shares struct {
	most int

	mu  sync.Mutex
	all int
	of  map[any][]*Share // in the order they came
}

// Share is a call that runs.
type Share struct {
	of    *Shares
	owner any
	cut   func(error)
	stop  context.CancelCauseFunc
}

// NewShares lets most calls run at once.
func NewShares(most int) *Shares { return &Shares{most: most, of: map[any][]*Share{}} }

var (
	errTooMany = fault.Later(fault.New(fault.Exhausted, "as many calls run as the server takes at once, and no one has more of them than you: ask again later"))
	errGaveWay = fault.Later(fault.New(fault.Exhausted, "as many calls run as the server takes at once, you have most of them, and others came: ask again later, with fewer at once"))
)

// grace is how long a call that gives way has to end by itself: its client may take nothing.
const grace = 2 * time.Second

// Enter counts a call of an owner, which stop ends, and some time later cut, whatever its client does; where there are as many as may be, the newest one of who has the most ends, or this one does not begin: fault.Exhausted.
func (s *Shares) Enter(owner any, stop context.CancelCauseFunc, cut func(error)) (*Share, error) {
	mine := &Share{of: s, owner: owner, cut: cut, stop: stop}
	out, ok := s.enter(mine)
	if out != nil {
		out.stop(errGaveWay)
		time.AfterFunc(grace, func() { out.cut(errGaveWay) })
	}
	if !ok {
		return nil, errTooMany
	}
	return mine, nil
}

func (s *Shares) enter(mine *Share) (out *Share, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= s.most {
		all := s.fullest()
		if len(all) <= len(s.of[mine.owner])+1 {
			return nil, false
		}
		out = all[len(all)-1]
		s.remove(out)
	}
	s.of[mine.owner] = append(s.of[mine.owner], mine)
	s.all++
	return out, true
}

// fullest are the calls of who has the most. Called locked.
func (s *Shares) fullest() (most []*Share) {
	for _, all := range s.of {
		if len(all) > len(most) {
			most = all
		}
	}
	return most
}

// remove takes a call out, if it is in. Called locked.
func (s *Shares) remove(one *Share) {
	all := s.of[one.owner]
	at := slices.Index(all, one)
	if at < 0 {
		return
	}
	s.all--
	if s.of[one.owner] = slices.Delete(all, at, at+1); len(all) == 1 {
		delete(s.of, one.owner)
	}
}

// Leave is told that the call has ended; nil has not begun.
func (m *Share) Leave() {
	if m == nil {
		return
	}
	m.of.mu.Lock()
	defer m.of.mu.Unlock()
	m.of.remove(m)
}
