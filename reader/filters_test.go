package reader

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/location"
)

// TestUnusedFilters reads past filters that nobody decodes and those with impossible parameters where no chunk went
// through them: its mask says so, or it reaches over the extent and the dataset was created not to filter such chunks.
func TestUnusedFilters(t *testing.T) {
	e := engineWith(t, "/no/such/folder", Config{Workers: 2})
	path, err := filepath.Abs("testdata/filters/unused.h5")
	require.NoError(t, err)
	f, err := e.Open(context.Background(), location.Location{Path: path, Name: "unused.h5"})
	require.NoError(t, err)
	for _, name := range []string{"/broken", "/partial"} {
		got, _ := whole(t, frameOf(t, f, name), Request{})
		require.Equal(t, []int32{0, 1, 2, 3, 4, 5}, got.Column(0).(*array.Int32).Int32Values(), name)
	}
	_, err = frameOf(t, f, "/used").Plan(context.Background(), Request{})
	require.ErrorIs(t, err, fault.Unsupported)
	require.ErrorContains(t, err, "filter 397")
}
