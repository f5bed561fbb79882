package blockio

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
)

// Mapping is bytes of a file in the process's address space. Only the kernel may touch them: where the file has been
// cut off meanwhile, a system call given them fails with EFAULT, but a look at them kills the process.
type Mapping struct {
	pages []byte // whole
	bytes []byte
	lane  *disks.Lane
}

// Map maps n bytes from off. It may be called again for the same bytes; each mapping has to be closed.
func (f *File) Map(off, n uint64) (*Mapping, error) {
	if n == 0 || off > uint64(f.id.Size) || n > uint64(f.id.Size)-off {
		return nil, fault.New(fault.DataLoss, "%d bytes at address %d lie beyond the end of the file (%d bytes): it is truncated", n, off, f.id.Size)
	}
	if !f.mappable() { // a page fault would, for ever
		return nil, errors.ErrUnsupported
	}
	lead := off % uint64(os.Getpagesize())
	pages, err := unix.Mmap(int(f.f.Fd()), int64(off-lead), int(n+lead), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	f.tally.Mapped.Add(int64(n))
	return &Mapping{pages: pages, bytes: pages[lead : lead+n : lead+n], lane: f.lane}, nil
}

// Bytes are what is mapped, valid until Close.
func (m *Mapping) Bytes() []byte { return m.bytes }

// Load brings the bytes into memory, if the kernel can (Linux 5.14), so that nobody waits for them later.
func (m *Mapping) Load(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	pages := m.pages // which may have become others' when a call returns late: it touches nothing but the kernel's tables
	errno, err := disks.Ask(ctx, m.lane, func() (error, error) { return unix.Madvise(pages, unix.MADV_POPULATE_READ), nil })
	if err == nil {
		err = errno
	}
	if err == nil || errors.Is(err, unix.EINVAL) || ctx.Err() != nil {
		return ctx.Err()
	}
	return fault.New(fault.DataLoss, "%d mapped bytes: %w", len(m.bytes), err)
}

// Close ends the mapping.
func (m *Mapping) Close() error { return unix.Munmap(m.pages) }
