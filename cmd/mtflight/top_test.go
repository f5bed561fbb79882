package main

import (
	"context"
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
