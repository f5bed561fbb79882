package chunkstats

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
)

// Dir keeps Sets in a directory, a file for each HDF5 file. Several programs may share it: the last one to save wins.
type Dir struct {
	path   string
	budget *bufpool.Budget // of files on their way
}

const (
	suffix    = ".stats"
	temporary = ".tmp-"
)

// OpenDir makes a directory of mode 0700, or takes one that only this user may write to: who can write there decides
// which rows a condition finds. What it has of files that are gone is removed. budget is for files while they are read
// or written; what it has no room for is passed over. Errors: fault.Precondition, fault.Denied.
func OpenDir(path string, budget *bufpool.Budget) (*Dir, error) {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fault.New(fault.Precondition, "statistics: %w: choose another --stats-dir", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fault.New(fault.Precondition, "statistics: %w: choose another --stats-dir", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(owner.Uid) != os.Getuid() || info.Mode().Perm()&0o022 != 0 {
		return nil, fault.New(fault.Denied, "statistics: %s must be a directory of this user that nobody else may write to: choose another --stats-dir", path)
	}
	d := &Dir{path, budget}
	d.sweep()
	return d, nil
}

// sweep removes what is of no use any more. What cannot be removed is left.
func (d *Dir) sweep() {
	entries, _ := os.ReadDir(d.path)
	for _, e := range entries {
		name := filepath.Join(d.path, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), temporary):
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > time.Hour {
				_ = os.Remove(name)
			}
		case strings.HasSuffix(e.Name(), suffix):
			if of, err := about(name); err == nil && d.name(of) == name {
				if _, err := os.Stat(of); errors.Is(err, fs.ErrNotExist) {
					_ = os.Remove(name)
				}
			}
		}
	}
}

// about is the path of the HDF5 file that a file is about.
func about(name string) (string, error) {
	f, _, err := open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 8<<10))
	if err != nil || len(b) < len(magic)+4 || string(b[:len(magic)]) != magic {
		return "", errors.Join(err, errDamaged)
	}
	r := &cursor{b: b[len(magic)+4:]}
	k := r.key()
	if r.bad {
		return "", errDamaged
	}
	return k.path, nil
}

// open gives regular files only, and never waits.
func open(name string) (*os.File, int64, error) {
	f, err := os.OpenFile(name, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && info.Mode().IsRegular() {
		return f, info.Size(), nil
	}
	return nil, 0, errors.Join(err, f.Close(), errDamaged)
}

func (d *Dir) name(path string) string {
	sum := sha256.Sum256([]byte(path))
	return filepath.Join(d.path, hex.EncodeToString(sum[:16])+suffix)
}

// Load gives what is kept of a file in its present state, an empty Set if nothing is. What is of another state is
// removed; what is damaged is passed over. The Set is of the budget given; the caller closes it.
func (d *Dir) Load(path string, id blockio.Identity, budget *bufpool.Budget) *Set {
	f, size, err := open(d.name(path))
	if err != nil {
		return NewSet(budget)
	}
	defer f.Close()
	if !d.reserve(size) {
		return NewSet(budget)
	}
	defer d.budget.Return(size)
	b := make([]byte, size)
	if _, err := io.ReadFull(f, b); err != nil {
		return NewSet(budget)
	}
	k, s, err := decode(b, budget)
	if err != nil {
		return NewSet(budget)
	}
	if k != (key{path, id}) {
		s.Close()
		d.Drop(path)
		return NewSet(budget)
	}
	return s
}

// Save keeps what is new in a Set of a file's state, unless the file was changed just now.
func (d *Dir) Save(path string, id blockio.Identity, s *Set) error {
	if id.Fresh() {
		return nil
	}
	room := s.size() // of which the file takes less
	if !d.reserve(room) {
		return nil
	}
	defer d.budget.Return(room)
	if !s.takeNews() {
		return nil
	}
	f, err := os.CreateTemp(d.path, temporary)
	if err != nil {
		return err
	}
	_, err = f.Write(s.encode(key{path, id}))
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), d.name(path))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func (d *Dir) reserve(n int64) bool { return n <= d.budget.Limit() && d.budget.TryAcquire(n) }

// size is the bytes held.
func (s *Set) size() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.held
}

// takeNews tells whether something was noted since the last call.
func (s *Set) takeNews() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	news := s.news && !s.closed
	s.news = false
	return news
}

// Drop removes what is kept of a file.
func (d *Dir) Drop(path string) { _ = os.Remove(d.name(path)) }
