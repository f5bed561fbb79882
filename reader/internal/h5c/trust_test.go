package h5c

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Only what nobody else can have written is loaded, on the way to it either.
func TestTrust(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "plugins")
	require.NoError(t, os.Mkdir(folder, 0o755))
	lib := filepath.Join(folder, "libx.so")
	require.NoError(t, os.WriteFile(lib, []byte("x"), 0o644))
	link := filepath.Join(t.TempDir(), "liblink.so")
	require.NoError(t, os.Symlink(lib, link))
	me := Trust{User: os.Geteuid()}
	require.NoError(t, me.refuses(lib))
	require.NoError(t, me.refuses(link))
	for _, path := range []string{lib, folder, filepath.Dir(folder)} {
		for _, mode := range []os.FileMode{0o775, 0o757} {
			require.NoError(t, os.Chmod(path, mode))
			require.EqualError(t, me.refuses(lib), "others may write "+filepath.Base(path)+": take that from them (chmod go-w)")
			require.Error(t, me.refuses(link))
		}
		require.NoError(t, os.Chmod(path, 0o755))
	}
	require.NoError(t, os.Chmod(folder, os.ModeSticky|0o777))
	require.NoError(t, me.refuses(lib))
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(lib, 12345, 0))
		require.EqualError(t, me.refuses(lib), "libx.so belongs to another user (12345): it has to be root's, or of the user that reads files")
		require.NoError(t, Trust{User: 12345}.refuses(lib))
		require.NoError(t, os.Chown(lib, 0, 0))
	}
	require.Error(t, me.refuses(filepath.Join(folder, "libgone.so")))

	me.Hashes = []string{fmt.Sprintf("%x", sha256.Sum256([]byte("y")))}
	require.ErrorContains(t, me.refuses(lib), "is none of those that may be loaded")
	me.Hashes = append(me.Hashes, fmt.Sprintf("%x", sha256.Sum256([]byte("x"))))
	require.NoError(t, me.refuses(lib))
}
