package rules

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/flight/internal/catalog"
	"github.com/mtflight/mtflight/internal/identity"
)

// TestDeniedFoldersAreNotLookedInto: how long a listing or a pattern takes tells nothing of what is in a folder of which somebody may read nothing.
func TestDeniedFoldersAreNotLookedInto(t *testing.T) {
	root := t.TempDir()
	for _, folder := range []string{"open", "hidden/deep", "private"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, folder), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(root, folder, "x.h5"), []byte("\x89HDF\r\n\x1a\n"), 0o600))
	}
	r, err := Parse([]byte("rules:\n- {for: [ann], files: ['*']}\n- {for: [bob], files: ['*'], except: ['hidden/*', 'private/*']}\n- {for: [carol], files: ['open/*']}\n"), nil)
	require.NoError(t, err)
	c, err := catalog.New([]string{root})
	require.NoError(t, err)
	c.Under(func() catalog.Rules { return r })
	for name, files := range map[string]int{"ann": 3, "bob": 1, "carol": 1, "dan": 0} {
		opened := watch(t, filepath.Join(root, "hidden"), filepath.Join(root, "hidden/deep"), filepath.Join(root, "private"))
		ctx := identity.With(t.Context(), who(name))
		for _, pattern := range []string{"", "hidden/*", "hid*", "*x.h5", "hidden/deep/x?h5", "private/x.h5"} {
			found := 0
			require.NoError(t, c.Walk(ctx, pattern, func(catalog.Entry) error { found++; return nil }))
			if pattern == "" {
				require.Equal(t, files, found, name)
			}
		}
		_, err := c.Resolve(ctx, "hidden/deep/x.h5")
		require.Equal(t, name == "ann", err == nil)
		require.Equal(t, name == "ann", opened(), name)
	}
}

// watch tells whether any of these folders, or a file in them, has been opened since.
func watch(t *testing.T, folders ...string) func() bool {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	require.NoError(t, err)
	t.Cleanup(func() { _ = unix.Close(fd) })
	for _, f := range folders {
		_, err := unix.InotifyAddWatch(fd, f, unix.IN_OPEN)
		require.NoError(t, err)
	}
	return func() bool {
		n, _ := unix.Read(fd, make([]byte, 4096))
		return n > 0
	}
}
