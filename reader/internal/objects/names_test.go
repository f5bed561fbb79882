package objects_test

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/gheap"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/objects"
)

// TestNames holds the names of testdata/names.h5 to those that libhdf5 gives, spelled by Python: listed, and asked for.
func TestNames(t *testing.T) {
	var want struct {
		Groups map[string]struct {
			Attributes map[string]json.RawMessage
		}
		Links map[string]struct {
			Kind, File, Target string
			Order              int64
		}
	}
	text, err := os.ReadFile("testdata/names.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &want))
	f := opened(t, "testdata/names.h5")
	ctx := context.Background()
	tree, err := f.Tree(ctx)
	require.NoError(t, err)
	require.Len(t, tree.Groups, len(want.Groups))
	below, err := f.Groups(ctx, "/")
	require.NoError(t, err)
	for _, listed := range tree.Groups {
		require.Contains(t, want.Groups, listed.Path)
		name, err := f.Name(ctx, listed.Addr)
		require.NoError(t, err)
		require.Equal(t, listed.Path, name)
		asked, err := f.Group(ctx, listed.Path)
		require.NoError(t, err, listed.Path)
		require.Equal(t, listed.Addr, asked.Addr)
		require.Len(t, asked.Attrs.All, len(want.Groups[listed.Path].Attributes))
		for name, v := range want.Groups[listed.Path].Attributes {
			got, err := asked.Attrs.Value(name)
			require.NoError(t, err)
			require.JSONEq(t, string(v), string(got), name)
			got, err = asked.Attrs.Load(name)
			require.NoError(t, err)
			require.JSONEq(t, string(v), string(got), name)
		}
		require.True(t, listed.Path == "/" || containsPath(below, listed.Path))
	}
	require.Len(t, tree.Links, len(want.Links))
	for _, l := range tree.Links {
		require.Equal(t, want.Links[l.Path], struct {
			Kind, File, Target string
			Order              int64
		}{l.Kind, l.File, l.Target, l.Order})
	}
	_, err = f.Dataset(ctx, `/soft\xe9`)
	require.EqualError(t, err, `"/soft\xe9" is an empty group, not a dataset`)
	_, err = f.Dataset(ctx, `/caf\xe8`)
	require.ErrorIs(t, err, fault.NotFound)
	require.EqualError(t, err, `no such dataset "/caf\xe8" (near: "/caf\xe9")`)
	_, err = f.Dataset(ctx, `/back\xe9slash`)
	require.ErrorContains(t, err, `(near: "/back\x5cxe9slash"`)
}

func containsPath(names []string, path string) bool {
	for _, n := range names {
		if "/"+n == path {
			return true
		}
	}
	return false
}

func opened(t *testing.T, path string) *objects.File {
	t.Helper()
	disk, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { disk.Close() })
	info, err := disk.Stat()
	require.NoError(t, err)
	h5, err := h5file.Open(disk, info.Size())
	require.NoError(t, err)
	return objects.New(h5, gheap.New(h5, 1<<20))
}
