package blockio

import (
	"context"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
)

// Identity tells one state of a file from another. The time of change cannot be set by programs, which the one of
// modification can.
type Identity struct {
	Dev, Ino     uint64
	Size         int64
	Mtime, Ctime int64 // nanoseconds
}

// status is an identity, and what may change with its ctime though no byte does.
type status struct {
	Identity
	mode, uid, gid uint32
	links          uint64
}

// Identify asks the file system for a path's identity. Only regular files have one.
func Identify(ctx context.Context, d *disks.Disks, path string) (Identity, error) {
	info, err := disks.Known(ctx, d, path, func() (fs.FileInfo, error) { return os.Stat(path) })
	if err != nil {
		return Identity{}, err
	}
	s, err := statusOf(info)
	return s.Identity, err
}

func statusOf(info fs.FileInfo) (status, error) {
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() {
		return status{}, fault.New(fault.DataLoss, "not a regular file")
	}
	id := Identity{Dev: sys.Dev, Ino: sys.Ino, Size: sys.Size, Mtime: sys.Mtim.Nano(), Ctime: sys.Ctim.Nano()}
	return status{id, sys.Mode, sys.Uid, sys.Gid, uint64(sys.Nlink)}, nil
}

func stat(f interface{ Stat() (fs.FileInfo, error) }) (status, error) {
	info, err := f.Stat()
	if err != nil {
		return status{}, err
	}
	return statusOf(info)
}

// tick is that of the clock that local file systems take times from, at most.
const tick = 10 * time.Millisecond

// Freshness is the same of other file systems; a variable for tests.
var Freshness = 2 * time.Second

// rested is the status of a file, once a change would give it another one. One that is written all the time has the next
// one soon.
func rested(f *os.File) (s status, err error) {
	for range 3 {
		if s, err = stat(f); err != nil || !s.changedWithin(tick) {
			return s, err
		}
		time.Sleep(tick)
	}
	return s, nil
}

func (id Identity) changedWithin(d time.Duration) bool { return time.Since(time.Unix(0, id.Ctime)) < d }

// Fresh tells whether the file was changed so short a time ago that the file system may give the next change the same time.
func (id Identity) Fresh() bool { return id.changedWithin(Freshness) }

// Change is how an open file differs from what it was when it was opened.
type Change int

// The changes.
const (
	Same     Change = iota
	Relinked        // another mode, owner or number of links, at another time: its bytes may well be the same
	Grown           // written to, and not shorter
	Other
)

// Change asks the file system what has become of the file.
func (f *File) Change() Change {
	_, c := f.change()
	return c
}

func (f *File) change() (status, Change) { return f.door.change(*f.now.Load()) }

func (d onDisk) change(was status) (status, Change) {
	s, err := stat(d)
	switch {
	case err != nil || s.Dev != was.Dev || s.Ino != was.Ino || s.Size < was.Size:
		return s, Other
	case s == was:
		return s, Same
	case s.Size == was.Size && s.Mtime == was.Mtime && (s.mode != was.mode || s.links != was.links || s.uid != was.uid || s.gid != was.gid):
		return s, Relinked
	case s.Mtime != was.Mtime:
		return s, Grown
	}
	return s, Other
}

// Unchanged tells whether the file is what it was when it was opened, as far as the file system knows.
func (f *File) Unchanged() bool { return f.Change() == Same }

// Accept takes the file for the same though its mode, owner or links are others, where same says that its bytes are.
func (f *File) Accept(same func() bool) bool {
	s, c := f.change()
	if c != Relinked || !same() {
		return c == Same
	}
	was := f.now.Load()
	if again, c := f.change(); again != s || c != Relinked && c != Same { // the same by now: another one was done with it first
		return false
	}
	f.now.CompareAndSwap(was, &s)
	return true
}
