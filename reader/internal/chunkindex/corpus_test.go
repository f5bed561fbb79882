package chunkindex_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCorpus compares with libhdf5 every dataset that libhdf5 opens in every file below the folder MTFLIGHT_CORPUS.
// MTFLIGHT_PYTHON is a Python with h5py.
func TestCorpus(t *testing.T) {
	root, python := os.Getenv("MTFLIGHT_CORPUS"), os.Getenv("MTFLIGHT_PYTHON")
	if root == "" || python == "" {
		t.Skip("set MTFLIGHT_CORPUS to a folder of HDF5 files and MTFLIGHT_PYTHON to a Python with h5py")
	}
	var total tally
	for _, dump := range dumpCorpus(t, python, corpusFiles(t, root)) {
		if dump.Error != "" {
			total.unreadable++
			continue
		}
		total.files++
		t.Run(strings.TrimPrefix(dump.File, root), func(t *testing.T) {
			r, size := openFile(t, dump.File)
			compareFile(t, r, size, dump, &total)
		})
	}
	t.Logf("%d files (%d libhdf5 doesn't open): %d datasets, %d of them chunked with %d chunks; %d datasets libhdf5 doesn't open",
		total.files, total.unreadable, total.datasets, total.chunked, total.chunks, total.failed)
	require.NotZero(t, total.chunked)
}

func corpusFiles(t *testing.T, root string) []string {
	var files []string
	require.NoError(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	}))
	return files
}

func dumpCorpus(t *testing.T, python string, files []string) []fileDump {
	cmd := exec.Command(python, "testdata/dump.py", "--each")
	cmd.Stdin = strings.NewReader(strings.Join(files, "\n") + "\n")
	out, err := cmd.Output()
	require.NoError(t, err)
	return parseDumps(t, bytes.NewReader(out))
}

func parseDumps(t testing.TB, r io.Reader) []fileDump {
	var dumps []fileDump
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return dumps
		}
		require.NoError(t, err)
		var d fileDump
		require.NoError(t, json.Unmarshal(line, &d))
		dumps = append(dumps, d)
	}
}

func openFile(t *testing.T, name string) (io.ReaderAt, int64) {
	f, err := os.Open(name)
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.Close() })
	info, err := f.Stat()
	require.NoError(t, err)
	return f, info.Size()
}
