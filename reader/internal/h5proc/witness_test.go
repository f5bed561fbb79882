package h5proc

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/jail"
)

// A helper has a descriptor and no name, so it does not matter what became of the file's.
func TestWitnessNeedsNoName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.h5")
	copyFile(t, "../h5c/testdata/tree.h5", path)
	f := opened(t, path)
	require.NoError(t, os.Remove(path))
	for _, s := range []source{&InProcess{}, witnesses(t, Config{Helpers: 1})} {
		tree, err := s.Tree(ctx, f)
		require.NoError(t, err)
		require.Len(t, tree.Datasets, 7)
		require.NoError(t, s.ReadSlab(ctx, f, "/grid", []uint64{0, 0}, []uint64{1, 1}, make([]byte, 4)))
	}
}

// What a witness takes is of the budget while it is asked, however that ends; that of slabs whoever asks for them has.
func TestWitnessIsInTheBudget(t *testing.T) {
	f := fixture(t, "tree.h5")
	budget := bufpool.NewBudget(WitnessBytes, time.Hour)
	most := int64(0)
	pool := witnesses(t, Config{Helpers: 1, Budget: budget, wait: func(cmd *exec.Cmd) {
		most = max(most, budget.Used())
		_ = cmd.Wait()
	}})
	_, err := pool.Tree(ctx, f)
	require.NoError(t, err)
	_, err = pool.Dataset(ctx, f, "/none")
	require.ErrorIs(t, err, fault.NotFound)
	require.EqualValues(t, WitnessBytes, most)
	require.Zero(t, budget.Used())

	require.NoError(t, budget.Acquire(ctx, 1))
	late, cancel := context.WithCancel(ctx)
	defer budget.OnShortage(cancel)()
	_, err = pool.Tree(late, f)
	require.ErrorIs(t, err, context.Canceled, "it waits for its turn")
	require.EqualValues(t, 1, budget.Used())
	require.NoError(t, pool.ReadSlab(ctx, f, "/grid", []uint64{0, 0}, []uint64{1, 1}, make([]byte, 4)))
	budget.Return(1)

	dead := witnesses(t, Config{Helpers: 1, Budget: budget, Command: []string{"/bin/false"}})
	_, err = dead.Tree(ctx, f)
	require.ErrorIs(t, err, fault.Unavailable)
	require.Zero(t, budget.Used())
}

// Of all that the server has open a witness gets its file alone, and cannot write to it.
func TestWitnessGetsOneDescriptor(t *testing.T) {
	f := fixture(t, "tree.h5")
	opened(t, "../h5c/testdata/other.h5")
	pool := witnesses(t, Config{Helpers: 1})
	h, err := start(&pool.cfg, f.Disk)
	require.NoError(t, err)
	defer h.end(func(cmd *exec.Cmd) { _ = cmd.Wait() })
	proc := filepath.Join("/proc", strconv.Itoa(h.Cmd.Process.Pid))
	fds, err := os.ReadDir(filepath.Join(proc, "fd"))
	require.NoError(t, err)
	var files []string
	for _, fd := range fds {
		if target, _ := os.Readlink(filepath.Join(proc, "fd", fd.Name())); strings.HasSuffix(target, ".h5") {
			files = append(files, filepath.Base(target))
			info, err := os.ReadFile(filepath.Join(proc, "fdinfo", fd.Name()))
			require.NoError(t, err)
			require.Regexp(t, `(?m)^flags:\s+0\d*0$`, string(info), "O_RDONLY")
		}
	}
	require.Equal(t, []string{"tree.h5"}, files)
	for _, name := range []string{"environ", "cmdline"} {
		text, err := os.ReadFile(filepath.Join(proc, name))
		require.NoError(t, err)
		require.NotContains(t, string(text), "tree.h5")
	}
}

// A witness is confined and sealed before it is asked anything: two filters on top of those of this process.
func TestWitnessIsSealedFirst(t *testing.T) {
	filters := func(process string) int {
		b, err := os.ReadFile(filepath.Join("/proc", process, "status"))
		require.NoError(t, err)
		_, rest, ok := strings.Cut(string(b), "Seccomp_filters:\t")
		require.True(t, ok, "Linux 5.9 tells how many there are")
		line, _, _ := strings.Cut(rest, "\n")
		n, err := strconv.Atoi(line)
		require.NoError(t, err)
		return n
	}
	pool := witnesses(t, Config{Helpers: 1})
	h, err := start(&pool.cfg, fixture(t, "tree.h5").Disk)
	require.NoError(t, err)
	defer h.end(func(cmd *exec.Cmd) { _ = cmd.Wait() })
	require.Eventually(t, func() bool { return filters(strconv.Itoa(h.Cmd.Process.Pid)) == filters("self")+2 }, time.Minute, time.Millisecond)
}

// Nothing of a file is held while nobody asks, and a helper never sees a second one.
func TestWitnessEndsWithItsCall(t *testing.T) {
	starts := filepath.Join(t.TempDir(), "starts")
	self, err := os.Executable()
	require.NoError(t, err)
	pool := witnesses(t, Config{Helpers: 2, Command: script("echo >>" + starts + "; exec " + self)})
	for range 3 {
		_, err := pool.Dataset(ctx, fixture(t, "tree.h5"), "/grid")
		require.NoError(t, err)
	}
	b, err := os.ReadFile(starts)
	require.NoError(t, err)
	require.Len(t, b, 3)
	for range 2 {
		h := <-pool.slots
		require.Nil(t, h)
		pool.slots <- h
	}
}

func TestConfine(t *testing.T) {
	target := filepath.Join(t.TempDir(), "written")
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = []string{confineEnv + "=" + target}
	jail.Settle(cmd)
	out, err := cmd.Output()
	require.NoError(t, err)
	lines := strings.Split(string(out), "\n")
	require.Contains(t, lines[0], "operation not permitted")
	require.Contains(t, lines[1], "operation not permitted")
	require.Equal(t, "read: <nil>", lines[2])
	require.Contains(t, lines[3], "operation not permitted")
	require.Equal(t, []string{"open: <nil>", "read: <nil>"}, lines[4:6])
	for _, line := range lines[6:9] {
		require.Contains(t, line, "operation not permitted")
	}
	require.NoFileExists(t, target)
}
