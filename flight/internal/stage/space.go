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
	align = 64
)

func round(n, to int64) int64 { return (n + to - 1) / to * to }

// space is a file in shared memory that grows by regions, counted in its store.
type space struct {
	store *Store
	file  *os.File
	path  string
	end   int64 // of the last region
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

// close gives the memory back and removes the name. Clients' mappings stay.
func (s *space) close() error {
	err := errors.Join(s.file.Close(), os.Remove(s.path))
	s.store.give(s.taken)
	s.taken = 0
	return err
}

// claim counts at least n bytes at the end of the file, without allocating them; -1 if the memory is not free just now
// and wait is not set.
func (s *space) claim(ctx context.Context, n int64, wait bool) (at, size int64, err error) {
	size = round(n, page)
	ok, err := s.store.take(ctx, size, wait)
	if !ok || err != nil {
		return -1, 0, err
	}
	at = s.end
	s.end += size
	s.taken += size
	return at, size, nil
}

// extend is claim for memory that is mapped: it is allocated before it is used, so that a full file system is an error
// here and no fault later.
func (s *space) extend(ctx context.Context, n int64, wait bool) (at, size int64, err error) {
	at, size, err = s.claim(ctx, n, wait)
	if at < 0 || err != nil {
		return -1, 0, err
	}
	if err := allocate(s.file, at, size); err != nil {
		return -1, 0, fault.New(fault.Exhausted, "stage: no room for %d bytes in shared memory: %w", size, err)
	}
	return at, size, nil
}

func allocate(f *os.File, at, size int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), 0, at, size)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
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
	s.store.give(to - from)
	s.taken -= to - from
	return nil
}

// region is a mapped part of a space from which buffers are cut, one behind the other. It is a reader.Memory.
type region struct {
	at   int64 // in the file
	mem  []byte
	used int64
}

// regions allocates and maps, all or, where the memory is not free just now, none: nil.
func (s *space) regions(ctx context.Context, sizes []int64, wait bool) ([]*region, error) {
	total := int64(0)
	for _, n := range sizes {
		total += round(n, page)
	}
	at, _, err := s.extend(ctx, total, wait)
	if at < 0 || err != nil {
		return nil, err
	}
	var out []*region
	for _, n := range sizes {
		size := round(n, page)
		mem, err := unix.Mmap(int(s.file.Fd()), at, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
		if err != nil {
			return out, fault.New(fault.Exhausted, "stage: map %d bytes: %w", size, err)
		}
		out = append(out, &region{at: at, mem: mem})
		at += size
	}
	return out, nil
}

func (r *region) unmap() error {
	mem := r.mem
	r.mem = nil
	if mem == nil {
		return nil
	}
	return unix.Munmap(mem)
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
