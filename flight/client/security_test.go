package client

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// A scheme that is written in another way must not turn TLS off.
func TestSchemesAsWritten(t *testing.T) {
	for _, location := range []string{"GRPC+TLS://lab.example:8815", "Grpc+tls://lab.example:8815", "GRPC://lab.example:8815", "grpc+TLS://lab.example:8815"} {
		_, err := Target(location)
		require.ErrorIs(t, err, fault.Invalid, location)
	}
}

// Where a bearer may go: never in plain from a server that was asked by TLS.
func TestTrusts(t *testing.T) {
	for _, k := range []struct {
		home, location string
		goes           bool
	}{
		{"grpc+tls://lab.example:1", "grpc+tls://lab.example:1", true},
		{"grpc+tls://lab.example:1", "grpc+tls://other.example:1", true},
		{"grpc+tls://lab.example:1", "grpc://lab.example:2", false},
		{"grpc+tls://lab.example:1", "grpc://other.example:2", false},
		{"grpc+tls://lab.example:1", "GRPC+TLS://lab.example:2", false},
		{"grpc+tls://lab.example:1", "grpc+unix:///run/other", false},
		{"grpc://lab.example:1", "grpc://LAB.example:2", true},
		{"grpc://lab.example:1", "grpc://lab.example.evil:2", false},
		{"grpc://lab.example:1", "grpc://lab.example:2@evil.example:3", false},
		{"grpc://lab.example:1", "grpc://evil.example:3/lab.example", false},
		{"grpc://lab.example:1", "grpc+tls://lab.example:2", true},
		{"grpc+unix:///run/a", "grpc+unix:///run/b", false},
		{"grpc+unix:///run/a", "grpc+unix:///run/a", true},
	} {
		require.Equal(t, k.goes, security{home: k.home, bearer: "x"}.trusts(k.location), "%s from %s", k.location, k.home)
		require.True(t, security{home: k.home}.trusts(k.location), "no bearer goes with it")
	}
}
