package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// object is a line of `ls --json`, or `describe --json`.
type object map[string]any

func (o object) name() string {
	path, _ := o["path"].(string)
	return o["file"].(string) + " " + path
}

// serveFolder serves a folder until the test ends, wherever that goes meanwhile.
func serveFolder(t *testing.T, folder string) (location string) {
	t.Helper()
	folder, err := filepath.Abs(folder)
	require.NoError(t, err)
	location, _, stop := serving(t, "--listen", "grpc://127.0.0.1:0", folder)
	t.Cleanup(func() { require.Zero(t, stop()) })
	return location
}

func objects(t *testing.T, text string) map[string]object {
	t.Helper()
	out := map[string]object{}
	for line := range strings.Lines(text) {
		var o object
		require.NoError(t, json.Unmarshal([]byte(line), &o))
		out[o.name()] = o
	}
	return out
}

// TestUnknown lists and describes everything here and by a server: both say the same, and null, or nothing, of what is
// not known.
func TestUnknown(t *testing.T) {
	location := serveFolder(t, "../../testdata")
	t.Chdir("../../testdata")
	here, there := objects(t, succeed(t, "ls", "--json", ".")), objects(t, succeed(t, "ls", "--json", location))
	require.Greater(t, len(here), 120)
	require.Equal(t, there, here)
	for name, o := range here {
		require.NotEqual(t, "", o["type"], name)
		require.NotEqual(t, "", o["layout"], name)
		for _, number := range []string{"rows", "bytes", "stored"} {
			if n, known := o[number].(float64); known {
				require.GreaterOrEqual(t, n, 0.0, name)
			}
		}
		file, path := o["file"].(string), o["path"].(string)
		var first, second object
		require.NoError(t, json.Unmarshal([]byte(succeed(t, "describe", "--json", file, path)), &first))
		require.NoError(t, json.Unmarshal([]byte(succeed(t, "describe", "--json", location, file, path)), &second))
		require.Equal(t, second, first, name)
		requireAgrees(t, o, first)
	}
	requireUnknown(t, here["arrays.h5 /octets"], "stored")
	requireUnknown(t, here["pandas.h5 /frame"], "stored", "filters", "chunks", "max_shape", "shape")
	require.Equal(t, 10.0, here["refused.h5 /unknown_filter"]["rows"])
}

// requireAgrees makes sure that a description tells what the listing tells, and what is in the file where that is no frame.
func requireAgrees(t *testing.T, line, description object) {
	t.Helper()
	for member, value := range line {
		if value != nil && member != "order" { // its place among links, which a listing alone tells
			require.Equal(t, value, description[member], "%s %s", line.name(), member)
		}
	}
	if line["layout"] == "frame" || line["layout"] == "sparse" {
		requireUnknown(t, description, "stored", "chunk_count")
	} else if line["kind"] != "unsupported" {
		require.NotNil(t, description["stored"], line.name())
		require.NotNil(t, description["chunk_count"], line.name())
	}
}

func requireUnknown(t *testing.T, o object, members ...string) {
	t.Helper()
	for _, member := range members {
		require.Contains(t, o, member)
		require.Nil(t, o[member], "%s %s", o.name(), member)
	}
}

// TestUnreadable lists files that cannot be read, here and by a server: by one text and one exit code.
func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile(types)
	require.NoError(t, err)
	for name, content := range map[string][]byte{"short.h5": whole[:1000], "words.h5": []byte("words"), "empty.nc": nil, "notes.txt": []byte("words")} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	location := serveFolder(t, dir)
	t.Chdir(dir)
	here, there := objects(t, succeed(t, "ls", "--json", ".")), objects(t, succeed(t, "ls", "--json", location))
	require.Len(t, here, 3)
	require.Equal(t, there, here)
	for _, o := range here {
		require.Len(t, o, 2, "the file and the reason, nothing else: %v", o)
		for _, args := range [][]string{{o["file"].(string)}, {location, o["file"].(string)}, {"--json", location, o["file"].(string)}} {
			code, out, errOut := command(t, append([]string{"ls"}, args...)...)
			require.Equal(t, 5, code, args)
			require.Empty(t, out)
			require.Contains(t, errOut, o["file"])
		}
	}
}
