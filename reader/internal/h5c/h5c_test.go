package h5c

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// openFixture opens a file of testdata and closes it again; a file that stays open leaks an object.
func openFixture(t *testing.T, name string) *File {
	return openDisk(t, filepath.Join("testdata", name))
}

func openDisk(t *testing.T, path string) *File {
	disk, err := os.Open(path)
	require.NoError(t, err)
	f, err := Open(disk)
	require.NoError(t, err)
	before := openFiles()
	t.Cleanup(func() {
		require.NoError(t, f.Close())
		require.Equal(t, before-1, openFiles(), "an object is still open")
		require.NoError(t, disk.Close())
	})
	return f
}

func treeOf(t *testing.T, f *File) *meta.File {
	tree, err := f.Tree(context.Background())
	require.NoError(t, err)
	return tree
}

func TestTree(t *testing.T) {
	tree := treeOf(t, openFixture(t, "tree.h5"))
	var groups, datasets []string
	for _, g := range tree.Groups {
		groups = append(groups, g.Path)
		require.Equal(t, g.Path == "/g/named", g.Named)
		require.Empty(t, g.Err)
	}
	for _, d := range tree.Datasets {
		datasets = append(datasets, d.Path)
		require.Empty(t, d.Err)
	}
	// Once each, though /g/alias is /grid and /g/up is the root; names in order, children where their group stands.
	require.Equal(t, []string{"/", "/g", "/g/deep", "/g/deep/er", "/g/named"}, groups)
	require.Equal(t, []string{"/g/alias", "/g/chunked", "/g/deep/er/leaf", "/g/empty", "/g/of_named", `/raw\xff\xfename`,
		"/refs"}, datasets)
	require.ElementsMatch(t, []meta.Link{
		{Path: "/soft", Kind: "soft", Target: "/g/chunked"},
		{Path: "/g/relative", Kind: "soft", Target: "deep/er/leaf"},
		{Path: "/chain", Kind: "soft", Target: "soft"},
		{Path: "/loop", Kind: "soft", Target: "/loop"},
		{Path: "/dangling", Kind: "soft", Target: "/nowhere/x"},
		{Path: "/outside", Kind: "external", File: "other.h5", Target: "/x"},
		{Path: "/folder", Kind: "external", File: "sub/other.h5", Target: "/"},
		{Path: "/g/up", Kind: "hard", Target: "/"},
		{Path: "/grid", Kind: "hard", Target: "/g/alias"},
	}, tree.Links)
}

func TestTreeCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := openFixture(t, "tree.h5").Tree(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestBrokenObjectLeavesTheOthers(t *testing.T) {
	f := openFixture(t, "broken.h5")
	tree := treeOf(t, f)
	require.Len(t, tree.Datasets, 3)
	for _, d := range tree.Datasets {
		require.Equal(t, d.Path == "/b", d.Err != "", "%s: %s", d.Path, d.Err)
		require.NotZero(t, d.Addr)
	}
	require.Contains(t, tree.Datasets[1].Err, "bad object header version")
	_, err := f.Dataset("/b")
	require.ErrorIs(t, err, fault.DataLoss)
	require.ErrorContains(t, err, "bad object header version")
	_, err = f.Dataset("/c")
	require.NoError(t, err)
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	notHDF5 := filepath.Join(dir, "text.h5")
	require.NoError(t, os.WriteFile(notHDF5, []byte("hello"), 0o600))
	for _, path := range []string{notHDF5, dir} {
		disk, err := os.Open(path)
		require.NoError(t, err)
		defer disk.Close()
		_, err = Open(disk)
		require.ErrorIs(t, err, fault.DataLoss)
		require.NotContains(t, err.Error(), filepath.Dir(path))
		require.NotContains(t, err.Error(), "no reason")
	}
	require.Zero(t, openFiles())
}

// libhdf5 has a descriptor and no name: the file may have lost its own, and other files cannot be opened meanwhile or later.
func TestLibraryOpensNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gone.h5")
	b, err := os.ReadFile("testdata/tree.h5")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, b, 0o600))
	disk, err := os.Open(path)
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	f, err := Open(disk)
	require.NoError(t, err)
	defer f.Close()
	require.NoError(t, disk.Close())
	dst := make([]byte, 4)
	require.NoError(t, f.ReadSlab("/grid", []uint64{1, 1}, []uint64{1, 1}, dst))
	require.Equal(t, []byte{0, 0, 0, 5}, dst)
}

// Each opening sees the file as it is then, whatever else has it open.
func TestOpenTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.h5")
	for _, name := range []string{"other.h5", "tree.h5"} {
		b, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, b, 0o600)) // the same inode
		require.Equal(t, treeOf(t, openFixture(t, name)), treeOf(t, openDisk(t, path)))
	}
}

