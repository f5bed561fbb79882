package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// offered is what a shell is offered, without descriptions.
func offered(t *testing.T, args ...string) (words []string) {
	t.Helper()
	for line := range strings.Lines(succeed(t, append([]string{"__complete"}, args...)...)) {
		if word, _, _ := strings.Cut(strings.TrimRight(line, "\n"), "\t"); !strings.HasPrefix(word, ":") {
			words = append(words, word)
		}
	}
	return words
}

func TestCompletion(t *testing.T) {
	location := serveFolder(t, "../../testdata")
	for _, at := range [][]string{{tables}, {location, "tables.h5"}} {
		with := func(before []string, after ...string) []string {
			return offered(t, append(append(append([]string{}, before...), at...), after...)...)
		}
		require.Equal(t, []string{"/events"}, with([]string{"get"}, "/ev"))
		require.Equal(t, []string{"/deep/er/particles"}, with([]string{"stats"}, "/deep"), "no groups")
		require.Contains(t, with([]string{"describe"}, "/deep"), "/deep/er")
		require.Equal(t, []string{"/deep", "/deep/er", "/deep/er/particles"}, with([]string{"ls"}, "/deep"))
		require.Equal(t, []string{"id,energy"}, with([]string{"get"}, "/events", "--fields", "id,en"))
		require.Equal(t, []string{"energy"}, with([]string{"explain"}, "/events", "--sort-by", "en"))
	}
	require.Equal(t, []string{"tables.h5"}, offered(t, "get", location, "tab"))
	require.Subset(t, offered(t, "get", tables, "--format", ""), []string{"parquet", "npy"})
	require.Contains(t, succeed(t, "__complete", "get", ""), ":0\n", "files are the shell's business")
	require.Empty(t, offered(t, "get", "/no/such.h5", "/"))
	require.Empty(t, offered(t, "get", "grpc://127.0.0.1:1", ""), "a server that is not there is silent")
}

func TestMan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	succeed(t, "man", dir)
	for _, name := range []string{"mtflight.1", "mtflight-get.1", "mtflight-ls.1", "mtflight-stats.1", "mtflight-serve.1"} {
		page, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Contains(t, string(page), ".TH ")
	}
	code, _, errOut := command(t, "man", "/proc/nothing")
	require.Equal(t, 6, code)
	require.Equal(t, 1, strings.Count(errOut, "\n"), errOut)
}

// TestAFileBehindTheLocation is asked for as in Python.
func TestAFileBehindTheLocation(t *testing.T) {
	for location, want := range map[string][]string{
		"grpc://h:1/a/run7.h5": {"grpc://h:1", "a/run7.h5", "/events"}, "grpc+tls://h:1/": {"grpc+tls://h:1", "/events"},
		"grpc://h:1": {"grpc://h:1", "/events"}, "grpc+unix:///run/s.sock": {"grpc+unix:///run/s.sock", "/events"},
	} {
		at, rest := place([]string{location, "/events"})
		require.Equal(t, want, append([]string{at}, rest...))
	}
	at, rest := place([]string{"dir/run7.h5", "/events"})
	require.Equal(t, []string{"", "dir/run7.h5", "/events"}, append([]string{at}, rest...))
}
