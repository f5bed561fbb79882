package values

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader"
)

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1536: "1.50 KB", 15 << 20: "15.0 MB", 1003 << 20: "1003 MB", 3 << 40: "3.00 TB"} {
		require.Equal(t, want, Bytes(n))
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{
		"4096": 4096, "256MB": 256 << 20, "256mib": 256 << 20, "1.5G": 3 << 29, "2 TB": 2 << 40, "7k": 7 << 10,
	} {
		var s Size
		require.NoError(t, s.Set(text), text)
		require.Equal(t, want, s, text)
	}
	for _, text := range []string{"", "-1", "0", "1", "1000", "MB", "1XB", "NaN", "inf", "1e30"} {
		require.Error(t, new(Size).Set(text), text)
	}
}

func TestBlockCache(t *testing.T) {
	var c reader.Config
	require.NoError(t, BlockCache{&c}.Set("/var/a:b:1.5GB"))
	require.Equal(t, "/var/a:b", c.BlockDir)
	require.EqualValues(t, 3<<29, c.BlockBytes)
	require.Equal(t, "/var/a:b:1536MB", BlockCache{&c}.String())
	for _, text := range []string{"", "/var/a", ":1GB", "/var/a:", "/var/a:b", "/var/a:1MB", "/var/a:-1GB"} {
		require.Error(t, BlockCache{&c}.Set(text), text)
	}
	require.Empty(t, BlockCache{}.String())
}
