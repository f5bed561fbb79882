package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// serving starts the command and gives where it listens; stop ends it and gives its exit code.
func serving(t *testing.T, args ...string) (location, banner string, stop func() int) {
	t.Helper()
	location, banner, _, stop = servingLogged(t, args...)
	return location, banner, stop
}

// said is what a server has in its log so far.
type said struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// servingLogged gives its log too.
func servingLogged(t *testing.T, args ...string) (location, banner string, log *said, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out, w := io.Pipe()
	done := make(chan int, 1)
	log = &said{}
	go func() {
		done <- run(ctx, append([]string{"serve"}, args...), w, log)
		w.Close()
	}()
	first := make([]byte, 4096)
	n, err := out.Read(first)
	require.NoError(t, err, "%s", log)
	banner = string(first[:n])
	location = regexp.MustCompile(`grpc(\+unix|\+tls)?://[^\s,]+`).FindString(banner)
	require.NotEmpty(t, location, banner)
	return location, banner, log, func() int {
		cancel()
		select {
		case code := <-done:
			return code
		case <-time.After(time.Minute):
			t.Fatal("the server does not end")
			return -1
		}
	}
}

func TestServe(t *testing.T) {
	defer goleak.VerifyNone(t)
	location, banner, stop := serving(t, "--listen", "grpc://127.0.0.1:0", "../../testdata")
	require.Contains(t, banner, "fl.connect(\""+location+"\")")

	require.Regexp(t, `request = \{"file": "\S+", "dataset": "/\S+", "limit": 10\}`, banner)
	require.Equal(t, "SERVING\n", succeed(t, "health", "--timeout", "1m", location))
	require.Contains(t, succeed(t, "ls", location), "tables.h5")
	require.NotContains(t, succeed(t, "ls", location, "arr*"), "tables.h5")
	code, out, errOut := command(t, "ls", location, "tabels.h5")
	require.Equal(t, 3, code)
	require.Empty(t, out)
	require.Contains(t, errOut, "no file named tabels.h5")
	require.Regexp(t, `/frame +frame \(pandas table\) +\d+ +x float64, n int64`, succeed(t, "ls", location, "pandas.h5"))
	require.Contains(t, succeed(t, "describe", location, "tables.h5", "/events"), "detector")
	args := []string{"tables.h5", "/events", "--format", "csv", "--start", "10", "--stop", "700", "--fields", "name,pos,t"}
	fromServer := succeed(t, append([]string{"get", location}, args...)...)
	args[0] = tables
	require.Equal(t, succeed(t, append([]string{"get"}, args...)...), fromServer)
	path := filepath.Join(t.TempDir(), "out.parquet")
	succeed(t, "get", location, "tables.h5", "/blosc", "-o", path)
	require.Equal(t, int64(2000), parquetRows(t, path))

	code, _, errOut = command(t, "get", location, "tables.h5", "/evnts")
	require.Equal(t, 3, code)
	require.Contains(t, errOut, `near: "/events"`)
	code, _, errOut = command(t, "get", location, "../secret.h5", "/x")
	require.Equal(t, 3, code, errOut)

	code, _, errOut = command(t, "serve", "--listen", location, "../../testdata")
	require.Equal(t, 10, code)
	require.Contains(t, errOut, "already in use")
	require.Zero(t, stop())

	code, _, errOut = command(t, "health", location)
	require.Equal(t, 10, code)
	require.Contains(t, errOut, "is the server running")
}

func TestServeUnixSocket(t *testing.T) {
	defer goleak.VerifyNone(t)
	socket := "grpc+unix://" + filepath.Join(t.TempDir(), "s")
	location, _, stop := serving(t, "--listen", socket, tables)
	require.Equal(t, socket, location)
	require.Contains(t, succeed(t, "get", location, "tables.h5", "/one"), "1 rows")
	require.Zero(t, stop())
}

func TestServeRefuses(t *testing.T) {
	code, _, errOut := command(t, "serve", "--listen", "grpc://127.0.0.1:0", "--listen", "grpc://0.0.0.0:0", tables)
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "serve --insecure")
	code, _, errOut = command(t, "serve", "--listen", "grpc://127.0.0.1:0", "--socket-mode", "rw", tables)
	require.Equal(t, 2, code)
	require.Contains(t, errOut, "octal")
	code, _, errOut = command(t, "serve", "--listen", "grpc://127.0.0.1:0", "/no/such/dir")
	require.Equal(t, 3, code)
	require.Contains(t, errOut, "/no/such/dir")
	code, _, errOut = command(t, "serve", "--listen", "http://127.0.0.1:0", tables)
	require.Equal(t, 2, code)
	require.True(t, strings.Contains(errOut, "grpc://HOST:PORT"), errOut)
}

func TestServeEndsWithStandardInput(t *testing.T) {
	defer goleak.VerifyNone(t)
	in, held := io.Pipe()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := untilEnd(ctx, in)
	_, err := held.Write([]byte("dropped\n"))
	require.NoError(t, err)
	require.NoError(t, ended.Err())
	require.NoError(t, held.Close())
	select {
	case <-ended.Done():
	case <-time.After(time.Minute):
		t.Fatal("the end of standard input is not seen")
	}
}

// A server tells in its log what it had libhdf5 answer.
func TestServeWitness(t *testing.T) {
	defer goleak.VerifyNone(t)
	file := doubtful(t)
	settle(t, file)
	for choice, told := range map[string]int{"on": 1, "off": 0} {
		location, _, log, stop := servingLogged(t, "--listen", "grpc://127.0.0.1:0", "--witness", choice, filepath.Dir(file))
		out := succeed(t, "describe", location, "doubtful.h5", "/g/chunked")
		require.Equal(t, told, strings.Count(out, "witness"), choice)
		require.Zero(t, stop())
		require.Equal(t, told, strings.Count(log.String(), `"file":"doubtful.h5","object":"/g/chunked","reason":"`), log)
	}
}

// The banner's sample asks for what is there, and the log warns of what a user may not mean.
func TestServeBanner(t *testing.T) {
	defer goleak.VerifyNone(t)
	_, banner, log, stop := servingLogged(t, "--listen", "grpc://127.0.0.1:0", arrays)
	require.Contains(t, banner, `request = {"file": "arrays.h5", "dataset": "/cube", "limit": 10}`, "a file of arrays")
	require.Zero(t, stop())
	require.NotContains(t, log.String(), `"level":"warn"`)
	_, banner, log, stop = servingLogged(t, "--listen", "grpc://0.0.0.0:0", "--insecure", t.TempDir())
	require.Contains(t, banner, `client.list_flights()`)
	require.Zero(t, stop())
	require.Contains(t, log.String(), "there is nothing to read yet")
	require.Contains(t, log.String(), "there is no login")
	text := filepath.Join(t.TempDir(), "text.h5")
	require.NoError(t, os.WriteFile(text, []byte("text"), 0o600))
	_, _, log, stop = servingLogged(t, "--listen", "grpc://127.0.0.1:0", text)
	require.Zero(t, stop())
	require.Contains(t, log.String(), "text.h5: has no HDF5 signature")
}
