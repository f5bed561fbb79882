package chunkindex

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCovered(t *testing.T) {
	g, err := newGrid([]uint64{13, 11}, []uint64{5, 4})
	require.NoError(t, err)
	for linear, want := range []uint64{20, 20, 19, 20, 20, 19, 12, 12, 11} {
		require.Equal(t, want, g.covered(uint64(linear)), "chunk %d", linear)
	}
}
