package main

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/objectstore/storetest"
)

// bucketed puts two files into a store.
func bucketed(t *testing.T) *storetest.Server {
	t.Helper()
	s := storetest.New(t)
	for key, file := range map[string]string{"lab/tables.h5": tables, "lab/deep/arrays.h5": arrays} {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		s.Put(key, b)
	}
	s.Put("lab/notes.txt", []byte("x"))
	return s
}

// TestStored: commands answer about an object as about the same file on disk.
func TestStored(t *testing.T) {
	s := bucketed(t)
	for _, address := range []string{s.Root("lab/tables.h5"), s.URL + "/data/lab/tables.h5?token=hunter2"} {
		for _, args := range [][]string{{"describe", "FILE"}, {"describe", "FILE", "/events"}, {"describe", "--json", "FILE", "/events"}, {"ls", "FILE"}, {"attributes", "FILE", "/events"},
			{"get", "--format", "csv", "FILE", "/events"}, {"get", "--format", "csv", "--where", "id > 4990", "FILE", "/events"}} {
			asked := func(file string) string {
				with := make([]string, len(args))
				for i, a := range args {
					with[i] = strings.ReplaceAll(a, "FILE", file)
				}
				return succeed(t, with...)
			}
			got := asked(address)
			require.NotContains(t, got, "hunter2")
			require.NotContains(t, got, "endpoint")
			lines, same := strings.Split(asked(tables), "\n"), 0
			require.Len(t, strings.Split(got, "\n"), len(lines), args)
			for i, line := range strings.Split(got, "\n") {
				if line == lines[i] {
					same++
				} else {
					require.True(t, strings.Contains(line, "tables.h5") || strings.Contains(line, "state"), line)
				}
			}
			require.Positive(t, same)
		}
	}
	require.Contains(t, succeed(t, "ls", s.Root("lab")), "/events")
}

func TestStoredServed(t *testing.T) {
	s := bucketed(t)
	location, banner, stop := serving(t, "--listen", "grpc://127.0.0.1:0", s.Root("lab"))
	require.Contains(t, banner, "serves s3://data/lab on")
	defer func() { require.Zero(t, stop()) }()
	listed := succeed(t, "ls", location)
	require.Contains(t, listed, "deep/arrays.h5")
	require.NotContains(t, listed, "notes.txt")
	require.Equal(t, succeed(t, "get", "--format", "csv", tables, "/events"), succeed(t, "get", "--format", "csv", location, "tables.h5", "/events"))
	for _, name := range []string{"../lab/tables.h5", "none.h5", "s3://data/lab/tables.h5", "/s3:/x"} {
		code, _, errOut := command(t, "get", location, name, "/events")
		require.NotZero(t, code)
		require.Contains(t, errOut, "no such file")
		require.NotContains(t, errOut, "data/"+name)
	}
	s.Fail(func(*http.Request) storetest.Fault { return storetest.Wrong })
	code, _, errOut := command(t, "get", location, "tables.h5", "/events")
	require.NotZero(t, code)
	require.Contains(t, errOut, "SignatureDoesNotMatch")
	require.NotContains(t, errOut, "AKIA")
}

// TestStoredAbsent: what is not there is named without what may be a secret.
func TestStoredAbsent(t *testing.T) {
	s := bucketed(t)
	for _, args := range [][]string{{"describe"}, {"check"}, {"index", "--index-dir", t.TempDir()}} {
		code, _, errOut := command(t, append(args, s.Root("lab/none.h5"))...)
		require.Equal(t, 3, code, args)
		require.Contains(t, errOut, "s3://data/lab/none.h5")
		require.NotContains(t, errOut, "endpoint")
	}
}

// TestStoredChecked: check finds in an object what it finds in the file.
func TestStoredChecked(t *testing.T) {
	s := bucketed(t)
	named := strings.NewReplacer(tables, "FILE", "s3://data/lab/tables.h5", "FILE")
	require.Equal(t, named.Replace(succeed(t, "check", tables)), named.Replace(succeed(t, "check", s.Root("lab/tables.h5"))))
	b, err := os.ReadFile(tables)
	require.NoError(t, err)
	s.Put("lab/tables.h5", b[:len(b)*9/10])
	code, out, errOut := command(t, "check", "--json", s.Root("lab/tables.h5"))
	require.Equal(t, 5, code, errOut)
	require.Contains(t, out, `"file":"s3://data/lab/tables.h5"`)
	require.NotContains(t, out+errOut, "endpoint")
}

// TestStoredIndexed: with the index directory a file is described by three requests at most, and not indexed again.
func TestStoredIndexed(t *testing.T) {
	s, dir := bucketed(t), t.TempDir()
	require.Contains(t, succeed(t, "index", "--index-dir", dir, "--stats", s.Root("lab")), "2 files: 2 indexed, 0 had not changed")
	require.Contains(t, succeed(t, "index", "--index-dir", dir, "--stats", s.Root("lab/tables.h5")), "1 files: 0 indexed, 1 had not changed")
	asked := s.Requests.Load()
	require.Contains(t, succeed(t, "describe", "--index-dir", dir, s.Root("lab/tables.h5"), "/events"), "rows         5000")
	require.LessOrEqual(t, s.Requests.Load()-asked, int64(3))
	asked = s.Requests.Load()
	require.Len(t, strings.Split(strings.TrimSpace(succeed(t, "get", "--format", "csv", "--index-dir", dir, "--where", "id > 1e9", s.Root("lab/tables.h5"), "/events")), "\n"), 1, "names alone")
	require.LessOrEqual(t, s.Requests.Load()-asked, int64(3), "no chunk can match")
	b, err := os.ReadFile(arrays)
	require.NoError(t, err)
	s.Put("lab/tables.h5", b)
	require.Contains(t, succeed(t, "index", "--index-dir", dir, s.Root("lab/tables.h5")), "1 files: 1 indexed")
}
