package reader

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// written is a library that finds a file half-written, some times, while its writer goes on.
type written struct {
	library
	left int
	goOn func()
}

func (w *written) half() error {
	if w.left == 0 {
		return nil
	}
	w.left--
	w.goOn()
	return fault.New(fault.DataLoss, "half-written")
}

func (w *written) Tree(ctx context.Context, path string) (*meta.File, error) {
	if err := w.half(); err != nil {
		return nil, err
	}
	return w.library.Tree(ctx, path)
}

func (w *written) Dataset(ctx context.Context, path, name string) (meta.Dataset, error) {
	if err := w.half(); err != nil {
		return meta.Dataset{}, err
	}
	return w.library.Dataset(ctx, path, name)
}

func copied(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, b, 0o600))
}

// What looks damaged is looked at again as long as somebody writes, but not where nobody does.
func TestOpenWhileWritten(t *testing.T) {
	for name, ask := range map[string]func(*File) error{
		"dataset": func(f *File) error { _, err := f.Dataset(context.Background(), "/chunked"); return err },
		"tree":    func(f *File) error { _, err := f.Tree(context.Background()); return err },
	} {
		t.Run(name, func(t *testing.T) {
			e, err := NewEngine(Config{Workers: 1, InProcess: true})
			require.NoError(t, err)
			defer func() { require.NoError(t, e.Close()) }()
			path := filepath.Join(t.TempDir(), "f.h5")
			copied(t, "../testdata/layouts.h5", path)
			w := &written{library: e.lib}
			e.lib = w
			now := time.Now()
			write := func() { now = now.Add(time.Second); require.NoError(t, os.Chtimes(path, now, now)) }
			for _, k := range []struct {
				left int
				goOn func()
				kind error
			}{
				{3, write, nil},
				{1, func() {}, fault.DataLoss},
				{100, write, fault.Changed},
			} {
				w.left, w.goOn = k.left, k.goOn
				write()
				f, err := e.Open(context.Background(), Location{Path: path})
				require.NoError(t, err)
				require.Equal(t, k.kind, fault.Of(ask(f)))
			}
		})
	}
}

// replace puts a copy of a file into the place of another one, as programs do that write a file anew.
func replace(t *testing.T, path, from string) {
	t.Helper()
	copied(t, from, path+".new")
	require.NoError(t, os.Rename(path+".new", path))
}

// A file that took the place of an open one is opened itself: libhdf5 knows no other.
func TestOpenReplaced(t *testing.T) {
	e, err := NewEngine(Config{Workers: 1, InProcess: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	path := filepath.Join(t.TempDir(), "f.h5")
	become(t, path, 0)
	f, err := e.Open(context.Background(), Location{Path: path})
	require.NoError(t, err)
	replace(t, path, "testdata/follow/state2.h5")
	got := elements[int32](t, f, "/x", Request{})
	require.Equal(t, ascending[int32](600, false), got)
	require.NoError(t, os.Remove(path))
	_, err = f.Dataset(context.Background(), "/y")
	require.ErrorIs(t, err, fault.NotFound)
}

// What plug-ins undo is the chunks of the file that was opened, whatever took its place.
func TestReplacedUnderPlugin(t *testing.T) {
	dir := t.TempDir()
	compile(t, filepath.Join(dir, "libflip.so"), "-DID=399")
	e := engineWith(t, dir, Config{Helpers: 1})
	path := filepath.Join(dir, "own.h5")
	copied(t, "testdata/plugins/own.h5", path)
	f, err := e.Open(context.Background(), Location{Path: path})
	require.NoError(t, err)
	d, err := f.Dataset(context.Background(), "/flip")
	require.NoError(t, err)
	p, err := d.Plan(context.Background(), Request{})
	require.NoError(t, err)
	replace(t, path, "testdata/follow/state2.h5")
	run := p.Run(context.Background())
	defer run.Release()
	require.True(t, run.Next())
	require.Equal(t, ascending[int32](385, true), flat[int32](t, run.Record().Column(0)))
	require.False(t, run.Next())
	require.NoError(t, run.Err())
}
