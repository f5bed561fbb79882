package reader

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader/internal/blockio"
)

// TestBatchesThatAreTooLargeAreNotMapped, so that reading them says so.
func TestBatchesThatAreTooLargeAreNotMapped(t *testing.T) {
	name := filepath.Join(t.TempDir(), "sparse")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	require.NoError(t, os.Truncate(name, math.MaxInt32+1))
	file, err := blockio.Open(name)
	require.NoError(t, err)
	defer file.Close()
	program, err := wholeElement(1)
	require.NoError(t, err)
	for n, mapped := range map[int64]bool{math.MaxInt32: true, math.MaxInt32 + 1: false} {
		s := &scan{program: program, store: newBands(newContiguous(file, 0, 1), []int64{n}, 0, 1),
			geo: newGeometry([]int64{n}, []int64{n}, []axis{wholeAxis(n)})}
		r := &fillRun{scan: s, mapped: true}
		pages := r.mapping(&fill{block: block{Block: Block{Rows: n}}, runs: []run{{step: 1, n: n}}})
		require.Equal(t, mapped, pages != nil, "%d rows", n)
		if pages != nil {
			require.NoError(t, pages.Close())
		}
	}
}
