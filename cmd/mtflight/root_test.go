package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

func TestExitCodes(t *testing.T) {
	ctx := context.Background()
	require.Zero(t, exitCode(ctx, nil))
	require.Equal(t, 1, exitCode(ctx, errors.New("of no kind")))
	seen := map[int]bool{}
	for _, kind := range fault.Kinds() {
		code := exitCode(ctx, fmt.Errorf("wrapped: %w", fault.New(kind, "x")))
		require.Greater(t, code, 1, kind)
		seen[code] = true
	}
	help := succeed(t, "--help")
	for code := range seen {
		require.Contains(t, help, strconv.Itoa(code)+" ", "the help documents the code")
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	require.Equal(t, 130, exitCode(cancelled, fault.New(fault.DataLoss, "on the way")))
	require.Zero(t, exitCode(cancelled, nil), "a server that drained")
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"get"}, "write `mtflight get [grpc://HOST:PORT] FILE [DATASET]"},
		{[]string{"get", "grpc://127.0.0.1:1"}, "wrong number of arguments (1)"},
		{[]string{"stats", tables, "/events", "--chunks"}, "--chunks needs --json"},
		{[]string{"serve"}, "needs a directory or file"},
		{[]string{"serve", "--memory", "lots", "."}, "is not a size such as 256MB"},
		{[]string{"serve", "--memory", "3", "."}, `"3" is 3 B: write a unit, as in 256MB`},
		{[]string{"serve", "--memory", "1MB", "."}, "1.00 MB is too little to read anything: give at least 16.0 MB"},
		{[]string{"serve", "--stage-memory", "8", "."}, "write a unit"},
		{[]string{"serve", "--helpers", "0", "."}, "must be a number from 1 to 1000: leave it out for the default"},
		{[]string{"serve", "--workers", "-1", "."}, "must be a number from 1 to 1000"},
		{[]string{"serve", "--drain", "-1s", "."}, "--drain must not be negative"},
		{[]string{"serve", "--read-timeout", "-1s", "."}, "--read-timeout must not be negative"},
		{[]string{"serve", "--listen", "grpc://x", "."}, "must be grpc://HOST:PORT"},
		{[]string{"serve", "--advertise", "grpc://0.0.0.0:1", "."}, "cannot be advertised"},
		{[]string{"serve", "--log-level", "loud", "."}, "choose debug, info"},
		{[]string{"get", "--start", "x", tables, "/events"}, "is not an integer"},
		{[]string{"ls", "--nope", "."}, "unknown flag: --nope"},
		{[]string{"health", "127.0.0.1"}, `location "127.0.0.1" must be grpc://HOST:PORT`},
		{[]string{"version", "extra"}, "wrong number of arguments (1)"},
		{[]string{"fetch"}, "unknown command \"fetch\""},
		{[]string{"sreve"}, `unknown command "sreve" (near: "serve")`},
	} {
		code, _, errOut := command(t, c.args...)
		require.Equal(t, 2, code, "%v", c.args)
		require.Contains(t, errOut, c.says)
	}
}

func TestVersion(t *testing.T) {
	require.Regexp(t, `^mtflight \S+ go1\.\S+ \S+/\S+\n$`, succeed(t, "version"))
	require.Regexp(t, `^mtflight version \S+\n$`, succeed(t, "--version"))
}
