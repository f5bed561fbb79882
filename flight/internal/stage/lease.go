package stage

import (
	"crypto/rand"
	"encoding/hex"
	"sync"
	"time"

	"github.com/mtflight/mtflight/internal/fault"
)

// Lease keeps something staged until End, which a client, time or the end of its connection may call first.
type Lease struct {
	ID     string
	of     Owner
	Ring   *Ring // nil: of a File
	store  *Store
	once   sync.Once
	end    func() error
	err    error
	number int64 // in the order of leases
	// set by Expire, with the store's lock
	timer  *time.Timer
	forget func()
}

// Lease makes a lease that calls end once. of says whose it is, by whom alone it is found.
func (s *Store) Lease(of Owner, ring *Ring, end func() error) *Lease {
	var id [12]byte
	_, _ = rand.Read(id[:]) // never fails
	l := &Lease{ID: hex.EncodeToString(id[:]), of: of, Ring: ring, store: s, end: end}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leased++
	l.number, s.leases[l.ID] = s.leased, l
	return l
}

// Expire ends the lease after a time; forget is called when it has ended, however it did.
func (l *Lease) Expire(after time.Duration, forget func()) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	if l.store.leases[l.ID] != l {
		forget()
		return
	}
	l.timer, l.forget = time.AfterFunc(after, func() { _ = l.End() }), forget
}

// Find gives a lease of somebody's that has not ended; fault.NotFound otherwise.
func (s *Store) Find(of Owner, id string) (*Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.leases[id]; ok && l.of == of {
		return l, nil
	}
	return nil, fault.New(fault.NotFound, "stage: no such lease: it has ended, by release, by its time or with its connection, or is another connection's")
}

// End ends the lease. It may be called again, and by several goroutines; each gets the error of the first.
func (l *Lease) End() error {
	l.once.Do(func() {
		l.store.mu.Lock()
		delete(l.store.leases, l.ID)
		timer, forget := l.timer, l.forget
		l.store.mu.Unlock()
		if timer != nil {
			timer.Stop()
			forget()
		}
		l.err = l.end()
	})
	return l.err
}