func TestDatasetNames(t *testing.T) {
	f := openFixture(t, "tree.h5")
	for _, tt := range []struct{ name, same string }{
		{"/grid", "/g/alias"}, {"grid", "/g/up/grid"}, {"//g/./chunked/", "/soft"}, {"/chain", "/g/up/g/chunked"},
		{"/g/relative", "/g/deep/er/leaf"}, {`/raw\xff\xfename`, "/g/up/raw\xff\xfename"},
	} {
		a, err := f.Dataset(tt.name)
		require.NoError(t, err, tt.name)
		b, err := f.Dataset(tt.same)
		require.NoError(t, err, tt.same)
		require.Empty(t, a.Err)
		require.NotEqual(t, a.Path, b.Path)
		a.Path, b.Path = "", ""
		require.Equal(t, a, b)
	}
}

func TestDatasetRefused(t *testing.T) {
	f := openFixture(t, "tree.h5")
	for name, says := range map[string]string{
		"/gird":           `no such dataset "/gird" (near: "/grid")`,
		"/g/chunk":        `(near: "/g/chunked")`,
		"/zzzzzzzz":       "no such dataset",
		"/g/deep":         `"/g/deep" is a group, not a dataset: in it: "/g/deep/er"`,
		"/":               `"/" is a group, not a dataset: in it: "/`,
		"/g/named":        "is a committed datatype, not a dataset",
		"/grid/x":         `no such dataset "/grid/x": "/grid" is no group`,
		"/loop":           "soft links",
		"/dangling":       "no such dataset",
		"/g/..":           "no such dataset",
		"/grid\x00":       "no such dataset",
		"/\xff\xfe/other": "no such dataset",
	} {
		_, err := f.Dataset(name)
		require.ErrorIs(t, err, fault.NotFound, name)
		require.ErrorContains(t, err, says, name)
	}
}

func TestLinkOfUnknownClass(t *testing.T) {
	f := openFixture(t, "user.h5")
	require.Equal(t, []meta.Link{{Path: "/mine", Kind: "user"}}, treeOf(t, f).Links)
	_, err := f.Dataset("/mine/x")
	require.ErrorIs(t, err, fault.Unsupported)
	require.ErrorContains(t, err, "user-defined link of class 65")
}

func TestExternalLinkIsLeftToTheCaller(t *testing.T) {
	f := openFixture(t, "tree.h5")
	d, err := f.Dataset("/outside")
	require.NoError(t, err)
	require.Equal(t, meta.Dataset{OtherFile: "other.h5", Path: "/x"}, d)
	d, err = f.Dataset("/g/up/folder/a/b")
	require.NoError(t, err)
	require.Equal(t, meta.Dataset{OtherFile: "sub/other.h5", Path: "//a/b"}, d)
	require.ErrorIs(t, f.ReadSlab("/outside", []uint64{0}, []uint64{5}, make([]byte, 10)), fault.Unsupported)
}

func TestDescription(t *testing.T) {
	f := openFixture(t, "tree.h5")
	d, err := f.Dataset("/g/chunked")
	require.NoError(t, err)
	require.Equal(t, []uint64{10, 6}, d.Shape)
	require.Equal(t, []uint64{meta.Unlimited, 6}, d.Max)
	require.Equal(t, meta.Chunked, d.Layout)
	require.Equal(t, []uint64{4, 6}, d.Chunk)
	require.Len(t, d.Filters, 3)
	require.Equal(t, meta.Filter{ID: 2, Optional: true, Name: "shuffle", Params: []uint32{4}}, d.Filters[0])
	require.Equal(t, uint16(1), d.Filters[1].ID)
	require.Equal(t, []uint32{3}, d.Filters[1].Params)
	require.Equal(t, uint16(3), d.Filters[2].ID)
	require.False(t, d.Filters[2].Optional)
	require.NotZero(t, d.Storage)

	d, err = f.Dataset("/grid")
	require.NoError(t, err)
	require.Equal(t, meta.Contiguous, d.Layout)
	require.Equal(t, uint64(48), d.Storage)
	typ, err := h5type.Parse(d.Type)
	require.NoError(t, err)
	require.Equal(t, h5type.BigEndian, typ.Order)

	d, err = f.Dataset("/g/empty")
	require.NoError(t, err)
	require.Equal(t, meta.Null, d.Space)
	d, err = f.Dataset("/g/deep/er/leaf")
	require.NoError(t, err)
	require.Equal(t, meta.Scalar, d.Space)
	require.Empty(t, d.Shape)
}

