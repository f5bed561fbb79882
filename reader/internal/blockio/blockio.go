// Package blockio reads byte ranges of a file, neighbours together.
//
// A File is an open file of one Identity; its methods may be used by several goroutines at once.
package blockio

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/span"
	"github.com/mtflight/mtflight/reader/internal/pages"
)

// File is an open file. The operating system's handle is closed by Close or with the last use of the File.
type File struct {
	f       *os.File // nil: it is in a store
	door    source
	lane    *disks.Lane
	id      Identity
	version string                 // that its store gives
	now     atomic.Pointer[status] // that is known to be of the same bytes
	kept    *pages.Area            // nil: nothing is

	tally *Tally
}

// Open opens a file for reading. It does not wait for the writer of a FIFO, which is an error as all but regular files. A file
// that was changed just now is waited for until its clock has gone on: the next change shows then. by opens paths for reading, without
// waiting; nil: any. A disk of d that does not answer is fault.Unavailable, from here on; nil: all are waited for.
func Open(ctx context.Context, d *disks.Disks, path string, by func(path string) (*os.File, error)) (*File, error) {
	o, err := disks.Known(ctx, d, path, func() (opened, error) { return openRested(path, by) })
	if err != nil {
		return nil, err
	}
	lane := d.Of(path).Lane(path)
	door := onDisk{disks.NewFile(lane, o.File)}
	out := &File{f: o.File, door: door, lane: lane, id: o.Identity, tally: new(Tally)}
	out.now.Store(&o.status)
	if lane.Waits() { // not by os.File's finalizer, behind which all others would wait
		runtime.AddCleanup(out, func(door source) { _ = door.Close() }, source(door))
	}
	return out, nil
}

// opened is a file with its status.
type opened struct {
	*os.File
	status
}

func openRested(path string, by func(path string) (*os.File, error)) (opened, error) {
	f, err := open(path, by)
	if err != nil {
		return opened{}, err
	}
	s, err := rested(f)
	if err != nil {
		err = errors.Join(err, f.Close())
	}
	return opened{f, s}, err
}

// Lane is where calls about the file wait for its disk.
func (f *File) Lane() *disks.Lane { return f.lane }

// Keep has k keep mapped what Read is asked for again and again, as long as the file is reachable. It is for the time
// before the first read. What may have to be asked of another machine or process is not mapped: a page fault waits for ever.
func (f *File) Keep(k *pages.Keeper) {
	if !f.mappable() {
		return
	}
	if f.kept = k.Of(f.f.Fd(), f.id.Size); f.kept != nil {
		runtime.AddCleanup(f, (*pages.Area).End, f.kept)
	}
}

// mappable tells whether the file may be mapped: whether no page of it is waited for longer than for a local disk.
func (f *File) mappable() bool { return f.f != nil && !f.lane.Waits() }

// Drop gives back what is kept of a file that will hardly be read again.
func (f *File) Drop() {
	f.kept.Drop()
	f.door.forget()
}

// openings counts files that were opened, by which those that wait for a descriptor see that others get some.
var openings atomic.Int64

const maxTries = 1000 // to open a file while others are

// open opens a path. Handles that are no longer used are closed by the garbage collector, which is asked to where there
// is none left.
func open(path string, by func(path string) (*os.File, error)) (*os.File, error) {
	if by == nil {
		by = func(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) }
	}
	for try, all, seen := 0, 0, openings.Load(); ; try, all = try+1, all+1 {
		f, err := by(path)
		if err == nil {
			openings.Add(1)
		}
		if now := openings.Load(); now != seen && all < maxTries { // others got what was closed: there is more
			try, seen = 0, now
		}
		switch {
		case !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE):
			return f, err
		case try >= 8: // a quarter of a second
			return nil, fault.New(fault.Unavailable, "too many files are open: raise the server's limit (ulimit -n) or try again later")
		}
		runtime.GC()
		time.Sleep(time.Millisecond << try) // they are closed beside it
	}
}

// Look calls use with n bytes from off, without reading them, if they are kept, and says so: pages.Area.Look.
func (f *File) Look(off, n uint64, use func(b []byte)) (looked bool, err error) {
	if !f.lane.Well() { // what is mapped may be gone, and a page fault waits for ever
		return false, nil
	}
	if looked, err = f.kept.Look(off, n, use); looked {
		f.tally.Mapped.Add(int64(n))
	}
	if err != nil {
		err = fault.New(fault.DataLoss, "%d bytes at address %d: %w", n, off, err)
	}
	runtime.KeepAlive(f)
	return looked, err
}

// Close closes the file, and does not wait for its disk.
func (f *File) Close() error { return f.door.Close() }

// Handle is the operating system's handle, for reading; it is not the caller's to close. That of a file in a store is nil.
func (f *File) Handle() *os.File { return f.f }

// Identity is the file's when it was opened.
func (f *File) Identity() Identity { return f.id }

// ReadAt is io.ReaderAt, for what is read in small pieces and again.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	return f.door.peek(context.Background(), p, off)
}

// Read fills p from off; a file that ends before is DataLoss.
func (f *File) Read(ctx context.Context, p []byte, off uint64) error {
	_, one := span.Start(ctx, "read file")
	one.Note("address", int64(off))
	one.Note("bytes", int64(len(p)))
	err := f.read(ctx, p, off)
	one.End(err)
	return err
}

func (f *File) read(ctx context.Context, p []byte, off uint64) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if off > uint64(f.id.Size) || uint64(len(p)) > uint64(f.id.Size)-off {
		return fault.New(fault.DataLoss, "%d bytes at address %d lie beyond the end of the file (%d bytes): it is truncated", len(p), off, f.id.Size)
	}
	if done, err := f.mapped(p, off); err != nil {
		return fault.New(fault.DataLoss, "%d bytes at address %d: %w", len(p), off, err)
	} else if done {
		f.tally.Mapped.Add(int64(len(p)))
		runtime.KeepAlive(f)
		return nil
	}
	n, err := f.door.ReadAt(ctx, p, int64(off))
	f.tally.Reads.Add(1)
	f.tally.Read.Add(int64(n))
	if n == len(p) {
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	if errors.Is(err, io.EOF) {
		return fault.New(fault.DataLoss, "%d bytes at address %d: the file ends after %d of them", len(p), off, n)
	}
	kind := fault.DataLoss
	if errors.Is(err, fault.Changed) {
		kind = fault.Changed
	}
	return fault.New(kind, "%d bytes at address %d: %w", len(p), off, err)
}

// mapped reads what is kept.
func (f *File) mapped(p []byte, off uint64) (done bool, err error) {
	if !f.lane.Well() {
		return false, nil
	}
	return f.kept.Read(p, off)
}
