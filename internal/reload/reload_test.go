package reload

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

func TestReload(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	s := &Set{Log: zap.New(core)}
	var good int
	s.Add("rules", func() error { good++; return nil })
	s.Add("certificate", func() error { return errors.New("expired") })
	require.EqualError(t, s.Reload(), "certificate: expired")
	require.Equal(t, 1, good)
	require.Equal(t, 1, logs.FilterMessage("read again").FilterField(zap.String("what", "rules")).Len())
	require.Equal(t, 1, logs.FilterLevelExact(zapcore.ErrorLevel).FilterField(zap.String("what", "certificate")).Len())
}

// watching counts how often each of two parts is read: one of a file, one of a file in a directory that is swapped by a link.
func watching(t *testing.T) (dir string, plain, linked *atomic.Int32) {
	t.Helper()
	dir = t.TempDir()
	for _, d := range []string{"v1", "v2"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, d), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, d, "tls.crt"), []byte(d), 0o600))
	}
	require.NoError(t, os.Symlink("v1", filepath.Join(dir, "..data")))
	require.NoError(t, os.Symlink("..data/tls.crt", filepath.Join(dir, "tls.crt")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rules"), []byte("a"), 0o600))
	s := &Set{Log: zap.NewNop()}
	plain, linked = new(atomic.Int32), new(atomic.Int32)
	s.Add("rules", func() error { plain.Add(1); return nil }, filepath.Join(dir, "rules"))
	s.Add("certificate", func() error { linked.Add(1); return nil }, filepath.Join(dir, "tls.crt"))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.Watch(ctx) }()
	t.Cleanup(func() { cancel(); <-done; goleak.VerifyNone(t) })
	return dir, plain, linked
}

func TestWatch(t *testing.T) {
	dir, plain, linked := watching(t)
	soon := func(of *atomic.Int32) { // once, or twice where the change took long
		t.Helper()
		require.Eventually(t, func() bool { return of.Swap(0) > 0 }, time.Minute, 10*time.Millisecond)
	}
	next := filepath.Join(dir, "next")
	require.NoError(t, os.WriteFile(next, []byte("replaced"), 0o600))
	require.NoError(t, os.Rename(next, filepath.Join(dir, "rules")))
	soon(plain)
	require.NoError(t, os.Symlink("v2", next))
	require.NoError(t, os.Rename(next, filepath.Join(dir, "..data")))
	soon(linked)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rules"), []byte("written in place"), 0o600))
	soon(plain)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "beside"), []byte("not ours"), 0o600))
	require.NoError(t, os.Remove(filepath.Join(dir, "rules")))
	soon(plain)
	require.Zero(t, linked.Load(), "only what changed is read")
}

// A file is read again though another one beside it is written to all the time, as a log is.
func TestWatchBesideALog(t *testing.T) {
	dir, plain, _ := watching(t)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_ = os.WriteFile(filepath.Join(dir, "log"), []byte("line"), 0o600)
			time.Sleep(settle / 10)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	time.Sleep(settle) // so that the log is busy by now
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rules"), []byte("other"), 0o600))
	require.Eventually(t, func() bool { return plain.Load() > 0 }, time.Minute, 10*time.Millisecond)
}
