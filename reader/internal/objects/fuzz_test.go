package objects

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader/internal/gheap"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// FuzzTree takes a whole file and a name, as it is and with its checksums ignored.
func FuzzTree(f *testing.F) {
	for _, b := range fixtures(f) {
		if len(b) < 10_000 {
			f.Add(b, "/g/attribute 1")
		}
	}
	for name, make := range hostile {
		if b := make(); len(b) < 10_000 {
			f.Add(b, name)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		for _, unchecked := range []bool{false, true} {
			h5, err := h5file.Open(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				expected(t, err)
				return
			}
			if unchecked {
				h5.IgnoreChecksums()
			}
			checkFile(t, New(h5, gheap.New(h5, 1<<20)), name)
		}
	})
}

// checkFile checks what holds of every file.
func checkFile(t *testing.T, f *File, name string) {
	ctx := context.Background()
	tree, err := f.Tree(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, tree.Groups)
	for _, g := range tree.Groups {
		checkAttributes(t, g.Attrs)
	}
	for _, d := range tree.Datasets {
		checkAttributes(t, d.Attrs)
		_, err := f.Dataset(ctx, d.Path)
		expected(t, err)
	}
	for _, name := range []string{name, tree.Groups[len(tree.Groups)-1].Path} {
		_, err = f.Dataset(ctx, name)
		expected(t, err)
		_, err = f.Group(ctx, name)
		expected(t, err)
		_, err = f.Groups(ctx, name)
		expected(t, err)
	}
}

// checkAttributes: each has a value, a size or a reason.
func checkAttributes(t *testing.T, a meta.Attrs) {
	for i, x := range a.All {
		require.True(t, i == 0 || a.All[i-1].Name <= x.Name)
		require.True(t, x.Err != "" || x.Bytes > 0 || json.Valid(x.Value), "%q: %s", x.Name, x.Value)
		if i < 10 && x.Bytes < 1<<20 {
			_, err := a.Load(x.Name)
			expected(t, err)
		}
	}
}
