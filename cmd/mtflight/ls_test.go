package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
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

func TestListNothing(t *testing.T) {
	code, out, errOut := command(t, "ls", t.TempDir())
	require.Zero(t, code)
	require.Empty(t, out, "no head over nothing")
	require.Equal(t, "no datasets there\n", errOut)
	_, _, errOut = command(t, "ls", "--json", t.TempDir())
	require.Empty(t, errOut)
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
	frame := `(?m)/frame +frame \(pandas table\) +\d+ +x float64, n int64, who utf8`
	require.Regexp(t, frame, succeed(t, "ls", pandas))
	require.Regexp(t, frame, succeed(t, "ls", "--frames", pandas))
	require.NotContains(t, succeed(t, "ls", "--frames=none", pandas), "frame (")
	require.NotContains(t, succeed(t, "ls", "--frames=false", pandas), "frame (")
	narrow := plain(onTerminal(t, 80, "ls", pandas))
	require.Regexp(t, `(?m)^/frame +frame +100 `, narrow, "what wrote it leaves room for its columns")
	require.Less(t, strings.Index(narrow, "/fixed "), strings.Index(narrow, "/fixed/axis0 "), "a frame stands before its parts")
	code, _, errOut := command(t, "ls", "--frames=many", pandas)
	require.Equal(t, 2, code)
	require.Contains(t, errOut, `"many" is none of some, all and none`)
}

// TestFrameBudget opens no more frames than it may: others are named.
func TestFrameBudget(t *testing.T) {
	groups := []reader.GroupInfo{{Path: "/"}, {Path: "/a", Frame: "anndata"}, {Path: "/_i_x", Frame: "anndata"}, {Path: "/b", Frame: "pandas fixed"}, {Path: "/c", Frame: "pandas fixed"}}
	opened, seen := []string{}, []string{}
	b := &frameBudget{2}
	require.NoError(t, b.list("f.h5", groups, func(path string) (listed, error) {
		opened = append(opened, path)
		if path == "/b" {
			return listed{}, fault.New(fault.DataLoss, "broken")
		}
		return listed{Info: &reader.Info{Path: path, Kind: "table"}}, nil
	}, func(d listed) error {
		seen = append(seen, d.File+d.Path+" "+d.Kind+" "+d.note())
		return nil
	}))
	require.Equal(t, []string{"/a", "/b"}, opened)
	require.Equal(t, []string{"f.h5/a table ", "f.h5/b unsupported broken", "f.h5/c table --frames tells its columns"}, seen)
}

func TestListSeveral(t *testing.T) {
	out := succeed(t, "ls", tables, arrays)
	require.Regexp(t, `(?m)tables.h5 +/events +table`, out)
	require.Regexp(t, `(?m)arrays.h5 +/cube +array`, out)
	code, out, errOut := command(t, "ls", tables, "/no/such/../file.h5", arrays)
	require.Equal(t, 3, code)
	require.Contains(t, out, "/cube", "one that is not there does not hide the others")
	require.Regexp(t, `file.h5 +- +unreadable .*no such file`, out)
	require.Equal(t, 1, strings.Count(errOut, "\n"), errOut)
}

func TestListGroup(t *testing.T) {
	location := serveFolder(t, "../../testdata")
	for _, at := range [][]string{{arrays}, {location, "arrays.h5"}} {
		out := succeed(t, append(append([]string{"ls"}, at...), "/wave")...)
		require.Equal(t, 5, strings.Count(out, "/wave/"), out)
		require.NotContains(t, out, "/cube")
		require.Contains(t, succeed(t, append(append([]string{"ls"}, at...), "/cube")...), "/cube")
		code, out, errOut := command(t, append(append([]string{"ls"}, at...), "/wav")...)
		require.Equal(t, 3, code)
		require.Empty(t, out)
		require.Contains(t, errOut, `there is no group "/wav" in it, nor a file of that name (near: "/wave")`)
	}
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
	require.Equal(t, "", product(nil))
	require.Equal(t, "scalar", product([]int64{}))
	require.Equal(t, "12x0", product([]int64{12, 0}))
}
