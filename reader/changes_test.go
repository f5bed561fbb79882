package reader

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/location"
)

func copied(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, b, 0o600))
}

// A file that may not be read is not a damaged one, and where it lies is not told.
func TestOpenOfWhatIsClosed(t *testing.T) {
	err := location.Unopened(location.Location{Name: "a.h5"}, &fs.PathError{Op: "open", Path: "/data/a.h5", Err: fs.ErrPermission})
	require.ErrorIs(t, err, fault.Denied)
	require.EqualError(t, err, "a.h5: cannot be opened: permission denied: make it readable")
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
			w := halfWritten(t, filepath.Join(t.TempDir(), "f.h5"))
			f, err := e.Open(context.Background(), location.Location{Path: w.path})
			require.NoError(t, err)
			require.ErrorIs(t, ask(f), fault.DataLoss)
			w.end()
			require.NoError(t, ask(f))
		})
	}
}

// What changes each time that it is asked is given up.
func TestChangesTooOften(t *testing.T) {
	e, err := NewEngine(Config{Workers: 1, InProcess: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	path := filepath.Join(t.TempDir(), "f.h5")
	w := halfWritten(t, path)
	f, err := e.Open(context.Background(), location.Location{Path: path})
	require.NoError(t, err)
	now := time.Now()
	_, err = settled(context.Background(), f, func(f *File) (*Dataset, error) {
		now = now.Add(time.Second)
		require.NoError(t, os.Chtimes(w.path, now, now))
		return f.openDataset(context.Background(), "/chunked")
	})
	require.ErrorIs(t, err, fault.Changed)
}

// writer is a file that is being written.
type writer struct {
	t     *testing.T
	path  string
	whole []byte
}

// halfWritten is a file that lacks its end so far.
func halfWritten(t *testing.T, path string) *writer {
	b, err := os.ReadFile("../testdata/layouts.h5")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, b[:len(b)-9], 0o600))
	return &writer{t, path, b}
}

// end writes the rest, in another tick of the file's clock.
func (w *writer) end() {
	time.Sleep(20 * time.Millisecond)
	f, err := os.OpenFile(w.path, os.O_WRONLY, 0)
	require.NoError(w.t, err)
	_, err = f.WriteAt(w.whole, 0)
	require.NoError(w.t, err)
	require.NoError(w.t, f.Close())
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
	f, err := e.Open(context.Background(), location.Location{Path: path})
	require.NoError(t, err)
	replace(t, path, "testdata/follow/state2.h5")
	got := elementsOf[int32](t, f, "/x", Request{})
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
	f, err := e.Open(context.Background(), location.Location{Path: path})
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
