package stage

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/mtflight/mtflight/internal/fault"
)

// Budget is the memory that staged bytes count in; a reader.Engine is one.
type Budget interface {
	Reserve(ctx context.Context, n int64, wait bool) (bool, error)
	Return(n int64)
	// OnShortage has f called whenever bytes are not free that somebody wants, until stop is.
	OnShortage(f func()) (stop func())
}

// Store is a server's staged data. Safe for concurrent use.
type Store struct {
	dir    *directory
	limit  int64
	budget Budget
	number atomic.Int64 // of files named
	deaf   func()       // ends OnShortage

	recycles bool // files may be used again

	mu     sync.Mutex
	used   int64
	leases map[string]*Lease
	leased int64   // ever
	idle   []*idle // by age
	closed bool
}

// Open makes a store of at most limit bytes in a directory of its own below base, which is made if need be, and removes
// what dead servers have left there. Close it. Errors: fault.Precondition, fault.Denied.
func Open(base string, limit int64, budget Budget) (*Store, error) {
	dir, err := openDirectory(base)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, limit: limit, budget: budget, leases: map[string]*Lease{}}
	s.recycles = s.tellsUse()
	s.deaf = budget.OnShortage(func() { _ = s.reclaim() })
	return s, nil
}

// Close ends all leases and removes the directory. Runs that are placed here must have been released.
func (s *Store) Close() error {
	s.deaf()
	s.mu.Lock()
	s.closed = true
	var all []*Lease
	for _, l := range s.leases {
		all = append(all, l)
	}
	s.mu.Unlock()
	var errs []error
	for _, l := range all {
		errs = append(errs, l.End())
	}
	return errors.Join(append(errs, s.reclaim(), s.dir.close())...)
}

// Used is the number of bytes staged, with those of ended leases that wait for reuse.
func (s *Store) Used() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// Leases is how many results and rings there are.
func (s *Store) Leases() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.leases)
}

// newPath names a file.
func (s *Store) newPath(kind string) string {
	return filepath.Join(s.dir.path, fmt.Sprintf("%s-%d", kind, s.number.Add(1)))
}

// Fits refuses what can never be staged, before it is begun.
func (s *Store) Fits(bytes int64) error {
	if bytes > s.limit {
		return fault.New(fault.Exhausted, "stage: %d bytes are more than the %d that may be staged: ask for less, by DoGet, or raise --stage-memory", bytes, s.limit)
	}
	return nil
}

// take reserves bytes in limit and budget; false if they are not free just now and wait is not set.
func (s *Store) take(ctx context.Context, n int64, wait bool) (bool, error) {
	if n == 0 {
		return true, nil
	}
	if n > s.limit-s.Used() {
		_ = s.reclaim()
	}
	s.mu.Lock()
	if n > s.limit-s.used {
		defer s.mu.Unlock()
		return false, fault.New(fault.Exhausted, "stage: %d bytes more than the %d of %d that are in use: release leases, ask for less, or raise --stage-memory", n, s.used, s.limit)
	}
	s.used += n
	s.mu.Unlock()
	ok, err := s.budget.Reserve(ctx, n, wait)
	if !ok {
		s.count(-n)
	}
	return ok, err
}

func (s *Store) give(n int64) {
	if n > 0 {
		s.count(-n)
		s.budget.Return(n)
	}
}

func (s *Store) count(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used += n
}
