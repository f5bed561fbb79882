package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestListFile(t *testing.T) {
	out := succeed(t, "ls", tables)
	lines := strings.SplitN(out, "\n", 3)
	require.Equal(t, tables, lines[0])
	require.Regexp(t, `^DATASET +KIND +SHAPE `, lines[1])
	require.NotContains(t, lines[2], tables, "the file's name is written once")
	require.Regexp(t, `(?m)^/events +table  5000 +id int64, t float64, .* 512 +shuffle\+deflate +312 KB`, out)
	require.NotContains(t, out, "_i_", "PyTables' own nodes are not listed")
}

func TestListDirectory(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile(types)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "good"), whole, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "short.h5"), whole[:1000], 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), []byte("words"), 0o600))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe.h5"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "words.hdf5"), []byte("words"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "empty.nc"), nil, 0o600))
	require.NoError(t, os.Symlink("nowhere.h5", filepath.Join(dir, "link.h5")))
	out := succeed(t, "ls", dir)
	require.Regexp(t, `(?m)^FILE +DATASET `, out)
	require.Regexp(t, `(?m)/good +/integers/be_i4`, out)
	require.Regexp(t, `short.h5 +- +unreadable`, out, "a truncated file does not end the listing")
	require.Regexp(t, `words.hdf5 +- +unreadable .* DataLoss: has no HDF5 signature`, out, "as a server says it")
	require.Regexp(t, `empty.nc +- +unreadable`, out)
	require.Regexp(t, `the file is cut off: \d+ of its \d+ bytes are there`, out)
	require.NotContains(t, out, "notes.txt")
	require.NotContains(t, out, "pipe.h5")
	require.Contains(t, succeed(t, "ls", "../../testdata/refused.h5"), "a directory that holds its plug-in", "a note is shown to its end")
}

func TestListJSON(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(succeed(t, "ls", "--json", arrays)), "\n")
	require.Len(t, lines, 12)
	for _, line := range lines {
		var d struct{ File, Path, Kind string }
		require.NoError(t, json.Unmarshal([]byte(line), &d))
		require.Equal(t, arrays, d.File)
		require.NotEmpty(t, d.Kind)
	}
}

func TestListFrames(t *testing.T) {
	frame := `(?m)/frame +table +- +x float64, n int64, who utf8`
	require.Regexp(t, frame, succeed(t, "ls", "--frames", pandas))
	require.NotRegexp(t, frame, succeed(t, "ls", pandas), "frames are listed on request")
}

func TestListRefuses(t *testing.T) {
	code, out, errOut := command(t, "ls", "/no/such/file.h5")
	require.Equal(t, 3, code)
	require.Empty(t, out)
	require.Contains(t, errOut, "/no/such/file.h5: no such file")
	code, _, errOut = command(t, "ls", textFile(t))
	require.Equal(t, 5, code)
	require.Contains(t, errOut, "text.h5")
}

func TestTruncatedFileIsNamedOnce(t *testing.T) {
	whole, err := os.ReadFile(types)
	require.NoError(t, err)
	short := filepath.Join(t.TempDir(), "short.h5")
	require.NoError(t, os.WriteFile(short, whole[:1000], 0o600))
	for _, args := range [][]string{{"ls", short}, {"get", short, "/x"}, {"describe", short, "/x"}} {
		code, _, errOut := command(t, args...)
		require.Equal(t, 5, code)
		require.Equal(t, 1, strings.Count(errOut, "short.h5"), errOut)
	}
}

func TestShapeText(t *testing.T) {
	require.Equal(t, "", shapeText(nil))
	require.Equal(t, "scalar", shapeText([]int64{}))
	require.Equal(t, "12x0", shapeText([]int64{12, 0}))
}
