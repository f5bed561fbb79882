package h5proc

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// source is what both implementations are to the reader.
type source interface {
	Tree(ctx context.Context, f File) (*meta.File, error)
	Dataset(ctx context.Context, f File, name string) (meta.Dataset, error)
	ReadSlab(ctx context.Context, f File, name string, start, count []uint64, dst []byte) error
	Close() error
}

var ctx = context.Background()

func fixture(t *testing.T, name string) File {
	return opened(t, filepath.Join("..", "h5c", "testdata", name))
}

// opened is a file as a server has it open.
func opened(t *testing.T, path string) File {
	disk, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { disk.Close() })
	info, err := disk.Stat()
	require.NoError(t, err)
	return File{Disk: disk, State: path + info.ModTime().String(), Name: filepath.Base(path)}
}

func witnesses(t *testing.T, cfg Config) *Pool {
	p := New(cfg)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// script is a helper made of shell.
func script(text string) []string { return []string{"/bin/sh", "-c", text} }

func copyFile(t *testing.T, from, to string) {
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, b, 0o600))
}

func TestPoolSaysWhatTheLibrarySays(t *testing.T) {
	var in, pool source = &InProcess{}, witnesses(t, Config{Helpers: 1})
	defer in.Close()
	for _, file := range []string{"tree.h5", "types.h5", "attrs.h5", "virtual.h5", "broken.h5", "dense.h5"} {
		want, err := in.Tree(ctx, fixture(t, file))
		require.NoError(t, err)
		got, err := pool.Tree(ctx, fixture(t, file))
		require.NoError(t, err)
		require.Equal(t, want, got, file)
	}
	for _, name := range []string{"/grid", "/outside", "/chain", "/raw\xff\xfename"} {
		want, err := in.Dataset(ctx, fixture(t, "tree.h5"), name)
		require.NoError(t, err)
		got, err := pool.Dataset(ctx, fixture(t, "tree.h5"), name)
		require.NoError(t, err)
		require.Equal(t, want, got, name)
	}
	for _, s := range []source{in, pool} {
		raw := make([]byte, 8)
		require.NoError(t, s.ReadSlab(ctx, fixture(t, "other.h5"), "/x", []uint64{1}, []uint64{2}, raw[:4]))
		err := s.ReadSlab(ctx, fixture(t, "external.h5"), "/x", []uint64{2}, []uint64{2}, raw)
		require.ErrorIs(t, err, fault.Unsupported)
	}
}

func TestErrorsTravel(t *testing.T) {
	pool := witnesses(t, Config{Helpers: 1})
	_, err := pool.Dataset(ctx, fixture(t, "tree.h5"), "/gird")
	require.ErrorIs(t, err, fault.NotFound)
	require.ErrorContains(t, err, `(near: "/grid")`)
	_, err = pool.Dataset(ctx, fixture(t, "broken.h5"), "/b")
	require.ErrorIs(t, err, fault.DataLoss)
	err = pool.ReadSlab(ctx, fixture(t, "types.h5"), "/row", []uint64{0}, []uint64{1}, make([]byte, 8))
	require.ErrorIs(t, err, fault.Unsupported)
	err = pool.ReadSlab(ctx, fixture(t, "tree.h5"), "/grid", []uint64{0, 0}, []uint64{1, 1}, make([]byte, 3))
	require.ErrorIs(t, err, fault.Invalid)
	// The helper is as good as before.
	require.NoError(t, pool.ReadSlab(ctx, fixture(t, "tree.h5"), "/grid", []uint64{0, 0}, []uint64{1, 1}, make([]byte, 4)))

	text := filepath.Join(t.TempDir(), "text.h5")
	require.NoError(t, os.WriteFile(text, []byte("hello"), 0o600))
	_, err = pool.Tree(ctx, opened(t, text))
	require.ErrorIs(t, err, fault.DataLoss)
	require.NotContains(t, err.Error(), filepath.Dir(text))
}

