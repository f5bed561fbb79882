package h5proc

import (
	"os"

	"golang.org/x/sys/unix"
)

// sharedBytes is the memory that a helper shares with its parent. Slabs that fit in go through it, which saves writing
// them to a pipe and reading them from it; others, or all where there is no such memory, go through the pipe.
const sharedBytes = 16 << 20

// share makes that memory, for reading, and the file that a helper maps it from. It is sealed at its size: whatever a
// helper does, reading it is no fault. The kernel gives the bytes when they are first written to.
func share() (*os.File, []byte, error) {
	fd, err := unix.MemfdCreate("mtflight-slab", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, nil, err
	}
	f := os.NewFile(uintptr(fd), "slab")
	if err = f.Truncate(sharedBytes); err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	var mem []byte
	if err == nil {
		mem, err = unix.Mmap(fd, 0, sharedBytes, unix.PROT_READ, unix.MAP_SHARED)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, mem, nil
}

// shared maps the parent's memory into this helper, if it has any.
func shared(n int) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	return unix.Mmap(5, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}
