package reader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/arrowtest"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/location"
)

// maxCompared is the most bytes of a dataset that are compared.
const maxCompared = 64 << 20

// damaged are files of a corpus that were made to break readers: libhdf5 1.10.8 reads what happens to be in memory.
var damaged = regexp.MustCompile(`/bad/|/tmisc38a\.h5$`)

// TestNativeAsLibrary reads every dataset of the test data that is read natively through H5Dread in a helper too: the
// columns are the same to the last bit, but for elements in other files, which a helper does not open: external ones and those of
// virtual datasets (TestVirtualDatasetsAreWhatH5pyReads). MTFLIGHT_CORPUS is a folder of more HDF5 files; the counts are logged.
//
// Variable-length data lies in the helper's memory and is compared by testdata/tests/test_h5dread.py.
func TestNativeAsLibrary(t *testing.T) {
	e, err := NewEngine(Config{Workers: 2, CallTimeout: time.Minute})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	c := comparison{engine: e, seen: map[string]int{}, pick: sampled(13)}
	for _, folder := range []string{"testdata", "../testdata", filepath.Dir(externalFile(t))} {
		c.folder(t, folder)
	}
	for _, kind := range []string{"compact", "contiguous", "chunked", "chunked deflate", "chunked shuffle+deflate"} {
		require.NotZero(t, c.seen["equal: "+kind], "%s: %v", kind, c.seen)
	}
	if corpus := os.Getenv("MTFLIGHT_CORPUS"); corpus != "" {
		clear(c.seen)
		c.folder(t, corpus)
	}
	for _, what := range slices.Sorted(maps.Keys(c.seen)) {
		t.Logf("%6d %s", c.seen[what], what)
	}
	require.Empty(t, c.wrong)
}

// comparison counts what came of the datasets.
type comparison struct {
	engine *Engine
	seen   map[string]int
	wrong  []string
	pick   func() bool
}

func (c *comparison) folder(t *testing.T, root string) {
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && !strings.HasPrefix(entry.Name(), "bad_") { // those must be refused
			c.file(t, path)
		}
		return err
	}))
}

func (c *comparison) file(t *testing.T, path string) {
	if strings.HasSuffix(path, ".h5.gz") || strings.HasSuffix(path, ".h5ad.gz") {
		path = unpacked(t, path)
	}
	path, err := filepath.Abs(path)
	require.NoError(t, err)
	ctx := context.Background()
	f, err := c.engine.Open(ctx, location.Location{Path: path})
	if err != nil {
		c.seen["file: refused"]++
		return
	}
	tree, err := f.Tree(ctx)
	if err != nil {
		c.seen["file: refused"]++
		return
	}
	c.seen["file: read"]++
	for _, i := range tree.Datasets {
		what, err := c.dataset(ctx, f, i.Path)
		c.seen[what]++
		if strings.HasPrefix(what, "wrong") {
			c.wrong = append(c.wrong, fmt.Sprintf("%s %s: %s: %v", path, i.Path, what, err))
		}
		if os.Getenv("MTFLIGHT_CORPUS") != "" && err != nil {
			t.Logf("%s %s: %s: %v", path, i.Path, what, err)
		}
	}
}

// dataset tells what comes of one, and of which kind it is.
func (c *comparison) dataset(ctx context.Context, f *File, name string) (string, error) {
	d, err := f.Dataset(ctx, name)
	switch {
	case err != nil:
		return "not opened", err
	case d.unsupported != nil:
		return "refused", d.unsupported
	case d.empty():
		return "no elements", nil
	case d.viaLib != nil:
		return "not native", nil
	case d.info.Bytes > maxCompared:
		return "larger than 64 MB", nil
	case d.source.Type.HasVarLen():
		return "variable length", nil
	}
	kind := strings.TrimSpace(d.info.Layout + " " + strings.Join(d.info.Filters, "+"))
	if c.seen["equal: "+kind] > 0 && !c.pick() {
		return "left out", nil
	}
	other := newDataset(ctx, d.file, d.meta, d.asked)
	other.viaLib = errors.New("the other way")
	same, mine, theirs := sameRows(ctx, d, other)
	switch {
	case theirs != nil && mine != nil:
		return "neither reads it", mine
	case theirs != nil:
		return "the helper cannot: " + fmt.Sprint(fault.Of(theirs)), theirs
	case fault.Of(mine) == fault.Unsupported:
		return "refused when read", mine
	case fault.Of(mine) == fault.DataLoss && damaged.MatchString(f.loc.Path):
		return "damaged: only the helper makes something of it", mine
	case mine != nil:
		return "wrong: not read: " + kind, mine
	case !same:
		return "wrong: " + kind, nil
	}
	return "equal: " + kind, nil
}

// sameRows reads two datasets side by side, each to its end.
func sameRows(ctx context.Context, a, b *Dataset) (same bool, aErr, bErr error) {
	x, y := start(ctx, a), start(ctx, b)
	defer x.release()
	defer y.release()
	for same = true; ; {
		more, others := x.Next(), y.Next()
		if !more && !others {
			return same, x.err, y.err
		}
		same = same && more && others && arrowtest.Same(x.Record(), y.Record())
	}
}

// reading is a run, or why there is none.
type reading struct {
	*Run
	err error
}

func start(ctx context.Context, d *Dataset) *reading {
	p, err := d.Plan(ctx, Request{BatchRows: max(1, min(d.rows(), 1000)), Options: convert.Options{Strings: "binary"}})
	if err != nil {
		return &reading{err: err}
	}
	return &reading{Run: p.Run(ctx)}
}

func (r *reading) Next() bool {
	if r.err != nil {
		return false
	}
	more := r.Run.Next()
	r.err = r.Err()
	return more
}

func (r *reading) release() {
	if r.Run != nil {
		r.Release()
	}
}
