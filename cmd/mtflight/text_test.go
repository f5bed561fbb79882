package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]size{
		"4096": 4096, "256MB": 256 << 20, "256mib": 256 << 20, "1.5G": 3 << 29, "2 TB": 2 << 40, "7k": 7 << 10,
	} {
		var s size
		require.NoError(t, s.Set(text), text)
		require.Equal(t, want, s, text)
	}
	for _, text := range []string{"", "-1", "0", "1", "1000", "MB", "1XB", "NaN", "inf", "1e30"} {
		require.Error(t, new(size).Set(text), text)
	}
}

func TestTextIsHarmless(t *testing.T) {
	require.Equal(t, "a·[31mb·é", printable("a\x1b[31mb\xffé"))
	require.Equal(t, "abc", elide("abc", 3))
	require.Equal(t, "ab…", elide("abcd", 3))
	require.Equal(t, "", elide("abc", 0))
	require.Equal(t, "  é", padded("é", 3, true))
}
