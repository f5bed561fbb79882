package secret

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// TestRefused: whatever is no file that others leave alone is said at once.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, mode := range map[string]os.FileMode{"mine": 0o600, "group": 0o640, "seen": 0o644, "shared": 0o660, "open": 0o666} {
		require.NoError(t, os.WriteFile(at(name), []byte("x"), 0o600))
		require.NoError(t, os.Chmod(at(name), mode))
	}
	require.NoError(t, syscall.Mkfifo(at("pipe"), 0o600)) // into which nobody writes
	for name, want := range map[string][2]error{
		"mine": {}, "group": {}, "seen": {fault.Denied, nil}, "shared": {fault.Denied, fault.Denied}, "open": {fault.Denied, fault.Denied},
		"pipe": {fault.Invalid, fault.Invalid}, ".": {fault.Invalid, fault.Invalid}, "none": {fault.NotFound, fault.NotFound},
	} {
		for i, read := range []func(string) ([]byte, error){Read, Trusted} {
			content, err := read(at(name))
			if want[i] == nil {
				require.NoError(t, err, name)
				require.Equal(t, "x", string(content))
				continue
			}
			require.ErrorIs(t, err, want[i], name)
			require.ErrorContains(t, err, at(name))
		}
	}
}
