package h5c

import (
	"context"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// open opens a file of testdata and closes it again; a file that stays open leaks an object.
func openFixture(t *testing.T, name string) *File {
	path, err := filepath.Abs(filepath.Join("testdata", name))
	require.NoError(t, err)
	f, err := Open(path)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, f.Close())
		fds, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		for _, fd := range fds {
			target, _ := os.Readlink(filepath.Join("/proc/self/fd", fd.Name()))
			require.NotEqual(t, path, target, "an object is still open")
		}
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
	for _, path := range []string{notHDF5, filepath.Join(dir, "missing.h5"), dir} {
		_, err := Open(path)
		require.ErrorIs(t, err, fault.DataLoss)
		require.NotContains(t, err.Error(), filepath.Dir(path))
		require.NotContains(t, err.Error(), "no reason")
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

func TestVirtualAndExternal(t *testing.T) {
	f := openFixture(t, "virtual.h5")
	d, err := f.Dataset("/odd")
	require.NoError(t, err)
	require.Equal(t, meta.Virtual, d.Layout)
	require.Equal(t, []uint64{10}, d.Shape)
	require.Len(t, d.Sources, 1)
	s := d.Sources[0]
	require.Equal(t, "source.h5", s.File)
	require.Equal(t, "x", s.Dataset)
	require.True(t, s.Regular)
	require.Equal(t, meta.Slab{Start: []uint64{1}, Stride: []uint64{2}, Count: []uint64{10}, Block: []uint64{1}}, s.Src)
	for _, name := range []string{"/escape", "/absolute"} {
		d, err = f.Dataset(name)
		require.NoError(t, err)
		require.Contains(t, d.Err, "lies outside")
		require.ErrorIs(t, f.ReadSlab(name, []uint64{0}, []uint64{10}, make([]byte, 40)), fault.Denied)
	}
}

func TestVirtualSourcesAreLookedInto(t *testing.T) {
	f := openFixture(t, "virtual.h5")
	dst := make([]byte, 8)
	require.NoError(t, f.ReadSlab("/nested", []uint64{4}, []uint64{2}, dst))
	require.Equal(t, []byte{4, 0, 0, 0, 5, 0, 0, 0}, dst)
	require.NoError(t, f.ReadSlab("/missing", []uint64{4}, []uint64{1}, dst[:4]))
	require.Equal(t, []byte{255, 255, 255, 255}, dst[:4])
	for range 2 { // remembered
		require.ErrorIs(t, f.ReadSlab("/nested_away", []uint64{4}, []uint64{2}, dst), fault.Denied)
		require.ErrorIs(t, f.ReadSlab("/linked", []uint64{4}, []uint64{2}, dst), fault.Denied)
	}
	_, id, err := f.openDataset("/cycle")
	require.NoError(t, err)
	r := resolver{id: id}
	defer r.close()
	require.NoError(t, f.mayRead(id, 0)) // ends; what libhdf5 does with a cycle is its affair
}

func TestVirtualThatGrows(t *testing.T) {
	f := openFixture(t, "virtual.h5")
	d, err := f.Dataset("/grows")
	require.NoError(t, err)
	require.Equal(t, []uint64{20}, d.Shape)
	require.Equal(t, []uint64{meta.Unlimited}, d.Sources[0].Dst.Count)
	d, err = f.Dataset("/blocks")
	require.NoError(t, err)
	require.Equal(t, []uint64{2, 3}, d.Shape)
	require.Equal(t, "block-%b.h5", d.Sources[0].File)
	dst := make([]byte, 24)
	require.NoError(t, f.ReadSlab("/blocks", []uint64{0, 0}, []uint64{2, 3}, dst))
	require.Equal(t, byte(1), dst[12])
}

func TestRoot(t *testing.T) {
	f := openFixture(t, "virtual.h5")
	f.root = "/etc"
	d, err := f.Dataset("/absolute")
	require.NoError(t, err)
	require.Empty(t, d.Err)
	require.Equal(t, []uint64{10}, d.Shape)
	f = openFixture(t, "external.h5")
	f.root = "/etc"
	d, err = f.Dataset("/x")
	require.NoError(t, err)
	require.Equal(t, []meta.External{{File: "raw.bin", Offset: 8, Size: 16}}, d.External)
	require.ErrorIs(t, f.ReadSlab("/x", []uint64{0}, []uint64{4}, make([]byte, 16)), fault.Denied)
}

func TestInsideFollowsSymlinks(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "root", "sub"), 0o700))
	require.NoError(t, os.Symlink("/etc", filepath.Join(dir, "root", "away")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "root", "up.h5"), nil, 0o600))
	f := &File{path: filepath.Join(dir, "root", "sub", "a.h5"), root: filepath.Join(dir, "root")}
	for name, inside := range map[string]bool{
		"b.h5": true, "../up.h5": true, "b-%b.h5": true, "x/y/z.h5": true, "../../up.h5": false, "../away/x.h5": false,
		"../away/hostname": false, "/etc/hostname": false, "../not-there.h5": false,
		filepath.Join(dir, "root", "up.h5"): true,
	} {
		require.Equal(t, inside, f.inside(name), name)
	}
}

func TestReadSlab(t *testing.T) {
	f := openFixture(t, "tree.h5")
	dst := make([]byte, 16)
	require.NoError(t, f.ReadSlab("/grid", []uint64{1, 1}, []uint64{2, 2}, dst))
	require.Equal(t, []byte{0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 9, 0, 0, 0, 10}, dst) // big-endian, as in the file
	require.NoError(t, f.ReadSlab("/g/deep/er/leaf", nil, nil, dst[:8]))
	require.Equal(t, []byte{7, 0, 0, 0, 0, 0, 0, 0}, dst[:8])
	require.NoError(t, f.ReadSlab("/grid", []uint64{3, 0}, []uint64{0, 4}, nil))

	require.NoError(t, openFixture(t, "virtual.h5").ReadSlab("/odd", []uint64{8}, []uint64{2}, dst[:8]))
	require.Equal(t, []byte{17, 0, 0, 0, 19, 0, 0, 0}, dst[:8])
	require.NoError(t, openFixture(t, "external.h5").ReadSlab("/x", []uint64{1}, []uint64{2}, dst[:8]))
	require.Equal(t, []byte{3, 0, 0, 0, 4, 0, 0, 0}, dst[:8])
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

func TestMessagesHaveNoFolders(t *testing.T) {
	f := &File{path: "/secret/place/a.h5"}
	got := f.scrub("unable to open file: name = '/secret/other/b.h5', errno = 2 /secret/place/a.h5 \xff")
	require.Equal(t, "unable to open file: name = 'b.h5', errno = 2 a.h5 \uFFFD", got)
	require.False(t, strings.Contains(got, "secret"))
}
