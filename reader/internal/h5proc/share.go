package h5proc

import (
	"os"

	"golang.org/x/sys/unix"
)

// Memory that a helper shares with its parent. Bytes that fit in go through it, which saves writing them to a pipe and
// reading them from it. The kernel gives it page by page as it is first written to.
const (
	slabShared   = 16 << 20     // of slabs; larger ones go through the pipe
	filterShared = 2 * MaxChunk // of chunks, before and after
	keptShared   = 16 << 20     // of which so much is kept between calls
)

// share makes n bytes of it and the file that a helper maps it from. It is sealed at its size: whatever a helper does,
// looking at it is no fault.
func share(n int) (*os.File, []byte, error) {
	fd, err := unix.MemfdCreate("mtflight-shared", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, nil, err
	}
	f := os.NewFile(uintptr(fd), "shared")
	if err = f.Truncate(int64(n)); err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	var mem []byte
	if err == nil {
		mem, err = unix.Mmap(fd, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, mem, nil
}

// shared maps the parent's memory into this helper.
func shared(n int) ([]byte, error) {
	return unix.Mmap(5, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

// shed gives back what was used of the memory beyond what is kept.
func shed(mem []byte, used int) {
	if used > keptShared {
		_ = unix.Madvise(mem[keptShared:], unix.MADV_REMOVE)
	}
}
