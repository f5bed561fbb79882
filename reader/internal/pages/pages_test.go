package pages

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const size = 2*leastWindow + 12345

// written is a file of which every byte tells its place.
func written(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	_, err = f.Write(expected(0, size))
	require.NoError(t, err)
	return f
}

func expected(off, n uint64) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte((off + uint64(i)) % 251)
	}
	return b
}

// reads asks for n bytes from off; they have to be right where they are kept.
func reads(t *testing.T, a *Area, off, n uint64) bool {
	t.Helper()
	p := make([]byte, n)
	done, err := a.Read(p, off)
	require.NoError(t, err)
	if done && !bytes.Equal(expected(off, n), p) {
		t.Errorf("%d bytes from %d are wrong", n, off)
	}
	return done
}

// keeper is one with a budget of so many bytes, and the area of a file.
func keeper(t *testing.T, limit int64) (*bufpool.Memory, *Keeper, *os.File, *Area) {
	t.Helper()
	m := &bufpool.Memory{Budget: bufpool.NewBudget(limit, time.Minute), Pool: bufpool.NewPool(limit)}
	k, f := NewKeeper(m), written(t)
	a := k.Of(f.Fd(), size)
	t.Cleanup(func() {
		k.Close()
		require.Zero(t, m.Budget.Used())
		a.End()
		require.Nil(t, k.Of(f.Fd(), 0))
	})
	return m, k, f, a
}

func TestKeepsWhatIsAskedForAgain(t *testing.T) {
	m, k, _, a := keeper(t, 64<<20)
	for off := uint64(0); off < leastWindow; off += 1 << 20 {
		require.False(t, reads(t, a, off, 1<<20), "it is asked for the first time")
	}
	require.True(t, reads(t, a, 1<<20, 3<<20))
	require.EqualValues(t, leastWindow, k.Held())
	require.EqualValues(t, leastWindow, m.Budget.Used())
	require.False(t, reads(t, a, leastWindow-100_000, 200_000), "it reaches into another window")
	require.False(t, reads(t, a, 0, leastRead-1))
	for range 2 {
		reads(t, a, 0, size)
	}
	require.True(t, reads(t, a, 0, size))
	require.EqualValues(t, size, m.Budget.Used())
	require.False(t, reads(t, a, size-leastRead, leastRead+1), "beyond the end")
	require.False(t, reads(t, a, 1<<63, leastRead))
	a.Drop()
	require.Zero(t, m.Budget.Used())
	require.Zero(t, k.Held())
	require.True(t, reads(t, a, 0, leastWindow), "it is kept again at once")
}

func TestGivesWayToOthers(t *testing.T) {
	m, k, _, a := keeper(t, 4*leastWindow)
	f := written(t)
	b := k.Of(f.Fd(), size)
	defer b.End()
	for range 3 {
		reads(t, a, 0, size)
	}
	require.True(t, reads(t, a, 0, size))
	require.False(t, reads(t, b, 0, 2*leastWindow))
	require.True(t, reads(t, b, 0, 2*leastWindow), "what was read before goes")
	require.EqualValues(t, 2*leastWindow, k.Held())
	require.True(t, m.Budget.TryAcquire(3*leastWindow), "all goes when anybody runs short")
	require.Zero(t, k.Held())
	m.Budget.Return(3 * leastWindow)
	require.False(t, reads(t, b, 0, leastWindow), "for a while, who ran short may do so again")
	k.short = time.Time{}
	require.True(t, reads(t, b, 0, leastWindow))
	require.True(t, m.Budget.TryAcquire(2*leastWindow))
	require.False(t, reads(t, b, leastWindow, leastWindow), "a quarter stays free")
	m.Budget.Return(2 * leastWindow)
}

func TestFileCutOff(t *testing.T) {
	_, _, f, a := keeper(t, 64<<20)
	for range 2 {
		reads(t, a, 0, size)
	}
	require.NoError(t, f.Truncate(5000))
	require.False(t, reads(t, a, 0, size), "what is not in memory is read")
	err := guarded(a.mem, func(b []byte) { copy(make([]byte, size), b) })
	require.ErrorIs(t, err, fault.DataLoss, "it was cut off since that was asked")
	var nothing *int
	require.Panics(t, func() { _ = guarded(a.mem, func([]byte) { *nothing = 1 }) }, "others are not its")
}

func TestManyAtOnce(t *testing.T) {
	m, k, _, a := keeper(t, 4*leastWindow)
	var all sync.WaitGroup
	for n := range 4 {
		all.Go(func() {
			for i := range 100 {
				reads(t, a, uint64(n)*leastWindow/3, leastWindow/2)
				if i%7 == n {
					a.Drop()
				}
				if m.Budget.TryAcquire(leastWindow) {
					m.Budget.Return(leastWindow)
				}
			}
		})
	}
	all.Wait()
	require.EqualValues(t, k.Held(), m.Budget.Used())
}
