package h5c

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

func TestNoPlugin(t *testing.T) {
	dir := t.TempDir()
	for name, says := range map[string]string{
		"":           "there is no plug-in for it",
		dir:          "there is no plug-in for it",
		dir + "/not": "a folder of HDF5_PLUGIN_PATH cannot be read",
	} {
		t.Setenv("HDF5_PLUGIN_PATH", name)
		err := FindPlugin(299)
		require.ErrorIs(t, err, fault.Unsupported)
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), dir)
		_, err = Undo(Chunks{Filter: 299, Src: []byte{1}, Lengths: []uint64{1}}, make([]byte, 1), 1)
		require.ErrorIs(t, err, fault.Unsupported)
	}
}

func TestUnloadablePluginsAreNamed(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"libone.so", "libtwo.so.2", "other.so", "libnote.txt", "libx.so", "liby.so", "libz.so"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("no library"), 0o600))
	}
	t.Setenv("HDF5_PLUGIN_PATH", dir)
	err := FindPlugin(299)
	require.ErrorIs(t, err, fault.Unsupported)
	require.ErrorContains(t, err, "; libone.so cannot be loaded: libone.so: ")
	require.ErrorContains(t, err, "; libtwo.so.2 cannot be loaded: ")
	for _, not := range []string{"other.so", "libnote", "libz", dir} {
		require.NotContains(t, err.Error(), not)
	}
}
