package flight

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader"
)

func TestCriteriaOfFrames(t *testing.T) {
	c, err := parseCriteria([]byte(`{"file":"a","frames":true}`))
	require.NoError(t, err)
	require.True(t, c.frames)
	_, err = parseCriteria([]byte(`{"frames":"yes"}`))
	require.ErrorIs(t, err, reader.ErrInvalid)
}
