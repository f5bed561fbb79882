package reader

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/filter"
	"github.com/mtflight/mtflight/reader/internal/h5proc"
	"github.com/mtflight/mtflight/reader/internal/location"
)

// compile builds the plug-in of testdata into a folder.
func compile(t *testing.T, into string, args ...string) {
	t.Helper()
	flags, err := exec.Command("pkg-config", "--cflags", "hdf5").Output()
	require.NoError(t, err)
	args = append(append([]string{"-shared", "-fPIC", "-o", into}, args...), strings.Fields(string(flags))...)
	out, err := exec.Command("cc", append(args, "testdata/plugins/flip.c")...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// engineWith is an engine whose helpers look for plug-ins in a folder.
func engineWith(t *testing.T, plugins string, cfg Config) *Engine {
	t.Helper()
	t.Setenv("HDF5_PLUGIN_PATH", plugins)
	e, err := NewEngine(cfg)
	require.NoError(t, err)
	t.Cleanup(func() {
		used, _ := e.Memory()
		require.Zero(t, used)
		require.NoError(t, e.Close())
	})
	return e
}

func pluginFile(t *testing.T, e *Engine, name string) *File {
	t.Helper()
	f, err := e.Open(context.Background(), location.Location{Path: filepath.Join("testdata", "plugins", name), Name: name})
	require.NoError(t, err)
	return f
}

// elementsOf reads rows of a dataset as one list.
func elementsOf[T arrow.IntType | arrow.UintType | arrow.FloatType](t *testing.T, f *File, name string, r Request) []T {
	t.Helper()
	d, err := f.Dataset(context.Background(), name)
	require.NoError(t, err)
	p, err := d.Plan(context.Background(), r)
	require.NoError(t, err)
	run := p.Run(context.Background())
	defer run.Release()
	var out []T
	for run.Next() {
		out = append(out, flat[T](t, run.Record().Column(0))...)
	}
	require.NoError(t, run.Err())
	return out
}

func flat[T arrow.IntType | arrow.UintType | arrow.FloatType](t *testing.T, a arrow.Array) []T {
	if x, ok := a.(array.ExtensionArray); ok {
		a = x.Storage()
	}
	if l, ok := a.(array.ListLike); ok {
		return flat[T](t, l.ListValues())
	}
	data := a.Data()
	return arrow.GetData[T](data.Buffers()[1].Bytes())[data.Offset() : data.Offset()+data.Len()]
}

// ascending is what make.py writes: numbers in their order; -1 in the first chunk, which was never written.
func ascending[T int32 | uint16 | float64](n int, unwritten bool) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = T(i)
		if unwritten && i/35 < 4 && i/5%7 < 3 && i%5 < 2 {
			out[i] = 0
			out[i]--
		}
	}
	return out
}

func TestPlugin(t *testing.T) {
	dir := t.TempDir()
	compile(t, filepath.Join(dir, "libflip.so"), "-DID=399")
	for _, cfg := range []Config{{Helpers: 1}, {Helpers: 2, Workers: 3}} {
		f := pluginFile(t, engineWith(t, dir, cfg), "own.h5")
		want := ascending[int32](385, true)
		require.Equal(t, want, elementsOf[int32](t, f, "/flip", Request{}))
		require.Equal(t, want, elementsOf[int32](t, f, "/mixed", Request{}))
		first, last := int64(3), int64(9)
		require.Equal(t, want[3*35:9*35], elementsOf[int32](t, f, "/flip", Request{Start: &first, Stop: &last}))
		sel := "2:10:3, -1, 1:4"
		var some []int32
		for i := 2; i < 10; i += 3 {
			some = append(some, want[i*35+30+1:i*35+30+4]...)
		}
		require.Equal(t, some, elementsOf[int32](t, f, "/flip", Request{Select: &sel}))
		tree, err := f.Tree(context.Background())
		require.NoError(t, err)
		kinds := map[string]string{}
		for _, d := range tree.Datasets {
			kinds[d.Path] = d.Kind
		}
		require.Equal(t, map[string]string{"/flip": "array", "/mixed": "array", "/missing": "unsupported"}, kinds)
	}
}

// counted counts what plug-ins are asked to undo.
type counted struct {
	h5proc.Unfilter
	chunks *atomic.Int64
}

