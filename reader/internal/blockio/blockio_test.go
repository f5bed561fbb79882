package blockio

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/pages"
)

func TestSpansJoinNeighbours(t *testing.T) {
	e := func(addr, size uint64) Extent { return Extent{addr, size} }
	for name, c := range map[string]struct {
		in   []Extent
		want []Span
	}{
		"none":      {nil, nil},
		"adjacent":  {[]Extent{e(0, 10), e(10, 10)}, []Span{{e(0, 20), 0, 2}}},
		"small gap": {[]Extent{e(0, 10), e(14, 10)}, []Span{{e(0, 24), 0, 2}}},
		"large gap": {[]Extent{e(0, 10), e(15, 10)}, []Span{{e(0, 10), 0, 1}, {e(15, 10), 1, 2}}},
		"backwards": {[]Extent{e(10, 10), e(0, 10)}, []Span{{e(10, 10), 0, 1}, {e(0, 10), 1, 2}}},
		"overlap":   {[]Extent{e(0, 10), e(5, 10)}, []Span{{e(0, 10), 0, 1}, {e(5, 10), 1, 2}}},
		"too long":  {[]Extent{e(0, 60), e(60, 60)}, []Span{{e(0, 60), 0, 1}, {e(60, 60), 1, 2}}},
	} {
		require.Equal(t, c.want, Spans(c.in, 4, 100), name)
	}
}

func TestReadTellsTruncation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, []byte("0123456789"), 0o600))
	f, err := Open(context.Background(), nil, path, nil)
	require.NoError(t, err)
	defer f.Close()
	p := make([]byte, 4)
	require.NoError(t, f.Read(context.Background(), p, 6))
	require.Equal(t, "6789", string(p))
	for _, off := range []uint64{7, 11, 1 << 63, ^uint64(0)} {
		require.ErrorIs(t, f.Read(context.Background(), p, off), fault.DataLoss)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, f.Read(ctx, p, 0), context.Canceled)
	require.True(t, f.Unchanged())
	require.NoError(t, os.WriteFile(path, []byte("012"), 0o600))
	require.False(t, f.Unchanged())
	require.ErrorIs(t, f.Read(context.Background(), p, 0), fault.DataLoss)
}

func TestOnlyRegularFilesOpen(t *testing.T) {
	_, err := Open(context.Background(), nil, t.TempDir(), nil)
	require.ErrorIs(t, err, fault.DataLoss)
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	_, err = Open(context.Background(), nil, pipe, nil) // which nobody writes
	require.ErrorIs(t, err, fault.DataLoss)
	_, err = Identify(context.Background(), nil, filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestMap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	data := make([]byte, 3*os.Getpagesize()+17)
	for i := range data {
		data[i] = byte(i * 7)
	}
	require.NoError(t, os.WriteFile(path, data, 0o600))
	f, err := Open(context.Background(), nil, path, nil)
	require.NoError(t, err)
	defer f.Close()
	m, err := f.Map(5000, uint64(len(data)-5000))
	require.NoError(t, err)
	require.NoError(t, m.Load(context.Background()))
	require.Equal(t, data[5000:], m.Bytes())
	for _, c := range [][2]uint64{{0, 0}, {0, uint64(len(data)) + 1}, {uint64(len(data)), 1}, {^uint64(0), 2}} {
		_, err := f.Map(c[0], c[1])
		require.ErrorIs(t, err, fault.DataLoss)
	}
	require.NoError(t, os.Truncate(path, 0))
	require.ErrorIs(t, m.Load(context.Background()), fault.DataLoss, "what is gone")
	require.NoError(t, m.Close())
}

func TestKeptAsLongAsReachable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, make([]byte, 1<<20), 0o600))
	m := &bufpool.Memory{Budget: bufpool.NewBudget(64<<20, time.Minute), Pool: bufpool.NewPool(64 << 20)}
	k := pages.NewKeeper(m)
	defer k.Close()
	func() {
		f, err := Open(context.Background(), nil, path, nil)
		require.NoError(t, err)
		f.Keep(k)
		for range 3 {
			require.NoError(t, f.Read(context.Background(), make([]byte, 1<<20), 0))
		}
		require.EqualValues(t, 1<<20, m.Budget.Used())
		require.NoError(t, f.Close())
	}()
	require.Eventually(t, func() bool {
		runtime.GC()
		return m.Budget.Used() == 0
	}, time.Minute, 10*time.Millisecond)
}

// TestAcceptedByTwo: who compares the bytes of a file whose links are others finds it right although another one was done with that first.
func TestAcceptedByTwo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, []byte("0123456789"), 0o600))
	f, err := Open(context.Background(), nil, path, nil)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, os.Link(path, path+".link"))
	require.Equal(t, Relinked, f.Change())
	same := func() bool { return true }
	require.True(t, f.Accept(func() bool { return f.Accept(same) }))
	require.Equal(t, Same, f.Change())

	require.NoError(t, os.Remove(path+".link"))
	require.False(t, f.Accept(func() bool { return os.WriteFile(path, []byte("x"), 0o600) == nil }), "written to meanwhile")
}
