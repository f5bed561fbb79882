package fault

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNewNamesNoPackage: a message starts with what happened, also where it wraps another; what is the user's stays.
func TestNewNamesNoPackage(t *testing.T) {
	inner := New(DataLoss, "h5file: read %d bytes: %w", 8, errors.New("cut off"))
	require.EqualError(t, inner, "read 8 bytes: cut off")
	outer := New(Unsupported, "%s: %w", "filter", New(Invalid, "chunkindex: parse: %w", inner))
	require.EqualError(t, outer, "filter: parse: read 8 bytes: cut off", "a file that is called so")
	require.Equal(t, Unsupported, Of(outer))
	require.ErrorIs(t, outer, DataLoss)
	require.EqualError(t, New(Invalid, "select: axis %d", 3), "select: axis 3", "a member of a request")
	require.EqualError(t, New(Invalid, "%s", "client: x"), "client: x")
	require.EqualError(t, New(Invalid, "client"), "client")
}
