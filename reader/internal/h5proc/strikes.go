package h5proc

import "sync"

// strikes counts the deaths of helpers by the state of the file that they served.
type strikes struct {
	mu    sync.Mutex
	count map[any]int
}

const (
	maxStrikes = 2
	maxBlamed  = 4096
)

func (s *strikes) add(id any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.count) >= maxBlamed {
		clear(s.count)
	}
	s.count[id]++
}

// forgive takes back a death that did not happen again. Once it has, what else of the file does no harm counts no more.
func (s *strikes) forgive(id any) {
	s.mu.Lock()
	defer s.mu.Unlock()
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
