package stage

// Owner is whose a lease is: who has asked, on a connection.
type Owner struct {
	Connection any
	Name       string // "": nobody who has logged in
}

// sharer is with whom an owner's leases count: those of the same name, on however many connections, or of the connection.
func (o Owner) sharer() any {
	if o.Name != "" {
		return o.Name
	}
	return o.Connection
}

// LeasesOf is how many leases count with somebody's.
func (s *Store) LeasesOf(o Owner) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts()[o.sharer()]
}

// counts are how many leases there are by who shares them. Called locked.
func (s *Store) counts() map[any]int {
	of := map[any]int{}
	for _, l := range s.leases {
		of[l.of.sharer()]++
	}
	return of
}

// GiveWay ends the oldest result of who has the most leases, where that is at least two more than somebody has. Rings, which are being written,
// stay. It is false where there is none.
func (s *Store) GiveWay(to Owner) (bool, error) {
	l := s.oldestOfMost(to)
	if l == nil {
		return false, nil
	}
	return true, l.End()
}

func (s *Store) oldestOfMost(to Owner) (found *Lease) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.counts()
	for _, l := range s.leases {
		n := of[l.of.sharer()]
		if l.Ring != nil || n < of[to.sharer()]+2 {
			continue
		}
		if found == nil || n > of[found.of.sharer()] || n == of[found.of.sharer()] && l.number < found.number {
			found = l
		}
	}
	return found
}
