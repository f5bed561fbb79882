package jail

import "C" // enter.c

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// environment makes a process run enter.c's constructor.
const environment = "MTFLIGHT_JAIL"

// Settle has a command confine itself when it starts, by calls of Enter and Seal that it makes. Its environment is set by then. The
// thread that starts it has to live as long as it does: the kernel ends it with that thread.
func Settle(cmd *exec.Cmd) {
	cmd.Env = append(cmd.Env, environment+"=1")
	cmd.Dir = "/" // where no relative name leads to anything of a user's
}

// Landlock tells whether the kernel has it: then a process that is confined looks into no process outside, whatever that allows.
func Landlock() bool {
	const version = 1
	n, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, version)
	return errno == 0 && n > 0
}

// Enter confines this process, which Settle prepared, to so many bytes of address space more than it has, and to the system calls that
// loading a library takes. An error says what is missing; the process then must not go on.
func Enter(memory int64) error {
	if err := entered(); err != nil {
		return err
	}
	limits := map[int]uint64{unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: 0, unix.RLIMIT_AS: virtualSize() + uint64(memory)}
	for what, n := range limits {
		if err := unix.Setrlimit(what, &unix.Rlimit{Cur: n, Max: n}); err != nil {
			return fmt.Errorf("limit %d: %w", what, err)
		}
	}
	return allow(append(loading(), working()...))
}

// Seal keeps this process from opening any file from now on, and from learning the names of those that it has.
func Seal() error { return allow(working()) }

// entered looks whether the constructor did its work.
func entered() error {
	var caps [2]unix.CapUserData
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capget(&head, &caps[0]); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	privileges, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	if err != nil || privileges != 1 || caps != [2]unix.CapUserData{} {
		return errors.New("this process was not started to be confined")
	}
	return nil
}

// virtualSize is what the Go runtime and libraries have reserved already, mostly without using it.
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
