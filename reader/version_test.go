package reader

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/blockio"
	"github.com/mtflight/mtflight/reader/internal/location"
)

// allRested has files taken for such as nobody changed lately, until the test's end.
func allRested(t testing.TB) { within(t, 0) }

// within has files taken for fresh for so long, until the test's end.
func within(t testing.TB, fresh time.Duration) {
	was := blockio.Freshness
	blockio.Freshness = fresh
	t.Cleanup(func() { blockio.Freshness = was })
}

// stretched is a file of one dataset, /chunked of layouts.h5, at a place of its own.
func layoutsAt(t *testing.T) (path string, f *File) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "f.h5")
	copied(t, "../testdata/layouts.h5", path)
	e, err := NewEngine(Config{Workers: 2, InProcess: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, e.Close()) })
	f, err = e.Open(context.Background(), location.Location{Path: path})
	require.NoError(t, err)
	return path, f
}

// rewrite writes over a file, in place, and sets back its times.
func rewrite(t *testing.T, path string, change func(b []byte)) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	change(b)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt(b, 0)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
	now, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, info.ModTime(), now.ModTime())
	require.Equal(t, info.Size(), now.Size())
}

// What is done to a file between a plan and its run, and whether the rows come all the same.
func TestFileChangesUnderAPlan(t *testing.T) {
	for name, c := range map[string]struct {
		does func(t *testing.T, path string)
		runs bool
	}{
		"nothing":  {func(*testing.T, string) {}, true},
		"mode":     {func(t *testing.T, path string) { require.NoError(t, os.Chmod(path, 0o640)) }, true},
		"link":     {func(t *testing.T, path string) { require.NoError(t, os.Link(path, path+".link")) }, true},
		"removed":  {func(t *testing.T, path string) { require.NoError(t, os.Remove(path)) }, true},
		"replaced": {func(t *testing.T, path string) { replace(t, path, "testdata/follow/state2.h5") }, true},
		"read":     {func(t *testing.T, path string) { _, err := os.ReadFile(path); require.NoError(t, err) }, true},
		"mode, and back": {func(t *testing.T, path string) {
			require.NoError(t, os.Chmod(path, 0o640))
			require.NoError(t, os.Chmod(path, 0o600))
		}, false},
		"touched":   {func(t *testing.T, path string) { require.NoError(t, os.Chtimes(path, time.Now(), time.Now())) }, false},
		"rewritten": {func(t *testing.T, path string) { rewrite(t, path, func(b []byte) {}) }, false},
		"rewritten, mode": {func(t *testing.T, path string) {
			rewrite(t, path, func(b []byte) { clear(b[len(b)/2:]) })
			require.NoError(t, os.Chmod(path, 0o640))
		}, false},
		"appended":        {func(t *testing.T, path string) { require.NoError(t, appendTo(path)) }, false},
		"cut":             {func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 100)) }, false},
		"grown by a hole": {func(t *testing.T, path string) { require.NoError(t, os.Truncate(path, 1<<20)) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			path, f := layoutsAt(t)
			d, err := f.Dataset(context.Background(), "/chunked")
			require.NoError(t, err)
			p, err := d.Plan(context.Background(), Request{})
			require.NoError(t, err)
			c.does(t, path)
			run := p.Run(context.Background())
			defer run.Release()
			rows := int64(0)
			for run.Next() {
				rows += run.Record().NumRows()
			}
			if c.runs {
				require.NoError(t, run.Err())
				require.Positive(t, rows)
				return
			}
			require.ErrorIs(t, run.Err(), fault.Changed)
			require.Zero(t, rows, "what was read of another version is not given out")
		})
	}
}

func appendTo(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte("more"))
	return errors.Join(err, f.Close())
}

// What was learned of a file's values is not believed of another version of it, in this program and in the next.
func TestStatisticsOfARewrittenFile(t *testing.T) {
	name, dir := clustered(t), t.TempDir()
	r := ask("i4 > 3000000000")
	withStats(t, name, Config{IndexDir: dir}, func(f *File) {
		loads(t, frameOf(t, f, "/table"), r)
		_, chunks := loads(t, frameOf(t, f, "/table"), r)
		require.Zero(t, chunks)
		rewrite(t, name, func([]byte) {})
		f, err := f.eng.Open(context.Background(), f.loc)
		require.NoError(t, err)
		_, chunks = loads(t, frameOf(t, f, "/table"), r)
		require.EqualValues(t, 55, chunks)
	})
	rewrite(t, name, func([]byte) {})
	withStats(t, name, Config{IndexDir: dir}, func(f *File) {
		_, chunks := loads(t, frameOf(t, f, "/table"), r)
		require.EqualValues(t, 55, chunks)
	})
}

// A file that was changed just now is not kept for others.
func TestFreshFilesAreNotKept(t *testing.T) {
	within(t, time.Hour)
	path, f := layoutsAt(t)
	other, err := f.eng.Open(context.Background(), f.loc)
	require.NoError(t, err)
	require.NotSame(t, f, other)
	require.False(t, other.noted)
	allRested(t)
	first, err := f.eng.Open(context.Background(), f.loc)
	require.NoError(t, err)
	again, err := f.eng.Open(context.Background(), f.loc)
	require.NoError(t, err)
	require.Same(t, first, again)
	rewrite(t, path, func([]byte) {})
	again, err = f.eng.Open(context.Background(), f.loc)
	require.NoError(t, err)
	require.NotSame(t, first, again)
}