func (c counted) Undo(ctx context.Context, chunks h5proc.Chunks) ([][]byte, error) {
	c.chunks.Add(int64(len(chunks.Bytes)))
	return c.Unfilter.Undo(ctx, chunks)
}

// Chunks of which a request takes a part are kept, as those of native filters are.
func TestPluginChunksAreCached(t *testing.T) {
	dir := t.TempDir()
	compile(t, filepath.Join(dir, "libflip.so"), "-DID=399")
	e := engineWith(t, dir, Config{Helpers: 1})
	var n atomic.Int64
	e.foreign = counted{e.foreign, &n}
	f := pluginFile(t, e, "own.h5")
	first, last := int64(5), int64(6)
	want := ascending[int32](385, true)[5*35 : 6*35]
	require.Equal(t, want, elementsOf[int32](t, f, "/flip", Request{Start: &first, Stop: &last}))
	asked := n.Load()
	require.Positive(t, asked)
	require.Equal(t, want, elementsOf[int32](t, f, "/flip", Request{Start: &first, Stop: &last}))
	require.Equal(t, asked, n.Load())
}

// busy notes how many calls are under way at once.
type busy struct {
	h5proc.Unfilter
	now, most *atomic.Int64
}

func (b busy) Undo(ctx context.Context, chunks h5proc.Chunks) ([][]byte, error) {
	n := b.now.Add(1)
	defer b.now.Add(-1)
	for most := b.most.Load(); n > most && !b.most.CompareAndSwap(most, n); most = b.most.Load() {
	}
	return b.Unfilter.Undo(ctx, chunks)
}

// Helpers work side by side.
func TestHelpersSideBySide(t *testing.T) {
	dir := t.TempDir()
	compile(t, filepath.Join(dir, "libslow.so"), "-DID=396", "-DSLOW")
	e := engineWith(t, dir, Config{Helpers: 2, Workers: 3})
	var now, most atomic.Int64
	e.foreign = busy{e.foreign, &now, &most}
	got := elementsOf[int32](t, pluginFile(t, e, "slow.h5"), "/slow", Request{})
	require.Equal(t, []int32{-1, 1, 16, 17}, []int32{got[0], got[1<<16], got[17<<16-1], got[len(got)-1]})
	require.GreaterOrEqual(t, most.Load(), int64(2))
}

// Whoever gives up does not wait for a plug-in.
func TestCancelledWhileAPluginWorks(t *testing.T) {
	e := misbehaving(t, "HANG", time.Hour)
	d, err := pluginFile(t, e, "crash.h5").Dataset(context.Background(), "/crash")
	require.NoError(t, err)
	p, err := d.Plan(context.Background(), Request{})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	run := p.Run(ctx)
	defer run.Release()
	require.False(t, run.Next())
	require.ErrorIs(t, run.Err(), context.DeadlineExceeded)
}

func TestMissingPlugin(t *testing.T) {
	dir := t.TempDir()
	e := engineWith(t, dir, Config{Helpers: 1})
	d, err := pluginFile(t, e, "pypi.h5").Dataset(context.Background(), "/zfp")
	require.NoError(t, err)
	require.Equal(t, "unsupported", d.Info().Kind)
	require.Regexp(t, `^filter: open filter 32013 \(zfp, "H5Z-ZFP.*"\): this build does not decode it, and there is no plug-in for it; `+
		`set HDF5_PLUGIN_PATH to a directory that holds its plug-in \(H5Z-ZFP, libh5zfp, e.g. of PyPI's hdf5plugin\)$`, d.Info().Reason)
	_, err = d.Plan(context.Background(), Request{})
	require.ErrorIs(t, err, fault.Unsupported)
	require.ErrorContains(t, err, "pypi.h5 /zfp: filter: open filter 32013 (zfp")
	calls := e.foreign.Counts().Calls
	require.ErrorIs(t, e.plugins.Undoes(filter.Spec{ID: 32013}), fault.Unsupported)
	require.Equal(t, calls, e.foreign.Counts().Calls, "asked once")
}

// refusal is why a dataset whose filter a plug-in undoes is not served.
func refusal(t *testing.T, e *Engine) string {
	t.Helper()
	d, err := pluginFile(t, e, "own.h5").Dataset(context.Background(), "/flip")
	require.NoError(t, err)
	return d.Info().Reason
}

