package fill

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/store"
)

// TestBatchesThatAreTooLargeAreNotMapped, so that reading them says so.
func TestBatchesThatAreTooLargeAreNotMapped(t *testing.T) {
	name := filepath.Join(t.TempDir(), "sparse")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	require.NoError(t, os.Truncate(name, math.MaxInt32+1))
	file, err := blockio.Open(context.Background(), nil, name, nil)
	require.NoError(t, err)
	defer file.Close()
	program, err := ElementProgram(1)
	require.NoError(t, err)
	for n, mapped := range map[int64]bool{math.MaxInt32: true, math.MaxInt32 + 1: false} {
		s := &Scan{Program: program, Store: store.NewBands(store.NewContiguous(file, 0, 1), []int64{n}, 0, 1),
			Geometry: rows.NewGeometry([]int64{n}, []int64{n}, []rows.Axis{rows.WholeAxis(n)})}
		r := &Run{scan: s, mapped: true}
		pages := r.mapping(&Batch{Batch: rows.Batch{Block: rows.Block{Rows: n}}, runs: []rows.Run{{Step: 1, N: n}}})
		require.Equal(t, mapped, pages != nil, "%d rows", n)
		if pages != nil {
			require.NoError(t, pages.Close())
		}
	}
}
