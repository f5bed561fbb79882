package virtual

import (
	"testing"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/stretchr/testify/require"
)

func TestMarksNameTheFile(t *testing.T) {
	pointer := []byte{3, 0, 0, 0, 0x10, 0, 0, 0, 7, 0, 0, 0}
	require.NoError(t, mark(pointer, 4, 5))
	require.Equal(t, []byte{3, 0, 0, 0, 0x10, 0, 0, 0, 7, 0, 5, 0}, pointer)
	require.ErrorIs(t, mark(pointer, 4, 5), fault.DataLoss, "an index of more than two bytes")
	null := []byte{0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 5, 0}
	require.NoError(t, mark(null, 4, 0))
}
