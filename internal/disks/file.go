package disks

import (
	"context"
	"io"
	"io/fs"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/bufpool"
)

// File is an open file, read by calls that have a limit.
type File struct {
	*Lane
	f    *os.File
	conn syscall.RawConn // its descriptor; nil: it is read in place
}

// Hang, in tests, is called before a read, which has no memory of the kernel's then; it may hang.
var Hang atomic.Pointer[func(f *os.File)]

// NewFile is an open file of a lane.
func NewFile(l *Lane, f *os.File) File {
	out := File{Lane: l, f: f}
	if conn, err := f.SyscallConn(); err == nil && l != nil {
		out.conn = conn
	}
	return out
}

// Stat is os.File.Stat. Local file systems have in memory what is asked of an open file.
func (f File) Stat() (fs.FileInfo, error) {
	if !f.Waits() {
		return f.f.Stat()
	}
	return Ask(context.Background(), f.Lane, f.f.Stat)
}

// Close is os.File.Close, but does not wait where the file system may ask whoever holds it.
func (f File) Close() error {
	if !f.Waits() {
		return f.f.Close()
	}
	go f.f.Close()
	return nil
}

// ReadAt is os.File.ReadAt, but what is not in memory is waited for until the limit, or ctx, ends.
func (f File) ReadAt(ctx context.Context, p []byte, off int64) (n int, err error) {
	if f.conn == nil || f.disk.memory && Hang.Load() == nil {
		return f.f.ReadAt(p, off)
	}
	for n < len(p) {
		got, err := f.cached(p[n:], off+int64(n))
		n += got
		if n == len(p) || err != nil {
			return n, err
		}
		got, err = f.fetch(ctx, p[n:], off+int64(n))
		n += got
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// cached reads what is in memory; io.EOF at the end. Any other failure is told by reading.
func (f File) cached(p []byte, off int64) (int, error) {
	if f.disk.blunt.Load() || Hang.Load() != nil {
		return 0, nil
	}
	n, errno := 0, syscall.Errno(0)
	if err := f.conn.Control(func(fd uintptr) { n, errno = preadv2(fd, p, off) }); err != nil {
		return 0, err
	}
	switch {
	case errno == 0 && n == 0:
		return 0, io.EOF
	case errno == unix.EOPNOTSUPP || errno == unix.ENOSYS || errno == unix.EINVAL:
		f.disk.blunt.Store(true)
	}
	return n, nil
}

// preadv2 reads without waiting for the disk.
func preadv2(fd uintptr, p []byte, off int64) (int, syscall.Errno) {
	v := unix.Iovec{Base: unsafe.SliceData(p)}
	v.SetLen(len(p))
	n, _, errno := unix.Syscall6(unix.SYS_PREADV2, fd, uintptr(unsafe.Pointer(&v)), 1, uintptr(off), 0, unix.RWF_NOWAIT)
	if errno != 0 {
		return 0, errno
	}
	return int(n), 0
}

const (
	mostPiece  = 1 << 20  // bytes read at once
	smallPiece = 64 << 10 // so few are not counted, and are all where the budget has no room
)

// piece is bytes that were read, in memory of their own: a call that nobody waits for may still write there.
type piece struct {
	b     []byte
	err   error
	lease *bufpool.Lease // nil: it is not counted
}

// Close gives the memory back.
func (p piece) Close() error {
	if p.lease != nil {
		p.lease.Free(p.b)
		p.lease.Close()
	}
	return nil
}

// fetch reads the next piece of p.
func (f File) fetch(ctx context.Context, p []byte, off int64) (int, error) {
	n := len(p)
	got, err := Ask(ctx, f.Lane, func() (piece, error) {
		own := f.disk.all.room(min(n, mostPiece))
		if hang := Hang.Load(); hang != nil {
			(*hang)(f.f)
		}
		read, err := f.f.ReadAt(own.b, off)
		own.b, own.err = own.b[:read], err
		return own, nil
	})
	if err != nil {
		return 0, err
	}
	defer got.Close()
	return copy(p, got.b), got.err
}

// room is memory for n bytes, or fewer.
func (d *Disks) room(n int) piece {
	if d.Memory != nil && n > smallPiece {
		if l := d.Memory.TryLease(bufpool.Takes(int64(n))); l != nil {
			return piece{b: l.Allocate(n), lease: l}
		}
	}
	return piece{b: make([]byte, min(n, smallPiece))}
}
