package jail

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// A rule lets a system call through if all conditions hold. A call may have several rules.
type rule struct {
	call uintptr
	when []condition
}

// A condition is that a 32-bit word of an argument, and of it the bits of a mask, are as wanted. Word 2n is the lower half of argument n.
type condition struct{ word, mask, want uint32 }

// anyOf lets calls through whatever their arguments are.
func anyOf(calls ...uintptr) (rules []rule) {
	for _, c := range calls {
		rules = append(rules, rule{call: c})
	}
	return rules
}

// allow leaves only some system calls to all threads, beside what is forbidden already. Others fail with EPERM.
func allow(rules []rule) error {
	raw, err := bpf.Assemble(program(rules))
	if err != nil {
		return fmt.Errorf("system calls: %w", err)
	}
	code := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		code[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	list := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	stopped, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&list)))
	if errno != 0 || stopped != 0 {
		return fmt.Errorf("system calls: seccomp: %w (thread %d)", errno, stopped)
	}
	return nil
}

// Offsets in struct seccomp_data, and the answers.
const (
	numberAt, archAt, argumentsAt = 0, 4, 16

	yes   = unix.SECCOMP_RET_ALLOW
	no    = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	never = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS) // libc then takes an older call
	death = unix.SECCOMP_RET_KILL_PROCESS
)

// program is the rules one after the other. Another architecture's calls have other numbers: whoever makes one is ended.
func program(rules []rule) []bpf.Instruction {
	arch := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	code := []bpf.Instruction{
		bpf.LoadAbsolute{Off: archAt, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: arch, SkipTrue: 1},
		bpf.RetConstant{Val: death},
		bpf.LoadAbsolute{Off: numberAt, Size: 4},
	}
	for _, r := range rules {
		code = append(code, r.code()...)
	}
	return append(code,
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.SYS_CLONE3, SkipTrue: 1}, // its flags lie in memory, where a filter does not see them
		bpf.RetConstant{Val: never}, bpf.RetConstant{Val: no})
}

// code lets a call through, or goes on behind itself with the call's number loaded.
func (r rule) code() (code []bpf.Instruction) {
	const each = 3
	for i, c := range r.when {
		behind := uint8(each*(len(r.when)-i-1) + 1)
		code = append(code, bpf.LoadAbsolute{Off: argumentsAt + 4*c.word, Size: 4}, bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: c.mask},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: c.want, SkipFalse: behind})
	}
	code = append(code, bpf.RetConstant{Val: yes})
	if len(r.when) > 0 {
		code = append(code, bpf.LoadAbsolute{Off: numberAt, Size: 4})
	}
	return append([]bpf.Instruction{bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(r.call), SkipFalse: uint8(len(code))}}, code...)
}
