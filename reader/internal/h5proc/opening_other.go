//go:build !amd64

package h5proc

import "golang.org/x/sys/unix"

// opening are the calls that open files by a name, or tell one.
var opening = []uint32{unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_OPEN_BY_HANDLE_AT,
	unix.SYS_READLINKAT}
