package stage

import (
	"context"
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/fault"
)

const (
	page  = 4096
	huge  = 2 << 20
	align = 64
)

func round(n, to int64) int64 { return (n + to - 1) / to * to }

// pages is the size of n bytes in pages: huge ones if that takes not much more.
func pages(n int64) int64 {
	if size := round(n, huge); size <= n+n/4 {
		return size
	}
	return round(n, page)
}

// space is a file in shared memory that grows, counted in its store.
type space struct {
	store *Store
	file  *os.File
	path  string
	end   int64 // of what was allocated
	next  int64 // where the next region begins
	taken int64 // bytes of the store
}

func (s *Store) newSpace(kind string) (*space, error) {
	path := s.newPath(kind)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fault.New(fault.Exhausted, "stage: make a file: %s", reason(err))
	}
	return &space{store: s, file: f, path: path}, nil
}

// rename gives the file another name.
func (s *space) rename(kind string) error {
	path := s.store.newPath(kind)
	err := os.Rename(s.path, path)
	if err == nil {
		s.path = path
	}
	return err
}

// close gives the memory back and removes the name. Clients' mappings stay.
func (s *space) close() error {
	err := errors.Join(s.file.Close(), os.Remove(s.path))
	s.giveBack(s.taken)
	return err
}

func (s *space) giveBack(n int64) {
	s.store.give(n)
	s.taken -= n
}

// punch gives the pages back that lie wholly in [from, to).
func (s *space) punch(from, to int64) error {
	from, to = round(from, page), to/page*page
	if from >= to {
		return nil
	}
	err := unix.Fallocate(int(s.file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, from, to-from)
	if err != nil {
		return fault.New(fault.Precondition, "stage: give memory back: %w", err)
	}
	s.giveBack(to - from)
	return nil
}

// region is a mapped part of a space from which buffers are cut, one behind the other. It is a reader.Memory.
type region struct {
	at   int64 // in the file
	mem  []byte
	used int64

	ready  int64          // bytes that are allocated: the others must not be touched
	mapped unsafe.Pointer // nil: it is a part of another one
	size   uintptr        // that is mapped there
}

// mapping maps a part of the file, which need not be allocated yet, to an address at which huge pages can be used.
func (s *space) mapping(at, size int64) (*region, error) {
	size = round(size, page)
	n := uintptr(size + huge)
	first, err := unix.MmapPtr(-1, 0, nil, n, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fault.New(fault.Exhausted, "stage: map %d bytes: %w", size, err)
	}
	r := &region{at: at, mapped: first, size: n}
	first = unsafe.Add(first, (at-int64(uintptr(first)))&(huge-1))
	_, err = unix.MmapPtr(int(s.file.Fd()), at, first, uintptr(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_FIXED)
	if err != nil {
		return nil, errors.Join(fault.New(fault.Exhausted, "stage: map %d bytes: %w", size, err), r.unmap())
	}
	r.mem = unsafe.Slice((*byte)(first), size)
	return r, nil
}

// grow counts and allocates a region up to a size, but for what the file has already; false if the memory is not free just
// now and wait is not set.
func (s *space) grow(ctx context.Context, r *region, to int64, wait bool) (bool, error) {
	end := max(s.end, r.at+to)
	more := min(end-s.end, to-r.ready)
	ok, err := s.store.take(ctx, more, wait)
	if !ok || err != nil {
		return false, err
	}
	s.taken += more
	if err := s.allocate(r, to); err != nil {
		s.giveBack(more)
		return false, fault.New(fault.Exhausted, "stage: no room for %d bytes in shared memory: %w", to-r.ready, err)
	}
	r.ready, s.end = to, end
	return true, nil
}

// allocate has the kernel allocate a region up to a size before it is touched, so that a full file system is an error
// here and no fault later; nobody but this user could cut the file off. Huge pages where the kernel has them: clearing
// one, and mapping it here and at the client, costs a small part of what 512 pages do. It makes them of parts of the file
// that have a page at least.
func (s *space) allocate(r *region, to int64) error {
	from, end := r.at+r.ready, r.at+to
	if err := s.file.Truncate(max(end, s.end)); err != nil {
		return err
	}
	first, last := round(from, huge), end/huge*huge
	for at := first; at < last; at += huge {
		if err := s.fallocate(at, page); err != nil {
			return err
		}
	}
	if first < last {
		_ = unix.Madvise(r.mem[first-r.at:last-r.at], unix.MADV_COLLAPSE) // else they are small pages
	}
	if err := s.fallocate(from, end-from); err != nil {
		return err
	}
	_ = unix.Madvise(r.mem[r.ready:to], unix.MADV_POPULATE_WRITE) // else one after the other
	return nil
}

func (s *space) fallocate(at, size int64) error {
	for {
		err := unix.Fallocate(int(s.file.Fd()), 0, at, size)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// region is one of its own, allocated. It waits for memory.
func (s *space) region(ctx context.Context, n int64) (*region, error) {
	at, size := s.next, pages(n)
	if n >= huge {
		at = round(at, huge)
	}
	r, err := s.mapping(at, size)
	if err != nil {
		return nil, err
	}
	if _, err := s.grow(ctx, r, size, true); err != nil {
		return nil, errors.Join(err, r.unmap())
	}
	s.next = at + size
	return r, nil
}

func (r *region) unmap() error {
	first := r.mapped
	r.mapped, r.mem = nil, nil
	if first == nil {
		return nil
	}
	return unix.MunmapPtr(first, r.size)
}

// cut gives n bytes, which are allocated, as a region.
func (r *region) cut(n int64) *region {
	mem := r.Get(int(n))
	return &region{at: r.at + r.used - n, mem: mem}
}

// Get is part of reader.Memory.
func (r *region) Get(n int) []byte {
	from := round(r.used, align)
	if int64(n) > int64(len(r.mem))-from {
		return nil
	}
	r.used = from + int64(n)
	return r.mem[from : r.used : from+round(int64(n), align)]
}

// Holds is part of reader.Memory.
func (r *region) Holds(b []byte) bool {
	return r.mem != nil && r.offset(b) >= 0
}

// offset is where bytes lie in the region, -1 if elsewhere.
func (r *region) offset(b []byte) int64 {
	first, at := uintptr(unsafe.Pointer(unsafe.SliceData(r.mem))), uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	if cap(b) == 0 || at < first || at >= first+uintptr(len(r.mem)) {
		return -1
	}
	return int64(at - first)
}

// reason is an error of the operating system without the path.
func reason(err error) string {
	var p *os.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
