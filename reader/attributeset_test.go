package reader

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/stretchr/testify/require"
)

// TestAttributesGiveBack: every buffer and every byte of the budget, whatever the types, whether there is an error or not.
func TestAttributesGiveBack(t *testing.T) {
	eng := openEngine(t)
	ctx := context.Background()
	before, _ := eng.Memory()
	files, err := filepath.Glob("internal/objects/testdata/*.h5")
	require.NoError(t, err)
	more, err := filepath.Glob("../testdata/*.h5")
	require.NoError(t, err)
	columns := 0
	for _, path := range append(files, more...) {
		f, err := eng.Open(ctx, location.Location{Path: path, Name: filepath.Base(path)})
		require.NoError(t, err)
		tree, err := f.listing(ctx)
		require.NoError(t, err)
		for _, g := range tree.Groups {
			for _, x := range g.Attrs.All {
				columns += bothForms(t, f, g.Path, x.Name)
			}
		}
		for _, d := range tree.Datasets {
			for _, x := range d.Attrs.All {
				columns += bothForms(t, f, d.Path, x.Name)
			}
		}
	}
	require.Greater(t, columns, 300)
	after, _ := eng.Memory()
	require.Equal(t, before, after)
}

// bothForms gives one attribute back in both forms, and counts it if it has a column.
func bothForms(t *testing.T, f *File, path, name string) (n int) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	a, err := f.Attributes(context.Background(), path, []string{name})
	require.NoError(t, err)
	defer a.Close()
	r, err := a.Record(context.Background(), mem)
	if err != nil {
		require.ErrorContains(t, err, "attribute ")
	} else {
		n = int(r.NumCols())
		r.Release()
	}
	_, err = a.JSON(context.Background())
	require.NoError(t, err)
	return n
}
