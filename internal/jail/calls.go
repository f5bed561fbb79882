package jail

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// working is what a helper may do for the rest of its life: read and write what it has open, have memory, threads, time and signals of
// its own.
func working() []rule {
	return slices.Concat(anyOf(
		unix.SYS_READ, unix.SYS_WRITE, unix.SYS_READV, unix.SYS_WRITEV, unix.SYS_PREAD64, unix.SYS_LSEEK, unix.SYS_FSTAT, unix.SYS_CLOSE,
		unix.SYS_PIPE2, unix.SYS_EVENTFD2, unix.SYS_PPOLL, unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT,
		unix.SYS_BRK, unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MPROTECT, unix.SYS_MREMAP, unix.SYS_MADVISE, unix.SYS_MINCORE,
		unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
		unix.SYS_FUTEX, unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_MEMBARRIER, unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY,
		unix.SYS_GETCPU, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
		unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_GETRES, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_NANOSLEEP, unix.SYS_GETTIMEOFDAY,
		unix.SYS_GETRUSAGE, unix.SYS_TIMES, unix.SYS_GETRANDOM, unix.SYS_UNAME, unix.SYS_SYSINFO,
		unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_GETUID, unix.SYS_GETEUID, unix.SYS_GETGID, unix.SYS_GETEGID,
	), archWorking(), threads(), signals(), descriptors(), limits())
}

// loading is what it takes beside that to load a library and to seal: files are opened for reading.
func loading() []rule {
	const writing = unix.O_ACCMODE | unix.O_CREAT | unix.O_TRUNC | unix.O_APPEND
	return append(append(anyOf(unix.SYS_SECCOMP, unix.SYS_NEWFSTATAT, unix.SYS_FACCESSAT, unix.SYS_GETDENTS64, unix.SYS_READLINKAT, unix.SYS_GETCWD),
		rule{unix.SYS_OPENAT, []condition{{word(2), writing, unix.O_RDONLY}}}), archLoading(writing)...)
}

// word is the lower half of an argument.
func word(argument uint32) uint32 { return 2 * argument }

// threads may be started, processes not, nor namespaces.
func threads() []rule {
	const thread, namespaces = unix.CLONE_VM | unix.CLONE_THREAD,
		unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET
	return []rule{{unix.SYS_CLONE, []condition{{word(0), thread | namespaces, thread}}}}
}

// signals go to this process alone: Go's runtime interrupts its threads by them, and abort ends with one.
func signals() []rule {
	return []rule{{unix.SYS_TGKILL, []condition{{word(0), ^uint32(0), uint32(os.Getpid())}}}}
}

// descriptors may be looked at and copied. F_SETOWN and F_SETSIG would send signals to others.
func descriptors() (rules []rule) {
	for _, command := range []uint32{unix.F_GETFL, unix.F_GETFD, unix.F_SETFD, unix.F_DUPFD, unix.F_DUPFD_CLOEXEC} {
		rules = append(rules, rule{unix.SYS_FCNTL, []condition{{word(1), ^uint32(0), command}}})
	}
	return rules
}

// limits of this process may be read.
func limits() []rule {
	const set = 2
	return []rule{{unix.SYS_PRLIMIT64, []condition{{word(0), ^uint32(0), 0}, {word(set), ^uint32(0), 0}, {word(set) + 1, ^uint32(0), 0}}}}
}
