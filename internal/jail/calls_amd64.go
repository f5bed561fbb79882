package jail

import "golang.org/x/sys/unix"

// archWorking are calls of working that newer architectures have no more.
func archWorking() []rule {
	return anyOf(unix.SYS_POLL, unix.SYS_EPOLL_WAIT, unix.SYS_TIME, unix.SYS_GETRLIMIT)
}

// archLoading are those of loading.
func archLoading(writing uint32) []rule {
	return append(anyOf(unix.SYS_STAT, unix.SYS_LSTAT, unix.SYS_ACCESS, unix.SYS_READLINK),
		rule{unix.SYS_OPEN, []condition{{word(1), writing, unix.O_RDONLY}}})
}
