package web

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

func writes(n int) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(make([]byte, n))
		return err
	}
}

func TestFilesAreMadeOnce(t *testing.T) {
	f := newFiles(100)
	defer func() { require.NoError(t, f.close()) }()
	made := 0
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			k, err := f.get(context.Background(), "a", func(w io.Writer) error { made++; return writes(60)(w) })
			if err == nil {
				k.done()
			}
		})
	}
	all.Wait()
	require.Equal(t, 1, made)
	require.EqualValues(t, 60, f.used)
	k, err := f.get(context.Background(), "b", writes(70)) // for which what nobody reads goes
	require.NoError(t, err)
	require.EqualValues(t, 70, f.used)
	_, err = f.get(context.Background(), "c", writes(40))
	require.ErrorIs(t, err, errTooLarge)
	require.ErrorIs(t, err, fault.Exhausted)
	require.EqualValues(t, 70, f.used)
	k.done()
	require.NoError(t, f.close())
	require.Zero(t, f.used)
}

func TestFilesThatFailAreMadeAgain(t *testing.T) {
	f := newFiles(100)
	broken := errors.New("broken")
	_, err := f.get(context.Background(), "a", func(w io.Writer) error { _ = writes(10)(w); return broken })
	require.ErrorIs(t, err, broken)
	require.Zero(t, f.used)
	k, err := f.get(context.Background(), "a", writes(10))
	require.NoError(t, err)
	k.done()
	require.NoError(t, f.close())
	require.Zero(t, f.used)
}

// TestWhoWaitsForAnotherMayLeave, and the file of one who left is nobody's error.
func TestWhoWaitsForAnotherMayLeave(t *testing.T) {
	f := newFiles(100)
	begun, goOn := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_, err := f.get(context.Background(), "a", func(io.Writer) error { close(begun); <-goOn; return context.Canceled })
		require.ErrorIs(t, err, context.Canceled)
	})
	<-begun
	gone, leave := context.WithCancel(context.Background())
	leave()
	_, err := f.get(gone, "a", writes(1))
	require.ErrorIs(t, err, context.Canceled)
	all.Go(func() {
		_, err := f.get(context.Background(), "a", writes(1))
		require.ErrorIs(t, err, fault.Unavailable)
	})
	for f.users("a") < 2 {
	}
	close(goOn)
	all.Wait()
	require.Zero(t, f.used)
}

func (f *files) users(tag string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kept[tag].users
}
