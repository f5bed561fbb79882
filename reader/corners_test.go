package reader

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/location"
)

// corners opens a file of testdata/corners, or another by its path. docs/corners.md says which corner is tested where.
func corners(t *testing.T, path string, cfg Config) *File {
	t.Helper()
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	e := engineWith(t, "", cfg)
	f, err := e.Open(context.Background(), location.Location{Path: path, Name: filepath.Base(path)})
	require.NoError(t, err)
	return f
}

func TestCorners(t *testing.T) {
	row := func(a, b, c any) string { return fmt.Sprintf(`{"a":%v,"b":%v,"c":%q}`, a, b, c) }
	filled := row(7, 0.5, "q")
	masks := []uint32{}
	for i := range uint32(15) {
		masks = append(masks, i*0x01020304)
	}
	all, err := json.Marshal(masks)
	require.NoError(t, err)
	for dataset, want := range map[string]string{
		"/fill_text":     `["ab","ab","x","yyy","ab","ab"]`,
		"/fill_variable": `["void","void","x","yyy","void","void"]`,
		"/fill_rows":     `[` + filled + `,` + filled + `,` + row(1, 2, "ab") + `,` + row(3, 4, "c") + `,` + filled + `,` + filled + `]`,
		"/fill_never":    `[0,0,1,2,0,0]`, "/fill_never_unchunked": `[0,0]`, // as h5py, whose buffers libhdf5 leaves as they are
		"/masks":         string(all),
		"/moved":         `[{"late":-5,"early":513,"mid":9},{"late":6,"early":2,"mid":8}]`,
		"/dense":         `[0,1,2]`,
		"/no_rows":       `[]`,
		"/no_columns":    `[[],[],[]]`,
		"/soft":          `[5]`,
		"/group/up/soft": `[5]`,
		"/back\\slash":   `[0]`, "/..": `[1]`, "/...": `[2]`, "/line\nfeed": `[3]`, "/%2F": `[4]`, "/raw\xff\xfe": `[5]`, "/a b": `[6]`, "/grü": `[7]`,
	} {
		for _, file := range []string{"earliest.h5", "latest.h5"} {
			t.Run(file+dataset, func(t *testing.T) {
				f := corners(t, "testdata/corners/"+file, Config{Workers: 2, InProcess: true})
				require.JSONEq(t, want, rowsJSON(t, frameOf(t, f, dataset), Request{}))
			})
		}
	}
}

// rowsJSON is what a request gives: objects of a table, values of an array.
func rowsJSON(t *testing.T, d *Dataset, r Request) string {
	t.Helper()
	got, _ := whole(t, d, r)
	var it json.Marshaler = got
	if got.NumCols() == 1 {
		it = got.Column(0)
	}
	text, err := it.MarshalJSON()
	require.NoError(t, err)
	return string(text)
}

// TestCornersOfFiles makes sure that the files are what the other tests take them for.
func TestCornersOfFiles(t *testing.T) {
	for file, at := range map[string]int{"earliest.h5": 1024, "latest.h5": 0} {
		b, err := os.ReadFile("testdata/corners/" + file)
		require.NoError(t, err)
		require.Equal(t, "\x89HDF\r\n\x1a\n", string(b[at:at+8]))
		require.Equal(t, map[string]byte{"earliest.h5": 1, "latest.h5": 3}[file], b[at+8], "version of the superblock")
	}
}

// TestCornersAreListed holds docs/corners.md and correctness.md to the tests that there are.
func TestCornersAreListed(t *testing.T) {
	page, err := os.ReadFile("../docs/corners.md")
	require.NoError(t, err)
	wrong, err := os.ReadFile("../docs/correctness.md")
	require.NoError(t, err)
	page = append(page, wrong...)
	sources := map[string]string{}
	named := regexp.MustCompile("`([a-z0-9/]+): ((?:Test|test_)\\w+)`").FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(named), 20)
	for _, n := range named {
		folder, test := n[1], n[2]
		if _, ok := sources[folder]; !ok {
			inGo, err := filepath.Glob("../" + folder + "/*_test.go")
			require.NoError(t, err)
			inPython, err := filepath.Glob("../" + folder + "/test_*.py")
			require.NoError(t, err)
			for _, path := range append(inGo, inPython...) {
				b, err := os.ReadFile(path)
				require.NoError(t, err)
				sources[folder] += string(b)
			}
		}
		require.True(t, strings.Contains(sources[folder], "func "+test+"(") || strings.Contains(sources[folder], "def "+test+"("), "%s has no %s", folder, test)
	}
}