// A variable-length part has 16 bytes in the file (12 with addresses of 4), whatever it has in memory; a
// reference has an address's.
func TestTypesAreAsInTheFile(t *testing.T) {
	for file, heap := range map[string]int{"types.h5": 16, "types_v110.h5": 16, "small.h5": 12} {
		d, err := openFixture(t, file).Dataset("/row")
		require.NoError(t, err)
		require.Empty(t, d.Err)
		typ, err := h5type.Parse(d.Type)
		require.NoError(t, err)
		at := 0
		for i, size := range []int{4, heap, 8, heap, 2 * heap, heap + 1, 2, 5, heap - 8, 3} {
			m := typ.Members[i]
			require.Equal(t, size, m.Type.Size, "%s %s", file, m.Name)
			require.Equal(t, at, m.Offset, "%s %s", file, m.Name)
			at += size
		}
		require.Equal(t, at, typ.Size)
	}
}

// What lies in other files is left to whoever may open them.
func TestOtherFilesAreNotOpened(t *testing.T) {
	f := openFixture(t, "virtual.h5")
	for _, name := range []string{"/odd", "/escape", "/absolute", "/nested", "/missing"} {
		d, err := f.Dataset(name)
		require.NoError(t, err, name)
		require.Empty(t, d.Err, name)
		require.Equal(t, meta.Virtual, d.Layout, name)
		require.Equal(t, []uint64{10}, d.Shape, name)
		err = f.ReadSlab(name, []uint64{0}, []uint64{10}, make([]byte, 40))
		require.ErrorIs(t, err, fault.Unsupported, name)
		require.ErrorContains(t, err, "lie in other files", name)
	}
	for _, name := range []string{"/grows", "/blocks"} { // their extents do, too
		d, err := f.Dataset(name)
		require.NoError(t, err, name)
		require.Contains(t, d.Err, "its sources decide about its extent", name)
		require.ErrorIs(t, f.ReadSlab(name, nil, nil, nil), fault.Unsupported, name)
	}
	f = openFixture(t, "external.h5")
	d, err := f.Dataset("/x")
	require.NoError(t, err)
	require.Equal(t, []meta.External{{File: "raw.bin", Offset: 8, Size: 16}}, d.External)
	require.ErrorIs(t, f.ReadSlab("/x", []uint64{0}, []uint64{4}, make([]byte, 16)), fault.Unsupported)
}

func TestReadSlab(t *testing.T) {
	f := openFixture(t, "tree.h5")
	dst := make([]byte, 16)
	require.NoError(t, f.ReadSlab("/grid", []uint64{1, 1}, []uint64{2, 2}, dst))
	require.Equal(t, []byte{0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 9, 0, 0, 0, 10}, dst) // big-endian, as in the file
	require.NoError(t, f.ReadSlab("/g/deep/er/leaf", nil, nil, dst[:8]))
	require.Equal(t, []byte{7, 0, 0, 0, 0, 0, 0, 0}, dst[:8])
	require.NoError(t, f.ReadSlab("/grid", []uint64{3, 0}, []uint64{0, 4}, nil))

	require.ErrorIs(t, openFixture(t, "types.h5").ReadSlab("/row", []uint64{0}, []uint64{1}, dst), fault.Unsupported)
}

func TestReadSlabRefused(t *testing.T) {
	f := openFixture(t, "tree.h5")
	for _, tt := range []struct {
		start, count []uint64
		bytes        int
	}{
		{[]uint64{0, 0}, []uint64{2, 2}, 15},
		{[]uint64{0}, []uint64{4}, 16},
		{nil, nil, 4},
		{[]uint64{2, 0}, []uint64{2, 2}, 16},
		{[]uint64{math.MaxUint64, 0}, []uint64{2, 2}, 16},
		{[]uint64{0, 0}, []uint64{1 << 62, 4}, 0},
	} {
		err := f.ReadSlab("/grid", tt.start, tt.count, make([]byte, tt.bytes))
		require.ErrorIs(t, err, fault.Invalid, "%v", tt)
	}
}

func TestRefName(t *testing.T) {
	f := openFixture(t, "tree.h5")
	refs := make([]byte, 32)
	require.NoError(t, f.ReadSlab("/refs", []uint64{0}, []uint64{4}, refs))
	defer enter()()
	for _, name := range []string{"/g/alias", "/g/deep/er/leaf", "/g", ""} {
		require.Equal(t, name, f.refName(binary.LittleEndian.Uint64(refs)))
		refs = refs[8:]
	}
	require.Empty(t, f.refName(0x030201), "no object")
}
