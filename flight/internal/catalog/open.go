package catalog

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Names are resolved to paths in which no link is left, which are looked at for whether a root holds them. What such a path leads
// to when it is opened is another question: anybody who may write there can put a link into the place of a folder meanwhile. So
// it is opened from the root's folder on, through folders alone.

const (
	forReading = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_CLOEXEC
	asPlace    = unix.O_PATH | unix.O_CLOEXEC // which needs no right to read
)

// open opens a file of the roots for reading, by its path without links. One that has become a link, or lies behind one, is not
// there: fs.ErrNotExist.
func (c *Catalog) open(disk string) (*os.File, error) {
	fd, err := c.openAs(disk, forReading)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: disk, Err: err}
	}
	return os.NewFile(uintptr(fd), disk), nil
}

// leads tells whether a path still leads to a folder of the roots.
func (c *Catalog) leads(disk string) bool {
	fd, err := c.openAs(disk, asPlace|unix.O_DIRECTORY)
	if err != nil {
		return false
	}
	_ = unix.Close(fd)
	return true
}

func (c *Catalog) openAs(disk string, flags int) (fd int, err error) {
	for _, r := range c.roots() {
		top := r.path
		switch {
		case r.file && disk == r.path:
			top = filepath.Dir(r.path)
		case !r.holds(disk) && disk != r.path:
			continue
		}
		below := strings.TrimPrefix(strings.TrimPrefix(disk, top), "/")
		fd, err = beneath(top, path.Clean(below), flags)
		if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EXDEV) || errors.Is(err, unix.ENOTDIR) {
			err = unix.ENOENT
		}
		return fd, err
	}
	return -1, unix.ENOENT
}

// beneath opens a path below a folder, without a link on the way.
func beneath(top, below string, flags int) (int, error) {
	dir, err := again(func() (int, error) { return unix.Open(top, asPlace|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0) })
	if err != nil {
		return -1, err
	}
	defer unix.Close(dir)
	fd, err := again(func() (int, error) { return openat2(dir, below, flags) })
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) { // kernels before 5.6, and sandboxes that don't know it
		return stepwise(dir, below, flags)
	}
	return fd, err
}

// openat2 is a variable for tests.
var openat2 = func(dir int, below string, flags int) (int, error) {
	return unix.Openat2(dir, below, &unix.OpenHow{Flags: uint64(flags),
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS})
}

// stepwise is openat2 by one folder after the other.
func stepwise(dir int, below string, flags int) (int, error) {
	at := dir
	defer func() {
		if at != dir {
			_ = unix.Close(at)
		}
	}()
	for {
		part, rest, more := strings.Cut(below, "/")
		if part == ".." {
			return -1, unix.EXDEV
		}
		if !more {
			return again(func() (int, error) { return unix.Openat(at, part, flags|unix.O_NOFOLLOW, 0) })
		}
		next, err := again(func() (int, error) { return unix.Openat(at, part, asPlace|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0) })
		if err != nil {
			return -1, err
		}
		if at != dir {
			_ = unix.Close(at)
		}
		at, below = next, rest
	}
}

// again asks once more where a signal came between, or a rename.
func again(open func() (int, error)) (fd int, err error) {
	for range 16 {
		if fd, err = open(); !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return fd, err
		}
	}
	return fd, err
}