func TestCornersOfTrees(t *testing.T) {
	for _, file := range []string{"earliest.h5", "latest.h5"} {
		f := corners(t, "testdata/corners/"+file, Config{Workers: 2, InProcess: true})
		tree, err := f.Tree(context.Background())
		require.NoError(t, err)
		links := map[string]string{}
		for _, l := range tree.Links {
			links[l.Path] = l.Kind + " " + l.Target
		}
		require.Equal(t, map[string]string{"/soft": "soft /group/hard", "/dangling": "soft /nowhere", "/loop": "soft /pool", "/pool": "soft /loop",
			"/group/up": "hard /"}, links)
		for _, d := range tree.Datasets {
			if d.Path == "/dense" {
				var attrs map[string]any
				require.NoError(t, json.Unmarshal(d.Attributes, &attrs))
				require.Len(t, attrs, 40)
				require.EqualValues(t, 39, attrs["attribute 01"])
			}
		}
		for _, name := range []string{"/dangling", "/loop", "/pool/x"} {
			_, err := f.Dataset(context.Background(), name)
			require.ErrorIs(t, err, fault.NotFound, name)
		}
	}
}

// Datasets of a group whose names cannot be read are not passed over in silence.
func TestGroupThatCannotBeListed(t *testing.T) {
	f := corners(t, "internal/h5c/testdata/lost.h5", Config{Workers: 2, InProcess: true})
	tree, err := f.Tree(context.Background())
	require.NoError(t, err)
	require.Len(t, tree.Datasets, 2)
	require.Equal(t, "/x", tree.Datasets[0].Path)
	lost := tree.Datasets[1]
	require.Equal(t, []string{"/g", "unsupported"}, []string{lost.Path, lost.Kind})
	require.Regexp(t, "group that cannot be listed whole: .*signature", lost.Reason)
	_, err = f.Dataset(context.Background(), "/g")
	require.ErrorIs(t, err, fault.DataLoss)
	require.ErrorContains(t, err, lost.Reason)
}

// The first of a family's files is not half of a download.
func TestMemberOfAFamily(t *testing.T) {
	f := corners(t, "internal/h5c/testdata/family0.h5", Config{Workers: 2, InProcess: true})
	_, err := f.Tree(context.Background())
	require.ErrorIs(t, err, fault.Unsupported)
	require.ErrorContains(t, err, "one of several that HDF5's driver NCSAfami wrote")
	_, err = f.Dataset(context.Background(), "/x")
	require.ErrorIs(t, err, fault.Unsupported)
}

// An extent of 2^50 rows takes no memory: nothing of it is stored.
func TestEndlessExtent(t *testing.T) {
	for _, file := range []string{"earliest.h5", "latest.h5"} {
		f := corners(t, "testdata/corners/"+file, Config{Workers: 2, InProcess: true, Memory: 64 << 20})
		require.JSONEq(t, `[3,3]`, rowsJSON(t, frameOf(t, f, "/endless"), Request{Start: num(-2)}))
		p, err := frameOf(t, f, "/endless").Plan(context.Background(), Request{})
		require.NoError(t, err)
		require.EqualValues(t, 1<<50, p.Rows())
		run := p.Run(context.Background())
		require.True(t, run.Next(), "%v", run.Err())
		run.Release()
	}
}

// A chunk that says it has 128 MiB is refused where the budget is less, before memory is taken for it.
func TestDecompressionBomb(t *testing.T) {
	f := corners(t, "internal/h5c/testdata/bomb.h5", Config{Workers: 2, InProcess: true, Memory: 64 << 20})
	p, err := frameOf(t, f, "/x").Plan(context.Background(), Request{Stop: num(2)})
	if err == nil {
		run := p.Run(context.Background())
		require.False(t, run.Next())
		err = run.Err()
		run.Release()
	}
	require.ErrorIs(t, err, fault.Exhausted)
}
