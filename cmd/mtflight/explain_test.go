package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestExplain(t *testing.T) {
	defer goleak.VerifyNone(t)
	out := succeed(t, "explain", tables, "/events", "--fields", "id", "--stop", "600")
	require.Contains(t, out, "5000 rows in chunks of 512, 10 chunks")
	require.Contains(t, out, "touched are at most 2 chunks")
	require.Contains(t, out, "600 rows: columns id, as in the file")
	location, _, stop := serving(t, "--listen", "grpc://127.0.0.1:0", "../../testdata")
	require.Equal(t, out, succeed(t, "explain", location, "tables.h5", "/events", "--fields", "id", "--stop", "600"))
	require.Zero(t, stop())
	code, _, errOut := command(t, "explain", tables, "/events", "--where", "ib > 1")
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "names in scope")
	code, _, errOut = command(t, "explain", tables, "/events", "--index", "maybe")
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "auto, off or only")
}

// TestIndexDir learns in one run of the program what another one skips.
func TestIndexDir(t *testing.T) {
	b, err := os.ReadFile(tables)
	require.NoError(t, err)
	dir := t.TempDir()
	file := filepath.Join(dir, "t.h5")
	require.NoError(t, os.WriteFile(file, b, 0o600))
	settle(t, file)
	rest := []string{file, "/events", "--where", "id >= 4990", "--fields", "id", "--index-dir", filepath.Join(dir, "index")}
	skipped := func() (x struct{ Skipped, Touched int64 }) {
		require.NoError(t, json.Unmarshal([]byte(succeed(t, append([]string{"explain", "--json"}, rest...)...)), &x))
		return x
	}
	require.Zero(t, skipped().Skipped)
	rows := succeed(t, append([]string{"get", "--format", "csv"}, rest...)...)
	require.Len(t, strings.Fields(rows), 11)
	require.EqualValues(t, 9, skipped().Skipped)
	require.Equal(t, rows, succeed(t, append([]string{"get", "--format", "csv"}, rest...)...))
	old := []string{file, "/events", "--where", "id >= 4990", "--stats-dir", filepath.Join(dir, "index")}
	require.Contains(t, succeed(t, append([]string{"explain"}, old...)...), "statistics skip 9 chunks", "by its former name")
}

func TestGetSortedAndFiltered(t *testing.T) {
	out := succeed(t, "get", tables, "/events", "--fields", "id", "--where", "id < 3", "--sort-by", "id", "--step", "-1", "--format", "csv", "--index", "off")
	require.Equal(t, "id 2 1 0", strings.Join(strings.Fields(out), " "))
}