func TestIdleHelperKilledIsReplaced(t *testing.T) {
	plugged(t)
	pool := newFilters(t, Config{Helpers: 2})
	for range 5 {
		for range 2 {
			h := <-pool.slots
			if h != nil {
				pid := h.Cmd.Process.Pid
				_ = syscall.Kill(pid, syscall.SIGKILL)
				require.NoError(t, unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil))
			}
			pool.slots <- h
		}
		require.NoError(t, pool.Find(ctx, 399))
	}
	require.Empty(t, pool.strikes.count)
}

// Takes up the request, then dies; every time.
const dies = takes + `printf '\245' >&4; exit 3`

// takes reads the beginning of the request.
const takes = `head -c 4 <&3 >/dev/null; `

func TestFileThatKillsHelpersIsRefusedUntilItChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.h5")
	copyFile(t, "../h5c/testdata/other.h5", file)
	starts := filepath.Join(t.TempDir(), "starts")
	pool := witnesses(t, Config{Helpers: 1, Command: script("echo >>" + starts + "; " + dies)})
	count := func() int {
		b, err := os.ReadFile(starts)
		require.NoError(t, err)
		return len(b)
	}
	_, err := pool.Tree(ctx, opened(t, file))
	require.ErrorIs(t, err, fault.DataLoss)
	require.ErrorContains(t, err, "a.h5: a helper process died on this file (exit status 3)")
	require.Equal(t, 2, count())
	_, err = pool.Dataset(ctx, opened(t, file), "/x")
	require.ErrorIs(t, err, fault.DataLoss)
	require.ErrorContains(t, err, "refused until it changes")
	require.Equal(t, 2, count())
	require.NoError(t, os.Chtimes(file, time.Now(), time.Now().Add(-time.Hour)))
	_, err = pool.Tree(ctx, opened(t, file))
	require.ErrorContains(t, err, "died on this file")
	require.Equal(t, 4, count())
}

// A death is one short line that says what is done; the stack is for who asks for it.
func TestDeathsAreLogged(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	file := filepath.Join(t.TempDir(), "a.h5")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	pool := witnesses(t, Config{Helpers: 1, Command: script(`echo "SIGSEGV: segmentation violation" >&2; echo "goroutine 1" >&2; ` + dies), Logger: zap.New(core)})
	_, err := pool.Tree(ctx, opened(t, file))
	require.ErrorIs(t, err, fault.DataLoss)
	var next []string
	for _, l := range logs.FilterLevelExact(zap.WarnLevel).All() {
		m := l.ContextMap()
		require.Equal(t, []any{"a.h5", "exit status 3", "SIGSEGV: segmentation violation"}, []any{m["file"], m["how"], m["said"]})
		next = append(next, m["next"].(string))
	}
	require.Equal(t, []string{"a fresh one is asked", "the file is refused until it changes"}, next)
	for _, l := range logs.FilterLevelExact(zap.DebugLevel).All() {
		require.Contains(t, l.ContextMap()["stderr"], "goroutine 1")
	}
}

func TestOneDeathIsForgiven(t *testing.T) {
	marker := filepath.Join(t.TempDir(), "marker")
	self, err := os.Executable()
	require.NoError(t, err)
	pool := witnesses(t, Config{Helpers: 1,
		Command: script("if [ -e " + marker + " ]; then exec " + self + "; fi; touch " + marker + "; " + dies)})
	tree, err := pool.Tree(ctx, fixture(t, "tree.h5"))
	require.NoError(t, err)
	require.NotEmpty(t, tree.Datasets)
	require.Empty(t, pool.strikes.count)
}

func TestHelpersThatNeverWork(t *testing.T) {
	pool := witnesses(t, Config{Helpers: 1, Command: script("exit 0")})
	_, err := pool.Tree(ctx, fixture(t, "tree.h5"))
	require.ErrorIs(t, err, fault.Unavailable)
	require.Empty(t, pool.strikes.count)
	pool = witnesses(t, Config{Helpers: 1, Command: []string{"/no/such/program"}})
	_, err = pool.Tree(ctx, fixture(t, "tree.h5"))
	require.ErrorIs(t, err, fault.Unavailable)
}

