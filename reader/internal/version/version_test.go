package version

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader/internal/blockio"
)

func open(t *testing.T, path string) *Version {
	t.Helper()
	disk, err := blockio.Open(context.Background(), nil, path, nil)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, disk.Close()) })
	return New(disk, "kept")
}

func write(t *testing.T, size int, b byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	data := make([]byte, size)
	for i := range data {
		data[i] = b
	}
	require.NoError(t, os.WriteFile(path, data, 0o600))
	at := time.Unix(1e9, 5)
	require.NoError(t, os.Chtimes(path, at, at))
	return path
}

// Copies on other machines, with the times that they were copied with, are one version; others are not.
func TestStates(t *testing.T) {
	path := write(t, 10_000, 1)
	v, copied := open(t, path), open(t, write(t, 10_000, 1))
	require.Equal(t, v.State(false), copied.State(false))
	require.True(t, copied.Is(v.State(false)))
	require.True(t, copied.Is(v.State(true)))
	for _, other := range []string{write(t, 10_001, 1), write(t, 10_000, 2), write(t, 0, 1), write(t, 1, 1)} {
		require.False(t, open(t, other).Is(v.State(false)))
	}
	later := write(t, 10_000, 1)
	require.NoError(t, os.Chtimes(later, time.Unix(1e9, 6), time.Unix(1e9, 6)))
	require.False(t, open(t, later).Is(v.State(false)))

	grown := open(t, write(t, 10_001, 2))
	require.True(t, grown.Is(v.State(true)))
	require.False(t, v.Is(grown.State(true)), "it is shorter")
	grown.kept = "else"
	require.False(t, grown.Is(v.State(true)))
	for _, state := range []string{"x", "grows-", "grows-1", "grows--1-x", "grows-99999999999999999999-x"} {
		require.False(t, v.Is(state))
	}
}

// Links, modes and owners are not the bytes'; where they change, the bytes that were looked at have to be the same.
func TestHolds(t *testing.T) {
	path := write(t, 10_000, 1)
	v := open(t, path)
	require.True(t, v.Holds())
	require.NoError(t, os.Chmod(path, 0o640))
	require.False(t, v.Holds(), "nothing was looked at before")
	v = open(t, path)
	v.Note(5000)
	v.Note(5000)
	require.Len(t, v.samples, 2)
	require.NoError(t, os.Chmod(path, 0o600))
	require.True(t, v.Holds())
	require.NoError(t, os.Link(path, path+"2"))
	require.True(t, v.Holds())

	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteAt([]byte{7}, 5100)
	require.NoError(t, err)
	require.False(t, v.Holds())
	require.True(t, v.Grows())
	require.NoError(t, os.Chtimes(path, time.Unix(1e9, 5), time.Unix(1e9, 5)))
	require.False(t, v.Holds())
	require.NoError(t, os.Chmod(path, 0o640))
	require.False(t, v.Holds())
	require.NoError(t, os.Remove(path))
	require.False(t, v.Holds())
}
