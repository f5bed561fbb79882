package reader

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// TestWhoWroteIsUnreadable: where the root's attributes cannot be read, strings that depend on them are refused.
func TestWhoWroteIsUnreadable(t *testing.T) {
	b, err := os.ReadFile("../testdata/tables.h5")
	require.NoError(t, err)
	b[bytes.Index(b, []byte("PYTABLES_FORMAT_VERSION"))-8] = 99 // the version of the attribute's message
	name := filepath.Join(t.TempDir(), "broken.h5")
	require.NoError(t, os.WriteFile(name, b, 0o600))
	broken := corners(t, name, Config{InProcess: true})
	d, err := broken.Dataset(context.Background(), "/events")
	require.NoError(t, err)
	_, err = d.Plan(context.Background(), Request{})
	require.ErrorIs(t, err, fault.DataLoss)
	require.ErrorContains(t, err, "PYTABLES_FORMAT_VERSION")

	f := indexed(t, 64<<20)
	is, err := f.byPyTables(context.Background())
	require.NoError(t, err)
	require.True(t, is)
	other := corners(t, "testdata/corners/latest.h5", Config{InProcess: true})
	is, err = other.byPyTables(context.Background())
	require.NoError(t, err)
	require.False(t, is)
}
