package disks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var background = context.Background()

const soon = time.Minute // what is waited for, on any machine

// dead is a disk that does not answer before it is let.
func dead(t *testing.T, c Config) (d *Disks, k *Disk, hang chan struct{}, answer func()) {
	t.Helper()
	d = New(c)
	k = d.disk(mount{at: "/dead", device: "9:9", kind: "fuse.test", waits: true})
	hang = make(chan struct{})
	answer = sync.OnceFunc(func() { close(hang) })
	t.Cleanup(func() {
		answer()
		require.Eventually(t, func() bool { return len(k.slots) == 0 && k.Well() }, soon, time.Millisecond)
	})
	return d, k, hang, answer
}

// ask asks what hangs.
func ask(ctx context.Context, l *Lane, hang <-chan struct{}) error {
	_, err := Ask(ctx, l, func() (int, error) { <-hang; return 1, nil })
	return err
}

// TestWhatHangsGivesWay: who waits for a disk has memory, which others that want it do not wait for as long.
func TestWhatHangsGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem := &bufpool.Memory{Budget: bufpool.NewBudget(1<<20, time.Minute), Pool: bufpool.NewPool(1 << 20)}
		_, k, hang, answer := dead(t, Config{Limit: 30 * time.Second, Memory: mem})
		ctx := context.Background()
		require.NoError(t, mem.Budget.Acquire(ctx, 1<<20))
		began, waited := time.Now(), make(chan time.Duration)
		go func() {
			err := ask(ctx, k.Lane("a"), hang)
			if !errors.Is(err, fault.Unavailable) {
				t.Error(err)
			}
			mem.Budget.Return(1 << 20)
			waited <- time.Since(began)
		}()
		time.Sleep(5 * time.Second)
		require.NoError(t, mem.Budget.Acquire(ctx, 1<<20), "what the other gave back")
		require.Less(t, <-waited, 12*time.Second)
		mem.Budget.Return(1 << 20)
		answer()
		synctest.Wait()
	})
}

func TestWhatHangsEndsAtTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lent, most atomic.Int64
		var told []bool
		d, k, hang, answer := dead(t, Config{Limit: time.Second, Lend: func(n int) {
			if now := lent.Add(int64(n)); now > most.Load() {
				most.Store(now)
			}
		}})
		d.OnChange(func(hangs bool) { told = append(told, hangs) })
		l, other := k.Lane("a"), k.Lane("b")
		began := time.Now()
		err := ask(background, l, hang)
		require.ErrorIs(t, err, fault.Unavailable)
		require.ErrorContains(t, err, "--read-timeout")
		require.Equal(t, d.Limit, time.Since(began))
		require.EqualValues(t, 1, most.Load(), "its worker was lent")
		require.Zero(t, lent.Load(), "and taken back")
		require.False(t, l.Well())
		require.True(t, l.Losing())
		require.EqualValues(t, 1, l.Lost())
		require.Zero(t, other.Lost())
		v, err := Ask(background, other, func() (int, error) { return 7, nil })
		require.NoError(t, err, "another file answers")
		require.Equal(t, 7, v)
		synctest.Wait()
		require.Equal(t, []State{{"/dead", "fuse.test", 1, 1, 1}}, d.States())
		answer()
		synctest.Wait()
		require.True(t, l.Well())
		require.NoError(t, ask(background, l, hang))
		require.Equal(t, []bool{true, false}, told)
		require.Equal(t, []State{{"/dead", "fuse.test", 0, 0, 0}}, d.States())
	})
}

// TestBoundedByFileAndDisk: what all places hang of is refused at once, others are not.
func TestBoundedByFileAndDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, k, hang, _ := dead(t, Config{Limit: time.Second})
		stuck := func() int64 { return d.States()[0].Stuck }
		fill := func(l *Lane) {
			var all sync.WaitGroup
			for range 3 * leastLane { // more than there are places
				all.Go(func() { require.ErrorIs(t, ask(background, l, hang), fault.Unavailable) })
			}
			all.Wait()
		}
		refused := func(l *Lane) {
			began := time.Now()
			require.ErrorIs(t, ask(background, l, hang), fault.Unavailable)
			require.Equal(t, began, time.Now(), "at once")
		}
		first := k.Lane("first")
		fill(first)
		require.EqualValues(t, leastLane, stuck())
		refused(first)
		for i := range perDisk - 1 {
			fill(k.Lane(fmt.Sprint(i)))
		}
		require.EqualValues(t, perDisk*leastLane, stuck(), "no more threads than that")
		refused(k.Lane("new"))
		well := newDisk(d, mount{at: "/well", device: "9:8", kind: "fuse.test"})
		_, err := Ask(background, well.Lane("f"), func() (int, error) { return 1, nil })
		require.NoError(t, err, "another disk answers")
	})
}

func TestNobodyWaitsAfterCancelAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, k, hang, _ := dead(t, Config{Limit: time.Second})
		var told []bool
		d.OnChange(func(hangs bool) { told = append(told, hangs) })
		ctx, cancel := context.WithTimeout(background, time.Millisecond)
		defer cancel()
		require.ErrorIs(t, ask(ctx, k.Lane("f"), hang), context.DeadlineExceeded)
		require.Zero(t, d.States()[0].Stuck, "it may still come")
		time.Sleep(d.Limit)
		require.EqualValues(t, 1, d.States()[0].Stuck)
		synctest.Wait()
		require.Equal(t, []bool{true}, told)
		time.AfterFunc(time.Millisecond, d.End)
		began := time.Now()
		require.ErrorIs(t, ask(background, k.Lane("f"), hang), fault.Unavailable)
		require.ErrorIs(t, ask(background, k.Lane("f"), hang), fault.Unavailable)
		require.Equal(t, time.Millisecond, time.Since(began))
	})
}

type closes struct{ closed *atomic.Bool }

func (c closes) Close() error { c.closed.Store(true); return nil }

func TestLateAnswersAreClosed(t *testing.T) {
	_, k, hang, answer := dead(t, Config{Limit: 10 * time.Millisecond})
	var closed atomic.Bool
	_, err := Ask(background, k.Lane("f"), func() (closes, error) { <-hang; return closes{&closed}, nil })
	require.ErrorIs(t, err, fault.Unavailable)
	answer()
	require.Eventually(t, closed.Load, soon, time.Millisecond)
}

func TestLateReadKeepsItsMemory(t *testing.T) {
	m := &bufpool.Memory{Budget: bufpool.NewBudget(8<<20, time.Second), Pool: bufpool.NewPool(8 << 20)}
	_, k, _, _ := dead(t, Config{Limit: 50 * time.Millisecond, Memory: m})
	k.blunt.Store(true)
	in, out, err := os.Pipe() // a read of it hangs
	require.NoError(t, err)
	defer out.Close()
	f := File{Lane: k.Lane("f"), f: in, conn: nopConn{}}
	p := make([]byte, 1<<20)
	hung := make(chan struct{})
	_, err = Ask(background, f.Lane, func() (piece, error) {
		own := f.disk.all.room(len(p))
		_, err := io.ReadFull(in, own.b)
		defer close(hung)
		return own, err
	})
	require.ErrorIs(t, err, fault.Unavailable)
	require.GreaterOrEqual(t, m.Budget.Used(), int64(len(p)), "it counts as long as it may be written to")
	_, err = out.Write(make([]byte, len(p)))
	require.NoError(t, err)
	<-hung
	require.Eventually(t, func() bool { return m.Budget.Used() == 0 }, soon, time.Millisecond)
	require.NoError(t, in.Close())
}

type nopConn struct{}

func (nopConn) Control(f func(uintptr)) error  { return errors.ErrUnsupported }
func (nopConn) Read(func(uintptr) bool) error  { return errors.ErrUnsupported }
func (nopConn) Write(func(uintptr) bool) error { return errors.ErrUnsupported }

