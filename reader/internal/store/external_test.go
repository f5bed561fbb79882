package store

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/h5proc"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/version"
	"github.com/stretchr/testify/require"
)

// TestExternalOffsetBehindEveryFile reads zeros there, as libhdf5 does, not the beginning of the file.
func TestExternalOffsetBehindEveryFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "raw")
	require.NoError(t, os.WriteFile(name, []byte("some bytes"), 0o600))
	raw, err := blockio.Open(context.Background(), nil, name, nil)
	require.NoError(t, err)
	defer raw.Close()
	for _, off := range []uint64{10, 11, 1 << 62, 1 << 63, 1<<64 - 1} {
		e := &external{segments: []segment{{file: raw, kept: version.New(raw, ""), off: off, n: 8}}, elemSize: 1}
		for _, first := range []int64{0, 1, 4} {
			got := []byte("????")
			require.NoError(t, e.read(t.Context(), first, 4, got))
			require.Equal(t, make([]byte, 4), got, "offset %d", off)
		}
	}
}

// What a witness takes for a slab, in its own process, is part of what reading it is said to take.
func TestSlabNeedsWhatItsWitnessTakes(t *testing.T) {
	const band, chunk = 1000 * 4, 1 << 20
	st := NewBands(NewSlab(nil, h5proc.File{}, "/x", []int64{1000}, chunk, false), []int64{1000}, 0, 4)
	require.EqualValues(t, 2*band+2*chunk+h5proc.WitnessBytes, st.Need(1, nil))
	st = NewBands(NewSlab(nil, h5proc.File{}, "/x", []int64{1000}, rows.End62, false), []int64{1000}, 0, 4)
	require.Equal(t, rows.End62, st.Need(1, nil), "of a chunk that no file has")
}
