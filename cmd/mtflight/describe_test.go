package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDescribe(t *testing.T) {
	out := succeed(t, "describe", tables, "/events")
	require.Regexp(t, `(?m)^kind +table$`, out)
	require.Regexp(t, `(?m)^chunk_count +10$`, out)
	require.Regexp(t, `(?m)^schema +id: int64$`, out)
	require.Regexp(t, `detector: "barrel"`, out)
	require.Regexp(t, `(?m)^indexes +\["run"\]$`, succeed(t, "describe", tables, "/plain"))
}

// TestDescribeForPeople leaves out what stands there already, and breaks lines below where they begin.
func TestDescribeForPeople(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	out := onTerminal(t, 80, "describe", tables, "/events")
	require.LessOrEqual(t, widest(out), 80, out)
	require.Regexp(t, `(?m)^type +compound\(64\)\{id@0:i64le;.*\n {10,}\S`, out)
	require.NotContains(t, out, "FIELD_0_NAME:")
	require.Contains(t, out, "(and 24 that PyTables keeps of columns")
	require.NotContains(t, out, "hdf5.shape")
	require.Regexp(t, `(?m)^max_shape +\[unlimited\]$`, out)
	require.Regexp(t, `(?m)^bytes +320000 \(312 KB\)$`, out)
	require.Regexp(t, `(?m)^ratio +2\.23$`, out)
	require.Regexp(t, `(?m)^ +pos: float32\[3\]$`, out)
}

func TestDescribeJSON(t *testing.T) {
	var d struct {
		Path    string
		Filters []string
		Shape   []int64
		Schema  []column
	}
	require.NoError(t, json.Unmarshal([]byte(succeed(t, "describe", "--json", arrays, "/wave/zlib")), &d))
	require.Equal(t, "/wave/zlib", d.Path)
	require.Equal(t, []string{"shuffle", "deflate"}, d.Filters)
	require.Equal(t, []int64{60, 1024}, d.Shape)
	require.Equal(t, "zlib", d.Schema[0].Name)
}

// TestDescribeByAnotherName asks for groups by further hard links.
func TestDescribeByAnotherName(t *testing.T) {
	links := "../../testdata/links.h5"
	require.Regexp(t, `(?m)^ +/group/up hard /$`, succeed(t, "describe", links))
	require.Equal(t, succeed(t, "describe", links, "/group"), succeed(t, "describe", links, "/group/up/group/up/group/"))
	require.Equal(t, succeed(t, "describe", links), succeed(t, "describe", links, "/group/up"))
}

func TestDescribeRefuses(t *testing.T) {
	code, _, errOut := command(t, "describe", tables, "/event")
	require.Equal(t, 3, code)
	require.Contains(t, errOut, "events", "the near match")
}

// doubtful has a dataset that libhdf5 describes and our own code refuses: its chunks are of elements of another size.
func doubtful(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../reader/internal/h5c/testdata/tree.h5")
	require.NoError(t, err)
	b[bytes.Index(b, []byte{4, 0, 0, 0, 6, 0, 0, 0, 4, 0, 0, 0})+8] = 5
	path := filepath.Join(t.TempDir(), "doubtful.h5")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	return path
}

func TestDescribeNamesTheWitness(t *testing.T) {
	file := doubtful(t)
	out := succeed(t, "describe", file, "/g/chunked")
	require.Regexp(t, `(?m)^witness +parse layout message: chunks of elements of 5 bytes`, out)
	require.Regexp(t, `(?m)^shape +\[10,6\]$`, out)
	out = succeed(t, "describe", "--witness", "off", file, "/g/chunked")
	require.NotContains(t, out, "witness")
	require.Regexp(t, `(?m)^shape +-$`, out)
	require.Contains(t, succeed(t, "ls", "--json", file), `"witness":"parse layout`)
	require.NotContains(t, succeed(t, "ls", "--json", "--witness", "off", file), "witness")
	code, _, errOut := command(t, "ls", "--witness", "no", file)
	require.Equal(t, 2, code)
	require.Contains(t, errOut, `"no" is neither on nor off`)
}

// TestDescribeFile tells the same of a file and its groups here and by a server.
func TestDescribeFile(t *testing.T) {
	out := succeed(t, "describe", "../../testdata/climate.nc")
	require.Regexp(t, `(?m)^kind +group$`, out)
	require.Regexp(t, `(?m)^datasets +/lat array 9 float64$`, out)
	require.Regexp(t, `(?m)^attributes +CLASS: "GROUP"`, succeed(t, "describe", tables), "global attributes")
	out = succeed(t, "describe", arrays, "/wave/")
	require.Regexp(t, `(?m)^path +/wave$`, out)
	require.NotContains(t, out, "/cube")
	location := serveFolder(t, "../../testdata")
	t.Chdir("../../testdata")
	for _, what := range [][]string{{"climate.nc"}, {"pandas.h5"}, {"arrays.h5", "/wave"}} {
		here, there := succeed(t, append([]string{"describe", "--json"}, what...)...), succeed(t, append([]string{"describe", "--json", location}, what...)...)
		require.Equal(t, here, there)
	}
}