// TestTimeout: a file for which helpers take too long rests for a while, and is not refused until it changes: its disk may have hung.
func TestTimeout(t *testing.T) {
	pool := witnesses(t, Config{Helpers: 1, CallTimeout: 50 * time.Millisecond, Command: script("exec sleep 100")})
	file := fixture(t, "tree.h5")
	for _, says := range []string{"stopped after 50ms", "stopped after 50ms", "it is given to one again after 1m0s"} {
		_, err := pool.Tree(ctx, file)
		require.ErrorIs(t, err, fault.Unavailable)
		require.ErrorContains(t, err, says)
	}
	pool.strikes.late[file.State] = lateness{maxStrikes, time.Now().Add(-rest)}
	_, err := pool.Tree(ctx, file)
	require.ErrorContains(t, err, "stopped after", "it is tried again")
	require.False(t, pool.strikes.out(file.State))
	require.False(t, pool.strikes.rests(file.State))
}

// TestKilledAndNotGone: helpers that the kernel does not let go hold up nobody, and are bounded.
func TestKilledAndNotGone(t *testing.T) {
	stay := make(chan struct{})
	pool := New(Config{Helpers: 1, CallTimeout: 50 * time.Millisecond, Command: script("exec sleep 100"),
		wait: func(cmd *exec.Cmd) { <-stay; _ = cmd.Wait() }})
	file := fixture(t, "tree.h5")
	for i, says := range []string{"stopped after", "stopped after", "all 1 helper processes were busy"} {
		file.State = i
		start := time.Now()
		_, err := pool.Tree(ctx, file)
		require.ErrorIs(t, err, fault.Unavailable)
		require.ErrorContains(t, err, says)
		require.Less(t, time.Since(start), time.Minute)
	}
	require.EqualValues(t, 2, pool.left.Load(), "as many as there may be, and one more")
	start := time.Now()
	require.NoError(t, pool.Close())
	require.Less(t, time.Since(start), time.Minute)
	close(stay)
	require.Eventually(t, func() bool { return pool.left.Load() == 0 && pool.alive.Load() == 0 }, time.Minute, time.Millisecond)
}

func TestMalformedAnswers(t *testing.T) {
	for name, answer := range map[string]string{
		"no mark":   `printf 'hello'`,
		"huge":      `printf '\245\377\377\377\377'`,
		"not gob":   `printf '\245\004\000\000\000abcd'`,
		"cut":       `printf '\245\377\000\000\000abcd'`,
		"empty":     `printf '\245\000\000\000\000'`,
		"closed":    `printf '\245'; exec 1>&-`,
		"no answer": `printf '\245'; exit 0`,
	} {
		pool := witnesses(t, Config{Helpers: 1, CallTimeout: time.Minute, Command: script(takes + `exec >&4 4>&-; ` + answer + `; exec sleep 0.2`)})
		_, err := pool.Tree(ctx, fixture(t, "tree.h5"))
		require.ErrorIs(t, err, fault.DataLoss, name)
	}
}

func TestCancel(t *testing.T) {
	pool := witnesses(t, Config{Helpers: 1, Command: script("exec sleep 100")})
	short, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
	defer cancel()
	var wg sync.WaitGroup
	file := fixture(t, "tree.h5")
	for range 2 { // one at work, one waiting
		wg.Go(func() {
			_, err := pool.Tree(short, file)
			require.ErrorIs(t, err, context.DeadlineExceeded)
		})
	}
	wg.Wait()
	require.Empty(t, pool.strikes.count)
}

