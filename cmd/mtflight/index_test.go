package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestIndexCommand: what it writes has the first condition leave out chunks, and is written once, of files that were written just before.
func TestIndexCommand(t *testing.T) {
	root, dir := t.TempDir(), filepath.Join(t.TempDir(), "index")
	for from, name := range map[string]string{tables: "a/t.h5", arrays: "x.h5"} {
		b, err := os.ReadFile(from)
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Join(root, "a"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(root, name), b, 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "notes.txt"), []byte("none"), 0o600))
	run := []string{"index", "--index-dir", dir, "--stats", root}
	require.Equal(t, "2 files: 2 indexed, 0 had not changed, 0 could not be indexed whole\n", succeed(t, run...))
	require.Equal(t, "2 files: 0 indexed, 2 had not changed, 0 could not be indexed whole\n", succeed(t, run...))
	var x struct {
		Skipped int
		Kept    []string
	}
	file := filepath.Join(root, "a/t.h5")
	require.NoError(t, json.Unmarshal([]byte(succeed(t, "explain", "--json", "--index-dir", dir, file, "/events", "--where", "id >= 4990")), &x))
	require.Equal(t, 9, x.Skipped, "though nobody has asked before")
	require.Equal(t, []string{"statistics"}, x.Kept)

	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, b, 0o600)) // the same bytes, another state
	require.Equal(t, "2 files: 1 indexed, 1 had not changed, 0 could not be indexed whole\n", succeed(t, run...))
	require.NoError(t, os.WriteFile(file, b[:len(b)/2], 0o600))
	code, out, errOut := command(t, run...)
	require.Equal(t, 5, code)
	require.Equal(t, "2 files: 0 indexed, 1 had not changed, 1 could not be indexed whole\n", out)
	require.Contains(t, errOut, "t.h5: ")
	for _, wrong := range [][]string{{"index", root}, {"index", "--index-dir", dir}} {
		code, _, _ = command(t, wrong...)
		require.Equal(t, 2, code)
	}
	code, _, _ = command(t, "index", "--index-dir", dir, filepath.Join(root, "absent"))
	require.Equal(t, 3, code)
}
