package stage

import (
	"errors"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// idleTime is how long the memory of a file is kept for the next one.
const idleTime = 5 * time.Second

// idle is a file whose lease has ended: without a name that anybody knows, but with its memory, which is dear to come by.
type idle struct {
	*space
	timer *time.Timer
}

// retire keeps a file for reuse, if it is worth it and has no holes, or closes it. All that is kept is at most half of what
// may be staged.
func (s *Store) retire(sp *space) error {
	if !s.recycles || sp.end < huge || sp.taken < sp.end || sp.taken > s.limit/2 || sp.rename(".idle") != nil {
		return sp.close()
	}
	s.mu.Lock()
	kept := &idle{space: sp}
	kept.timer = time.AfterFunc(idleTime, func() { _ = s.drop(func(k *idle) bool { return k == kept }) })
	s.idle = append(s.idle, kept)
	over := -s.limit / 2
	for _, k := range s.idle {
		over += k.taken
	}
	closed := s.closed
	s.mu.Unlock()
	return s.drop(func(k *idle) bool { // the oldest come first
		over -= k.taken
		return closed || over+k.taken > 0
	})
}

// reuse gives the file nearest to n bytes, within a factor of about two, that nobody has open or mapped, named anew; nil if
// there is none.
func (s *Store) reuse(kind string, n int64) *space {
	s.mu.Lock()
	defer s.mu.Unlock()
	best, away := -1, n+huge
	for i, k := range s.idle {
		if d := max(k.end-n, n-k.end); k.end >= n/2 && d < away && unused(k.file) {
			best, away = i, d
		}
	}
	if best < 0 {
		return nil
	}
	k := s.idle[best]
	if k.rename(kind) != nil {
		return nil
	}
	k.timer.Stop()
	k.next = 0
	s.idle = slices.Delete(s.idle, best, best+1)
	return k.space
}

// reclaim gives up the memory of all files that wait for reuse.
func (s *Store) reclaim() error {
	return s.drop(func(*idle) bool { return true })
}

// drop closes those of the idle files that are chosen.
func (s *Store) drop(chosen func(*idle) bool) error {
	s.mu.Lock()
	var gone []*idle
	s.idle = slices.DeleteFunc(s.idle, func(k *idle) bool {
		is := chosen(k)
		if is {
			gone = append(gone, k)
		}
		return is
	})
	s.mu.Unlock()
	var errs []error
	for _, k := range gone {
		k.timer.Stop()
		errs = append(errs, k.close())
	}
	return errors.Join(errs...)
}

// unused tells whether f, which may be written to, is the only open description of its file in any process; a mapping is
// one as well. Only then does Linux give a lease for writing.
func unused(f *os.File) bool {
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK)
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	}
	return err == nil
}

// tellsUse tries whether unused can be relied on here: it must see a mapping for reading of a closed descriptor, which
// other kernels and file systems may not.
func (s *Store) tellsUse() bool {
	sp, err := s.newSpace("probe")
	if err != nil {
		return false
	}
	defer sp.close()
	if sp.file.Truncate(page) != nil {
		return false
	}
	other, err := os.Open(sp.path)
	if err != nil {
		return false
	}
	mem, err := unix.Mmap(int(other.Fd()), 0, page, unix.PROT_READ, unix.MAP_SHARED)
	other.Close()
	if err != nil {
		return false
	}
	seen := !unused(sp.file)
	return unix.Munmap(mem) == nil && seen && unused(sp.file)
}
