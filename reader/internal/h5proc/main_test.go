package h5proc

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"

	"go.uber.org/goleak"
)

// confineEnv makes this program try what a helper must not do.
const confineEnv = "MTFLIGHT_TEST_CONFINE"

func TestMain(m *testing.M) {
	if os.Getenv(confineEnv) != "" {
		tryForbidden()
		return
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
	confine(1 << 30)
	_, err := net.Dial("tcp", "127.0.0.1:9")
	fmt.Println("dial:", err)
	fmt.Println("exec:", exec.Command("/bin/true").Run())
	f, err := os.Open("/proc/self/status")
	fmt.Println("read:", err)
	f.Close()
	wd, err := os.ReadDir(".")
	fmt.Println("folder:", len(wd), err)
	fmt.Println("write:", os.WriteFile(target, []byte("x"), 0o600)) // the last: the signal ends the process
}
