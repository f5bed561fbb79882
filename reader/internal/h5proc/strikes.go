package h5proc

import (
	"sync"
	"time"
)

// strikes counts the deaths of helpers by the state of the file that they served. One that was only stopped since it took too long
// may have had to wait for a disk: after as many of these the file rests for a while.
type strikes struct {
	mu    sync.Mutex
	count map[any]int
	late  map[any]lateness
}

// lateness is how often helpers took too long in a row, and when the last one did.
type lateness struct {
	n    int
	last time.Time
}

const (
	maxStrikes = 2
	maxBlamed  = 4096
	rest       = time.Minute // how long nothing is asked about a file for which helpers took too long
)

func newStrikes() strikes { return strikes{count: map[any]int{}, late: map[any]lateness{}} }

func (s *strikes) add(id any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.count) >= maxBlamed {
		clear(s.count)
	}
	s.count[id]++
}

// tooLate counts a helper that was stopped.
func (s *strikes) tooLate(id any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.late) >= maxBlamed {
		clear(s.late)
	}
	l := s.late[id]
	if time.Since(l.last) > rest {
		l.n = 0
	}
	s.late[id] = lateness{l.n + 1, time.Now()}
}

// rests tells whether nothing is asked now.
func (s *strikes) rests(id any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.late[id]
	return l.n >= maxStrikes && time.Since(l.last) < rest
}

// forgive takes back a death that did not happen again. Once it has, what else of the file does no harm counts no more.
func (s *strikes) forgive(id any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.late, id)
	if s.count[id] < maxStrikes {
		delete(s.count, id)
	}
}

// refuse is as many deaths as it takes.
func (s *strikes) refuse(id any) {
	s.add(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count[id] = maxStrikes
}

func (s *strikes) out(id any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[id] >= maxStrikes
}
