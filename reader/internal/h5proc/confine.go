package h5proc

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confine limits this process before it looks at any file: memory, no core dumps, no writing of files, no network, no
// programs. What the kernel does not offer is left out: the limits are a second line, not the first.
func confine(memory int64) {
	limit(unix.RLIMIT_CORE, 0)
	limit(unix.RLIMIT_FSIZE, 0)
	if memory > 0 {
		limit(unix.RLIMIT_AS, virtualSize()+uint64(memory))
	}
	_ = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	_ = deny(confined)
	leave()
}

// seal keeps this process from opening any file from now on, and from learning the names of those that it has.
func seal() { _ = deny(opening) }

func limit(what int, n uint64) {
	_ = unix.Setrlimit(what, &unix.Rlimit{Cur: n, Max: n})
}

// virtualSize is what the Go runtime has reserved already, mostly without using it.
func virtualSize() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	var pages uint64
	if err == nil {
		_, err = fmt.Fscan(bytes.NewReader(text), &pages)
	}
	if err != nil {
		pages = (2 << 30) / uint64(os.Getpagesize())
	}
	return pages * uint64(os.Getpagesize())
}

// leave goes to a folder that is gone, so that no relative name leads anywhere.
func leave() {
	dir, err := os.MkdirTemp("", "mtflight-h5-")
	if err == nil {
		err = os.Chdir(dir)
		_ = os.Remove(dir)
	}
	if err != nil {
		_ = os.Chdir("/proc/self/fdinfo")
	}
}

// confined calls fail with EPERM in all helpers.
var confined = []uint32{unix.SYS_SOCKET, unix.SYS_CONNECT, unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE,
	unix.SYS_IO_URING_SETUP, unix.SYS_KILL}

// deny installs a seccomp filter on all threads, beside those there are; numbers are those of the architecture compiled for.
func deny(calls []uint32) error {
	arch, ok := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	if !ok {
		return unix.ENOSYS
	}
	n := len(calls)
	const load = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	code := []unix.SockFilter{
		{Code: load, K: 4}, // seccomp_data.arch: another one's calls have other numbers
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: uint8(n + 2), K: arch},
		{Code: load, K: 0}, // seccomp_data.nr
	}
	for i, call := range calls {
		code = append(code, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: uint8(n - i), K: call})
	}
	code = append(code,
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)})
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return errno
	}
	return nil
}
