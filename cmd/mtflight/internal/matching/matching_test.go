package matching

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

func TestFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{"runs/run10.h5": "\x89HDF\r\n\x1a\n", "runs/run2.h5": "\x89HDF\r\n\x1a\n", "runs/notes.txt": "", "bad/a.h5": "none"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	}
	here, err := os.Getwd()
	require.NoError(t, err)
	for _, pattern := range []string{"runs/*", "./runs/run*.h5", "r*2.h5", here + "/runs/*.h5"} {
		files, is, err := Files(pattern, false)
		require.NoError(t, err, pattern)
		require.True(t, is)
		require.Contains(t, files[0].Path, "run2.h5")
	}
	_, is, err := Files("runs/run2.h5", false)
	require.False(t, is)
	require.NoError(t, err)
	_, _, err = Files("none/*.h5", false)
	require.ErrorIs(t, err, fault.NotFound)
	_, _, err = Files("bad/*.h5", false)
	require.ErrorIs(t, err, fault.DataLoss)
	require.ErrorContains(t, err, "bad/a.h5")
	files, _, err := Files("*.h5", true)
	require.NoError(t, err)
	require.Len(t, files, 3)
}
