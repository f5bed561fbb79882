package objects

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/gheap"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// open is a file in memory.
func open(t testing.TB, b []byte) *File {
	h5, err := h5file.Open(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	return New(h5, gheap.New(h5, 1<<20))
}

// fixtures are the files of testdata/make.py by name.
func fixtures(t testing.TB) map[string][]byte {
	names, err := filepath.Glob("testdata/*.h5")
	require.NoError(t, err)
	require.NotEmpty(t, names)
	out := map[string][]byte{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		out[strings.TrimSuffix(filepath.Base(name), ".h5")] = b
	}
	return out
}

// dumped is a file's metadata as libhdf5 has it (testdata/make.py).
type dumped struct {
	Groups, Types, Datasets map[string]dumpedObject
	Links                   map[string]dumpedLink
}

type dumpedLink struct {
	Kind, File, Target string
	Order              int64
}

type dumpedObject struct {
	Attributes map[string]any
	Shape      []uint64
	Error      string
	Order      int64
}

// TestFixtures holds every group, type, dataset, link and attribute of the fixtures to what libhdf5 said of them.
func TestFixtures(t *testing.T) {
	for name, b := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			var want dumped
			text, err := os.ReadFile(filepath.Join("testdata", name+".json"))
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(text, &want))
			got, err := open(t, b).Tree(context.Background())
			require.NoError(t, err)
			require.Len(t, got.Groups, len(want.Groups)+len(want.Types))
			require.Len(t, got.Datasets, len(want.Datasets))
			require.Len(t, got.Links, len(want.Links))
			compareGroups(t, got.Groups, want)
			compareDatasets(t, got.Datasets, want)
			for path, l := range want.Links {
				i := slices.IndexFunc(got.Links, func(x meta.Link) bool { return x.Path == path })
				require.GreaterOrEqual(t, i, 0, path)
				require.Equal(t, meta.Link{Path: path, Kind: l.Kind, File: l.File, Target: l.Target, Order: l.Order}, got.Links[i])
			}
		})
	}
}

func compareGroups(t *testing.T, got []meta.Group, want dumped) {
	for path, w := range want.Groups {
		i := slices.IndexFunc(got, func(g meta.Group) bool { return g.Path == path && !g.Named })
		require.GreaterOrEqual(t, i, 0, path)
		require.Equal(t, w.Error, got[i].Err)
		require.Equal(t, w.Order, got[i].Order, path)
		compareAttributes(t, path, got[i].Attrs, w.Attributes)
	}
	for path, w := range want.Types {
		i := slices.IndexFunc(got, func(g meta.Group) bool { return g.Path == path && g.Named })
		require.GreaterOrEqual(t, i, 0, path)
		require.NotEmpty(t, got[i].Type)
		require.Equal(t, w.Order, got[i].Order, path)
		compareAttributes(t, path, got[i].Attrs, w.Attributes)
	}
}

func compareDatasets(t *testing.T, got []meta.Dataset, want dumped) {
	for path, w := range want.Datasets {
		i := slices.IndexFunc(got, func(d meta.Dataset) bool { return d.Path == path })
		require.GreaterOrEqual(t, i, 0, path)
		require.Empty(t, got[i].Err)
		require.Equal(t, w.Shape, got[i].Shape)
		require.Equal(t, w.Order, got[i].Order, path)
		require.NotEmpty(t, got[i].Type)
		compareAttributes(t, path, got[i].Attrs, w.Attributes)
	}
}

// compareAttributes takes values that are too large to be listed by Load.
func compareAttributes(t *testing.T, path string, got meta.Attrs, want map[string]any) {
	require.Empty(t, got.Err)
	require.Len(t, got.All, len(want), path)
	require.True(t, slices.IsSortedFunc(got.All, func(a, b meta.Attr) int { return strings.Compare(a.Name, b.Name) }))
	for name, w := range want {
		if unreadable(w) {
			_, err := got.Value(name)
			require.Error(t, err)
			continue
		}
		v, err := got.Value(name)
		require.NoError(t, err, path, name)
		require.NotNil(t, v, "%s: attribute %q", path, name)
		var g any
		require.NoError(t, json.Unmarshal(v, &g))
		require.Equal(t, w, g, "%s: attribute %q", path, name)
		loaded, err := got.Load(name)
		require.NoError(t, err)
		require.JSONEq(t, string(v), string(loaded))
	}
	v, err := got.Load("not there")
	require.NoError(t, err)
	require.Nil(t, v)
}

func unreadable(v any) bool {
	m, ok := v.(map[string]any)
	return ok && m["unreadable"] != nil
}