func TestWhichPluginsAreLoaded(t *testing.T) {
	dir := t.TempDir()
	lib := filepath.Join(dir, "libflip.so")
	compile(t, lib, "-DID=399")
	content, err := os.ReadFile(lib)
	require.NoError(t, err)
	hash, other := fmt.Sprintf("%x", sha256.Sum256(content)), strings.Repeat("0f", 32)
	require.Equal(t, "filter: open filter 399 (not registered): this build does not decode it, and plug-ins are off: serve with --plugins on",
		refusal(t, engineWith(t, dir, Config{NoPlugins: true})))
	require.Empty(t, refusal(t, engineWith(t, dir, Config{Plugins: []string{other, hash}})))
	require.Contains(t, refusal(t, engineWith(t, dir, Config{Plugins: []string{other}})), "there is no plug-in for it; libflip.so is not loaded: its SHA-256 "+hash+" is none of those that may be loaded")
	require.NoError(t, os.Chmod(dir, 0o777))
	reason := refusal(t, engineWith(t, dir, Config{}))
	require.Contains(t, reason, "libflip.so is not loaded: others may write "+filepath.Base(dir)+": take that from them (chmod go-w)")
	require.NotContains(t, reason, dir)
}

func TestPluginThatCannotBeLoaded(t *testing.T) {
	dir := t.TempDir()
	gone := filepath.Join(dir, "libgone.so")
	compile(t, gone, "-DID=1", "-Wl,-soname,libgone.so.9")
	compile(t, filepath.Join(dir, "libneedy.so"), "-DID=399", "-Wl,--no-as-needed", gone)
	require.NoError(t, os.Remove(gone))
	e := engineWith(t, dir, Config{Helpers: 1})
	d, err := pluginFile(t, e, "own.h5").Dataset(context.Background(), "/flip")
	require.NoError(t, err)
	require.Contains(t, d.Info().Reason, "libneedy.so cannot be loaded: libgone.so.9: cannot open shared object file")
	require.NotContains(t, d.Info().Reason, dir)
}

func TestPluginThatKillsHelpers(t *testing.T) {
	dir := t.TempDir()
	compile(t, filepath.Join(dir, "libflip.so"), "-DID=399")
	compile(t, filepath.Join(dir, "libcrash.so"), "-DID=398", "-DCRASH")
	e := engineWith(t, dir, Config{Helpers: 1})
	d, err := pluginFile(t, e, "crash.h5").Dataset(context.Background(), "/crash")
	require.NoError(t, err)
	require.Equal(t, "array", d.Info().Kind)
	p, err := d.Plan(context.Background(), Request{})
	require.NoError(t, err)
	run := p.Run(context.Background())
	defer run.Release()
	require.False(t, run.Next())
	require.ErrorIs(t, run.Err(), fault.DataLoss)
	require.ErrorContains(t, run.Err(), "crash.h5 /crash: chunk 0 at address 3496: filter: decode filter 398 (not registered): its plug-in ended the helper process (")
	require.Equal(t, ascending[int32](385, true), elementsOf[int32](t, pluginFile(t, e, "own.h5"), "/flip", Request{}))
}

func TestPluginThatCannotBeLookedAt(t *testing.T) {
	dir := t.TempDir()
	compile(t, filepath.Join(dir, "libcrash.so"), "-DID=398", "-DCRASH_EARLY")
	e := engineWith(t, dir, Config{Helpers: 1})
	f := pluginFile(t, e, "own.h5")
	d, err := f.Dataset(context.Background(), "/flip")
	require.NoError(t, err)
	require.Contains(t, d.Info().Reason, "looking for the plug-in of filter 399 in HDF5_PLUGIN_PATH ended the helper process (")
	_, err = f.Tree(context.Background())
	require.NoError(t, err)
}

// TestPluginsOfPyPI reads what hdf5plugin wrote.
func TestPluginsOfPyPI(t *testing.T) {
	dir := os.Getenv("MTFLIGHT_PLUGINS")
	if dir == "" {
		t.Skip("MTFLIGHT_PLUGINS does not name a folder of plug-ins (python -c 'import hdf5plugin; print(hdf5plugin.PLUGIN_PATH)')")
	}
	f := pluginFile(t, engineWith(t, dir, Config{Helpers: 2}), "pypi.h5")
	require.Equal(t, ascending[float64](385, false), elementsOf[float64](t, f, "/zfp", Request{}))
	require.Equal(t, ascending[uint16](35, false), elementsOf[uint16](t, f, "/fcidecomp", Request{}))
}
