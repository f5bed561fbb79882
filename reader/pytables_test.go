package reader

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// TestWhoWroteIsUnreadable: where the root's attributes cannot be read, strings that depend on them are refused.
func TestWhoWroteIsUnreadable(t *testing.T) {
	f := indexed(t, 64<<20)
	f.h5.Root = 3
	_, err := f.byPyTables(context.Background())
	require.Equal(t, fault.DataLoss, fault.Of(err), "%v", err)
	d, err := f.Dataset(context.Background(), "/full9")
	require.NoError(t, err)
	_, err = d.Plan(context.Background(), Request{})
	require.ErrorContains(t, err, "PYTABLES_FORMAT_VERSION")

	f = indexed(t, 64<<20)
	is, err := f.byPyTables(context.Background())
	require.NoError(t, err)
	require.True(t, is)
	other := corners(t, "testdata/corners/latest.h5", Config{InProcess: true})
	is, err = other.byPyTables(context.Background())
	require.NoError(t, err)
	require.False(t, is)
}
