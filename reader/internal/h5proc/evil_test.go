package h5proc

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/jail"
)

// evil is a folder, open to all, with the plug-in of 398 that tries what none may do, as its flags say, and that of 399, which is good.
func evil(t *testing.T, flags ...string) string {
	t.Helper()
	dir := plugged(t)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "victim"), make([]byte, 4096), 0o666))
	more, err := exec.Command("pkg-config", "--cflags", "hdf5").Output()
	require.NoError(t, err)
	args := append([]string{"-shared", "-fPIC", "-pthread", "-DID=398", "-DPARENT=" + strconv.Itoa(os.Getpid()), "-DMEMORY=" + strconv.Itoa(memoryOfEvil), `-DVICTIM="` + filepath.Join(dir, "victim") + `"`,
		"-o", filepath.Join(dir, "libevil.so"), "../../testdata/plugins/evil.c"}, flags...)
	out, err := exec.Command("cc", append(args, strings.Fields(string(more))...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return dir
}

// memoryOfEvil is what its helper may have: as little as engines give.
const memoryOfEvil = 128 << 20

// asServer has this process be what `mtflight serve` is: no other of its user looks into it.
func asServer(t *testing.T) {
	require.NoError(t, unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
	t.Cleanup(func() { require.NoError(t, unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)) })
}

// What plug-ins try beside decoding fails, when they are loaded and when they have a chunk.
func TestPluginsAreConfined(t *testing.T) {
	asServer(t)
	evil(t)
	f := newFilters(t, Config{Helpers: 1, MemoryLimit: memoryOfEvil})
	require.NoError(t, f.Find(ctx, 398))
	got, err := f.Undo(ctx, chunks(398, 8192, []byte("chunk")))
	require.NoError(t, err)
	require.Equal(t, "loaded: working:", string(got[0]))
}

// Programs that embed the reader let others of their user look into them. With Landlock plug-ins do not get to.
func TestPluginsOfOtherProgramsAreConfined(t *testing.T) {
	if !jail.Landlock() {
		t.Skip("this kernel has no Landlock")
	}
	evil(t)
	f := newFilters(t, Config{Helpers: 1, MemoryLimit: memoryOfEvil})
	got, err := f.Undo(ctx, chunks(398, 8192, []byte("chunk")))
	require.NoError(t, err)
	require.Equal(t, "loaded: working:", string(got[0]))
}

// What is tried does succeed where nothing confines it, so the tests above and below can fail. As root it would change the machine.
func TestEvilPluginIsEvil(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root: TestPluginsAreConfinedForAnyUser runs it as another user")
	}
	evil(t)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), freeEnv+"=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	loaded, working, ok := strings.Cut(string(out), "working:")
	require.True(t, ok, "%s", out)
	for _, done := range []string{"tgkill", "kill", "pidfd_open", "pidfd_send_signal", "owner of signals", "environment of the parent",
		"memory of the parent", "process_vm_readv", "limits of the parent", "write a file", "make a file", "openat2",
		"fork", "clone3", "memfd", "socket", "socketpair", "limits", "memory", "prctl", "session"} {
		require.Contains(t, loaded, " "+done)
	}
	for _, done := range []string{"tgkill", "process_vm_readv", "fork", "socket", "prctl"} {
		require.Contains(t, working, " "+done)
	}
}

// The same of a user without any rights.
func TestPluginsAreConfinedForAnyUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root: TestPluginsAreConfined is that test")
	}
	dir, err := os.MkdirTemp("", "mtflight-user-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	const nobody = 65534
	require.NoError(t, os.Chown(dir, nobody, nobody))
	require.NoError(t, os.Chmod(dir, 0o755))
	self, err := os.Executable()
	require.NoError(t, err)
	for from, to := range map[string]string{self: "test", "../../testdata/plugins/flip.c": "testdata/plugins/flip.c", "../../testdata/plugins/evil.c": "testdata/plugins/evil.c"} {
		to = filepath.Join(dir, to)
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
		copyFile(t, from, to)
		require.NoError(t, os.Chmod(to, 0o755))
	}
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "internal", "h5proc"), 0o755))
	run := func(environ string, names ...string) {
		cmd := exec.Command(filepath.Join(dir, "test"), "-test.run", "^("+strings.Join(names, "|")+")$", "-test.v")
		cmd.Dir = filepath.Join(dir, "internal", "h5proc")
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir, "HOME=" + dir, environ}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		for _, name := range names {
			require.Contains(t, string(out), ": "+name, "%s", out)
		}
	}
	run("A=", "TestPluginsAreConfined", "TestPluginsOfOtherProgramsAreConfined", "TestEvilPluginIsEvil", "TestPluginsThatEndWorse")
	run(plainEnv+"=1", "TestPluginsAreConfined")
}

// Plug-ins that hold on, or destroy what they have, cost their call. The server goes on with other helpers.
func TestPluginsThatEndWorse(t *testing.T) {
	for _, how := range []string{"LOOP", "TERM", "PIPES", "GARBAGE", "BITS32"} {
		t.Run(how, func(t *testing.T) {
			evil(t, "-D"+how)
			f := newFilters(t, Config{Helpers: 1, MemoryLimit: memoryOfEvil, CallTimeout: 2 * time.Second})
			_, err := f.Undo(ctx, chunks(398, 8192, []byte("chunk")))
			require.ErrorIs(t, err, fault.DataLoss)
			require.ErrorContains(t, err, "its plug-in ended the helper process (")
			f.cfg.CallTimeout = time.Minute // what is good may be slow to start
			c := chunks(399, 3, []byte("one"))
			c.File = "another"
			got, err := f.Undo(ctx, c)
			require.NoError(t, err)
			require.Equal(t, inverted([]byte("one")), got[0])
		})
	}
}
