package serve

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
)

// TestThreeSteps is a Go program that serves.
func TestThreeSteps(t *testing.T) {
	defer goleak.VerifyNone(t)
	config := Default()
	config.Flight.Roots, config.Flight.Listen = []string{"../../testdata"}, []string{"grpc://127.0.0.1:0"}
	server, err := config.Complete()
	require.NoError(t, err)
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	c, err := client.Open(ctx, "grpc://"+server.Addrs(ctx)[0].String())
	require.NoError(t, err)
	rows, err := c.Scan(ctx, protocol.Request{File: "tables.h5", Dataset: "/one"})
	require.NoError(t, err)
	require.True(t, rows.Next())
	require.EqualValues(t, 1, rows.Record().NumRows())
	rows.Release()
	require.NoError(t, c.Close())
	stop()
	require.NoError(t, <-done)
}

func TestCompleteRefuses(t *testing.T) {
	defer goleak.VerifyNone(t)
	for says, change := range map[string]func(*Config){
		"no such file":             func(c *Config) { c.Flight.Roots = []string{"/no/such"} },
		"nothing to serve":         func(c *Config) { c.Flight.Roots = nil },
		"unknown scheme":           func(c *Config) { c.Flight.Listen = []string{"http://x:1"} },
		"--drain must not be":      func(c *Config) { c.Flight.Drain = -1 },
		"must be grpc://HOST:PORT": func(c *Config) { c.Flight.Listen = []string{"grpc://x"} },
		"cannot be advertised":     func(c *Config) { c.Flight.Advertise = []string{"grpc://0.0.0.0:1"} },
		"/no/such/dir":             func(c *Config) { c.Engine.IndexDir = "/no/such/dir/x" },
	} {
		config := Default()
		config.Flight.Roots = []string{"../../testdata"}
		change(&config)
		_, err := config.Complete()
		require.ErrorContains(t, err, says)
		require.NotNil(t, fault.Of(err), says)
	}
}