func TestCloseEndsCalls(t *testing.T) {
	pool := New(Config{Helpers: 1, Command: script("exec sleep 100")})
	failed := make(chan error)
	go func() {
		_, err := pool.Tree(ctx, fixture(t, "tree.h5"))
		failed <- err
	}()
	time.Sleep(30 * time.Millisecond)
	require.NoError(t, pool.Close())
	require.ErrorIs(t, <-failed, fault.Unavailable)
	_, err := pool.Tree(ctx, fixture(t, "tree.h5"))
	require.ErrorIs(t, err, fault.Unavailable)
	require.NoError(t, pool.Close())
}

func TestChangedFileIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.h5")
	for _, s := range []source{&InProcess{}, witnesses(t, Config{Helpers: 1})} {
		copyFile(t, "../h5c/testdata/other.h5", path)
		f := opened(t, path)
		tree, err := s.Tree(ctx, f)
		require.NoError(t, err)
		require.Len(t, tree.Datasets, 1)
		copyFile(t, "../h5c/testdata/tree.h5", path) // the same inode
		tree, err = s.Tree(ctx, f)
		require.NoError(t, err)
		require.Len(t, tree.Datasets, 7)
	}
}

func TestMemoryLimit(t *testing.T) {
	pool := witnesses(t, Config{Helpers: 1, MemoryLimit: 100 << 20})
	d, err := pool.Dataset(ctx, fixture(t, "bomb.h5"), "/x")
	require.NoError(t, err)
	require.Equal(t, []uint64{1 << 25}, d.Chunk)
	err = pool.ReadSlab(ctx, fixture(t, "bomb.h5"), "/x", []uint64{5}, []uint64{2}, make([]byte, 8))
	require.ErrorIs(t, err, fault.DataLoss)
	err = pool.ReadSlab(ctx, fixture(t, "bomb.h5"), "/x", []uint64{0}, []uint64{1 << 23}, make([]byte, 1<<25))
	require.ErrorIs(t, err, fault.Exhausted)
	pool = witnesses(t, Config{Helpers: 1})
	require.NoError(t, pool.ReadSlab(ctx, fixture(t, "bomb.h5"), "/x", []uint64{5}, []uint64{2}, make([]byte, 8)))
}

// Slabs go through shared memory up to its size, then through the pipe.
func TestSlabsOfAllSizes(t *testing.T) {
	const all = 1 << 23
	pool := witnesses(t, Config{Helpers: 1})
	for _, n := range []int{slabShared / 4, slabShared/4 + 1, 1, all, 3, slabShared / 4} {
		want := bytes.Repeat([]byte{7, 0, 0, 0}, n)
		for i, v := range map[int]byte{all/2 - 2: 1, all/2 - 1: 2, all / 2: 3, all/2 + 1: 4, all - 1: 5} {
			if at := i - (all - n); at >= 0 {
				want[4*at] = v
			}
		}
		got := make([]byte, 4*n)
		require.NoError(t, pool.ReadSlab(ctx, fixture(t, "wide.h5"), "/x", []uint64{uint64(all - n)}, []uint64{uint64(n)}, got))
		require.True(t, bytes.Equal(want, got), "%d values", n)
	}
}

func TestManyCallers(t *testing.T) {
	pool := witnesses(t, Config{Helpers: 2})
	file := fixture(t, "tree.h5")
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 5 {
				raw := make([]byte, 4)
				name, start := "/grid", []uint64{uint64(i % 3), uint64(i % 4)}
				err := pool.ReadSlab(ctx, file, name, start, []uint64{1, 1}, raw)
				if err != nil || raw[3] != byte(i%3*4+i%4) {
					t.Errorf("%v %v", raw, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestHelperEndsWithItsParent(t *testing.T) {
	cfg := Config{shared: slabShared}
	cfg.defaults()
	h, err := start(&cfg, fixture(t, "tree.h5").Disk)
	require.NoError(t, err)
	require.NoError(t, h.In.Close()) // as the kernel does when the parent dies
	ended := make(chan error, 1)
	go func() { ended <- h.Cmd.Wait() }()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(time.Minute):
		h.Kill()
		t.Fatal("still running")
	}
	h.Out.Close()
}
