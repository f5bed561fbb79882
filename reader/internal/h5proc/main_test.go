package h5proc

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"unsafe"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/jail"
)

// confineEnv makes this program try what a helper must not do.
const confineEnv = "MTFLIGHT_TEST_CONFINE"

// plainEnv runs tests as on a kernel without Landlock.
const plainEnv = "MTFLIGHT_TEST_PLAIN"

func withoutLandlock() {
	code := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_LANDLOCK_CREATE_RULESET, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	list := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&list)))
	if err != nil || errno != 0 || jail.Landlock() {
		panic(fmt.Sprint(err, errno))
	}
}

// freeEnv makes it call a plug-in that nothing confines.
const freeEnv = "MTFLIGHT_TEST_FREE"

func TestMain(m *testing.M) {
	if os.Getenv(confineEnv) != "" {
		tryForbidden()
		return
	}
	if os.Getenv(freeEnv) != "" {
		got, err := (&InProcess{}).Undo(ctx, chunks(398, 8192, []byte("chunk")))
		fmt.Printf("%s %v\n", got, err)
		return
	}
	if os.Getenv(plainEnv) != "" {
		withoutLandlock()
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}

func tryForbidden() {
	target := os.Getenv(confineEnv)
	demand(jail.Enter(1 << 30))
	_, err := net.Dial("tcp", "127.0.0.1:9")
	fmt.Println("dial:", err)
	fmt.Println("exec:", exec.Command("/bin/true").Run())
	f, err := os.Open("/proc/self/status")
	fmt.Println("read:", err)
	f.Close()
	out, err := os.Create(target)
	fmt.Println("create:", err)
	out.Close()
	trySealed()
}

// trySealed reads what is open already, and tries to open more.
func trySealed() {
	f, err := os.Open("/proc/self/status")
	fmt.Println("open:", err)
	demand(jail.Seal())
	_, err = f.Read(make([]byte, 1))
	fmt.Println("read:", err)
	for _, name := range []string{"/proc/self/status", fmt.Sprintf("/proc/self/fd/%d", f.Fd())} {
		_, err = os.Open(name)
		fmt.Println("open:", err)
	}
	_, err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	fmt.Println("name:", err)
}
