package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.50 KB", 15 << 20: "15.0 MB", 1003 << 20: "1003 MB", 3 << 40: "3.00 TB"} {
		require.Equal(t, want, bytesText(n))
	}
}
