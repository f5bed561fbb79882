package h5c

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

func TestFilter(t *testing.T) {
	for _, id := range []uint16{1, 2, 3} {
		require.NoError(t, Filter(id))
	}
	dir := t.TempDir()
	for name, says := range map[string]string{
		"":           "h5c: libhdf5 finds no plug-in for it",
		dir:          "h5c: libhdf5 finds no plug-in for it",
		dir + "/not": "a folder of HDF5_PLUGIN_PATH cannot be read",
	} {
		t.Setenv("HDF5_PLUGIN_PATH", name)
		err := Filter(299)
		require.ErrorIs(t, err, fault.Unsupported)
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), dir)
	}
}

func TestUnloadablePluginsAreNamed(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"libone.so", "libtwo.so.2", "other.so", "libnote.txt", "libx.so", "liby.so", "libz.so"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("no library"), 0o600))
	}
	t.Setenv("HDF5_PLUGIN_PATH", dir)
	err := Filter(299)
	require.ErrorIs(t, err, fault.Unsupported)
	require.ErrorContains(t, err, "; libone.so cannot be loaded: libone.so: ")
	require.ErrorContains(t, err, "; libtwo.so.2 cannot be loaded: ")
	for _, not := range []string{"other.so", "libnote", "libz", dir} {
		require.NotContains(t, err.Error(), not)
	}
}
