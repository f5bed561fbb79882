package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/protocol"
)

func TestTop(t *testing.T) {
	defer goleak.VerifyNone(t)
	admin := "unix://" + filepath.Join(t.TempDir(), "admin")
	location, _, stop := serving(t, "--listen", "grpc://127.0.0.1:0", "--admin", admin, tables)
	require.Regexp(t, `(?s)^mtflight \S+, up 0s, 0 requests\nsent 0 B/s .*memory .*workers 0 of \d`, succeed(t, "top", "--once", "--every", "10ms", admin))
	c, err := client.Open(context.Background(), location)
	require.NoError(t, err)
	rows, err := c.Scan(context.Background(), protocol.Request{File: "tables.h5", Dataset: "/events", Stream: &protocol.Stream{Cyclic: true}})
	require.NoError(t, err)
	require.True(t, rows.Next())
	require.Regexp(t, `(?s) 1 requests.*DoGet\s+127\.0\.0\.1:\d+\s+tables\.h5\s+/events\s+\ds\s+\d+\s`, succeed(t, "top", "--once", "--every", "50ms", admin))
	rows.Release()
	require.NoError(t, c.Close())
	require.Zero(t, stop())
	code, _, errOut := command(t, "top", admin)
	require.Equal(t, 10, code)
	require.Contains(t, errOut, "start the server with --admin")
}

// TestTopLogsIn at an address that others can reach.
func TestTopLogsIn(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	succeed(t, "cert", "selfsigned", "--tls-cert", file("cert.pem"), "--tls-key", file("key.pem"))
	for _, name := range []string{"ann", "bob"} {
		require.NoError(t, os.WriteFile(file(name), []byte(succeed(t, "token", "new", "--auth-tokens", file("tokens"), name)), 0o600))
	}
	require.NoError(t, os.WriteFile(file("rules"), []byte("operators: [ann]\nrules: [{for: ['*'], files: ['*']}]"), 0o600))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	admin := "https://" + l.Addr().String()
	require.NoError(t, l.Close())
	_, _, stop := serving(t, "--listen", "grpc+unix://"+file("s"), "--admin", admin, "--tls-cert", file("cert.pem"), "--tls-key", file("key.pem"),
		"--auth-tokens", file("tokens"), "--rules", file("rules"), tables)
	top := func(args ...string) (int, string, string) {
		return command(t, append([]string{"top", "--once", "--every", "10ms", admin}, args...)...)
	}
	code, out, errOut := top("--tls-ca", file("cert.pem"), "--token", file("ann"))
	require.Zero(t, code, errOut)
	require.Contains(t, out, "0 requests")
	for says, args := range map[string][]string{"log in first": {"--tls-ca", file("cert.pem")}, "bob is no operator": {"--tls-ca", file("cert.pem"), "--token", file("bob")}} {
		code, _, errOut := top(args...)
		require.Equal(t, 6, code)
		require.Contains(t, errOut, says)
	}
	code, _, errOut = top("--token", file("ann"))
	require.Equal(t, 10, code)
	require.Contains(t, errOut, "certificate is not accepted")
	require.Zero(t, stop())
}
