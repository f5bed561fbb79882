package stage

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/fault"
)

const (
	lockName     = "lock"
	serverPrefix = "s-" // of a server's directory
)

// directory is a server's own below the base that all servers of a user share. Its lock, held while the server lives,
// tells it from what dead servers have left.
type directory struct {
	path string
	lock *os.File
}

// openDirectory makes a directory for this server and removes those of dead ones. The base's lock keeps two servers
// from doing so at once.
func openDirectory(base string) (*directory, error) {
	if err := ownBase(base); err != nil {
		return nil, err
	}
	all, err := lockFile(filepath.Join(base, lockName), unix.LOCK_EX)
	if err != nil {
		return nil, fault.New(fault.Precondition, "stage: lock %s: %w", base, err)
	}
	defer all.Close()
	if err := sweep(base); err != nil {
		return nil, fault.New(fault.Precondition, "stage: remove leftovers in %s: %w", base, err)
	}
	path, err := os.MkdirTemp(base, fmt.Sprintf("%s%d-", serverPrefix, os.Getpid()))
	if err != nil {
		return nil, fault.New(fault.Precondition, "stage: %w", err)
	}
	lock, err := lockFile(filepath.Join(path, lockName), unix.LOCK_EX|unix.LOCK_NB)
	if err != nil {
		return nil, fault.New(fault.Precondition, "stage: lock %s: %w", path, err)
	}
	return &directory{path: path, lock: lock}, nil
}

// ownBase makes the base, or checks that it is this user's alone: in a directory for all, such as /dev/shm, anybody may
// have made it.
func ownBase(base string) error {
	if err := os.Mkdir(base, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fault.New(fault.Precondition, "stage: %w: choose another --stage-dir", err)
	}
	info, err := os.Lstat(base)
	if err != nil {
		return fault.New(fault.Precondition, "stage: %w", err)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.IsDir() || int(owner.Uid) != os.Getuid() || info.Mode().Perm()&0o077 != 0 {
		return fault.New(fault.Denied, "stage: %s must be a directory of this user with mode 0700: choose another --stage-dir", base)
	}
	return nil
}

// lockFile opens a file and locks it until it is closed.
func lockFile(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// sweep removes the directories whose servers are dead: their locks are free.
func sweep(base string) error {
	entries, err := os.ReadDir(base)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), serverPrefix) {
			continue
		}
		dir := filepath.Join(base, e.Name())
		lock, err := lockFile(filepath.Join(dir, lockName), unix.LOCK_EX|unix.LOCK_NB)
		if err != nil {
			continue // alive, or not ours to remove
		}
		err = os.RemoveAll(dir)
		lock.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// close removes the directory with all that is in it.
func (d *directory) close() error {
	return errors.Join(os.RemoveAll(d.path), d.lock.Close())
}