// TestReadsAsFilesDo: whether a part is in memory or not, and at the end.
func TestReadsAsFilesDo(t *testing.T) {
	want := make([]byte, 3*mostPiece+777)
	for i := range want {
		want[i] = byte(i * 7 >> 3)
	}
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, want, 0o600))
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	m := &bufpool.Memory{Budget: bufpool.NewBudget(64<<20, time.Second), Pool: bufpool.NewPool(64 << 20)}
	for name, c := range map[string]Config{"counted": {Memory: m}, "no room": {Memory: &bufpool.Memory{Budget: bufpool.NewBudget(10, time.Second), Pool: bufpool.NewPool(10)}}, "plain": {}} {
		for _, slow := range []bool{false, true} {
			k := newDisk(New(c), mount{at: "/", device: "1:1", kind: "unknown"})
			k.blunt.Store(slow)
			f := NewFile(k.Lane("f"), file)
			for _, r := range [][2]int{{0, len(want)}, {5, 100}, {1 << 20, 1 << 20}, {len(want) - 10, 10}, {len(want) - 10, 11}, {len(want), 1}, {len(want) + 5, 3}, {3, 0}} {
				p := make([]byte, r[1])
				n, err := f.ReadAt(background, p, int64(r[0]))
				whole := max(0, min(r[1], len(want)-r[0]))
				require.Equal(t, whole, n, "%s %v", name, r)
				require.Equal(t, n < r[1], errors.Is(err, io.EOF), "%s %v: %v", name, r, err)
				require.True(t, bytes.Equal(want[min(r[0], len(want)):][:whole], p[:n]))
			}
			info, err := f.Stat()
			require.NoError(t, err)
			require.EqualValues(t, len(want), info.Size())
		}
	}
	require.Zero(t, m.Budget.Used())
}

func TestOneLaneOfAFile(t *testing.T) {
	_, k, _, _ := dead(t, Config{})
	a := k.Lane("a")
	require.Same(t, a, k.Lane("a"))
	a.slots <- struct{}{}
	for i := range 2 * mostLanes {
		k.Lane(fmt.Sprint(i))
	}
	require.LessOrEqual(t, len(k.lanes), mostLanes)
	require.Same(t, a, k.Lane("a"), "something is asked of it")
	<-a.slots
}

func TestMounts(t *testing.T) {
	text := "21 1 0:21 / /proc rw - proc proc rw\n" +
		"30 1 254:0 / / rw,noatime shared:1 - ext4 /dev/vda rw\n" +
		"31 30 0:50 / /data/a\\040b rw master:2 - nfs4 host:/x rw\n" +
		"32 30 0:51 / /tmp rw - tmpfs tmpfs rw\nnonsense\n"
	tab := parse([]byte(text))
	require.True(t, tab.waits)
	for path, kind := range map[string]string{"/": "ext4", "/data": "ext4", "/data/a b/c/d.h5": "nfs4", "/data/a b": "nfs4", "/tmp/x": "tmpfs", "/tmpx": "ext4", "/proc/1": "proc"} {
		require.Equal(t, kind, tab.of(path).kind, path)
	}
	require.False(t, tab.of("/").waits)
	require.True(t, tab.of("/data/a b").waits)
	require.True(t, tab.of("/tmp").memory)
	require.Equal(t, "unknown", parse(nil).of("/x").kind)
	local := parse([]byte("30 1 254:0 / / rw - xfs /dev/vda rw\n31 30 0:5 / /sys/fs/x rw - fuse x rw\n"))
	require.False(t, local.waits, "only what is the system's own does")
	d := New(Config{})
	require.Same(t, d.Of(t.TempDir()), d.Of(t.TempDir()))
	changed := parse(nil) // as after chroot(2)
	changed.rooted()
	if here := d.mounts().of("/"); slices.Contains(slices.Collect(maps.Values(magics)), here.kind) {
		require.Equal(t, here, changed.of("/x"))
	} else {
		require.Equal(t, "unknown", changed.of("/x").kind)
	}
	var none *Disks
	require.Nil(t, none.Of("/").Lane("f"))
	for _, d := range []*Disks{none, at(local), at(tab)} {
		for _, path := range []string{"/nothing/there", "/data/a b/c"} {
			for _, by := range []func(context.Context, *Disks, string, func() (int, error)) (int, error){Known[int], Names[int]} {
				v, err := by(background, d, path, func() (int, error) { return 3, io.EOF })
				require.Equal(t, io.EOF, err)
				require.Equal(t, 3, v)
			}
		}
	}
}

// at has this mounted, for as long as a test takes.
func at(t *table) *Disks {
	d := New(Config{})
	t.read = time.Now().Add(time.Hour)
	d.table.Store(t)
	return d
}