// TestLookups: names are found where the listing has them, and nothing is found beside them.
func TestLookups(t *testing.T) {
	for name, b := range fixtures(t) {
		t.Run(name, func(t *testing.T) { lookups(t, open(t, b)) })
	}
}

func lookups(t *testing.T, f *File) {
	ctx := context.Background()
	tree, err := f.Tree(ctx)
	require.NoError(t, err)
	taken := paths(tree)
	for _, g := range tree.Groups {
		named(t, f, g.Addr, g.Path)
		got, err := f.Group(ctx, g.Path)
		if g.Named {
			require.Equal(t, fault.NotFound, fault.Of(err))
		} else {
			require.NoError(t, err)
			require.Equal(t, g.Addr, got.Addr)
			require.Equal(t, len(g.Attrs.All), len(got.Attrs.All))
		}
		_, err = f.Dataset(ctx, g.Path)
		require.Equal(t, fault.NotFound, fault.Of(err), "%s: %v", g.Path, err)
		absent(t, f, g.Path, taken)
	}
	for _, d := range tree.Datasets {
		named(t, f, d.Addr, d.Path)
		got, err := f.Dataset(ctx, d.Path)
		require.NoError(t, err)
		got.Attrs, d.Attrs = meta.Attrs{}, meta.Attrs{}
		require.Equal(t, d, got)
		absent(t, f, d.Path, taken)
	}
	subgroups(t, f, tree)
}

func named(t *testing.T, f *File, addr uint64, path string) {
	got, err := f.Name(context.Background(), addr)
	require.NoError(t, err)
	require.Equal(t, path, got)
	got, err = f.Name(context.Background(), addr+1)
	require.NoError(t, err)
	require.Empty(t, got)
}

// paths are those of all objects and links.
func paths(tree *meta.File) map[string]bool {
	out := map[string]bool{}
	for _, g := range tree.Groups {
		out[g.Path] = true
	}
	for _, d := range tree.Datasets {
		out[d.Path] = true
	}
	for _, l := range tree.Links {
		out[l.Path] = true
	}
	return out
}

// TestSoftLinks follows links of links, and none that go in a circle.
func TestSoftLinks(t *testing.T) {
	f, ctx := open(t, fixtures(t)["soft_chain"]), context.Background()
	g, err := f.Group(ctx, "/s0")
	require.NoError(t, err)
	direct, err := f.Group(ctx, "/s16")
	require.NoError(t, err)
	require.Equal(t, direct.Addr, g.Addr)
	_, err = f.Dataset(ctx, "/to d")
	require.NoError(t, err)
	for _, path := range []string{"/loop", "/loop/x", "/000" + strings.Repeat("n", 600)} { // the last is the 17th in a row
		_, err = f.Dataset(ctx, path)
		require.Equal(t, fault.NotFound, fault.Of(err), "%s: %v", path, err)
		names, err := f.Groups(ctx, path)
		require.NoError(t, err)
		require.Empty(t, names)
	}
	_, err = f.Dataset(ctx, strings.Repeat("/s0/..", 1000))
	require.Equal(t, fault.NotFound, fault.Of(err))
	again := open(t, fixtures(t)["symbol_table"])
	_, err = again.Group(ctx, "/g"+strings.Repeat("/cycle/./", 1000)) // however often a hard link leads back
	require.NoError(t, err)
}

// absent asks for names beside one that is there.
func absent(t *testing.T, f *File, path string, taken map[string]bool) {
	if path == "/" {
		return
	}
	parent := path[:strings.LastIndex(path, "/")+1]
	for _, other := range []string{path + "\x01", path + "0", path[:len(path)-1] + "\x01", path + "/x", parent + "\xff\xff\xff", parent + "\x01"} {
		if taken[other] {
			continue
		}
		_, err := f.Dataset(context.Background(), other)
		require.Equal(t, fault.NotFound, fault.Of(err), "%q: %v", other, err)
		_, err = f.Group(context.Background(), other)
		require.Equal(t, fault.NotFound, fault.Of(err), "%q: %v", other, err)
	}
}

// subgroups: Groups has what the tree has, where each object has one path.
func subgroups(t *testing.T, f *File, tree *meta.File) {
	for _, g := range tree.Groups {
		if g.Named {
			continue
		}
		below, err := f.Groups(context.Background(), g.Path)
		require.NoError(t, err)
		require.True(t, slices.IsSorted(below))
		prefix := strings.TrimSuffix(g.Path, "/") + "/"
		for _, x := range tree.Groups {
			if rest, ok := strings.CutPrefix(x.Path, prefix); ok && rest != "" && !strings.Contains(rest, "/") && !x.Named {
				require.Contains(t, below, rest)
			}
		}
	}
}
