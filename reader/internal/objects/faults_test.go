package objects

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/gheap"
	"github.com/mtflight/mtflight/reader/internal/h5file"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// faulty is a file of which one read fails, or all from it on, or gives half.
type faulty struct {
	*bytes.Reader
	reads  int64
	fails  int64 // the number of the read; 0 none
	always bool
	half   bool
}

var errDisk = errors.New("the disk is gone")

func (f *faulty) ReadAt(b []byte, at int64) (int, error) {
	f.reads++
	n := f.reads
	if f.fails == 0 || n < f.fails || n > f.fails && !f.always {
		return f.Reader.ReadAt(b, at)
	}
	if f.half {
		n, _ := f.Reader.ReadAt(b[:len(b)/2], at)
		return n, io.EOF
	}
	return 0, errDisk
}

// openFaulty is a file that is whole while it is opened.
func openFaulty(t *testing.T, b []byte) (*faulty, *File) {
	disk := &faulty{Reader: bytes.NewReader(b)}
	h5, err := h5file.Open(disk, int64(len(b)))
	require.NoError(t, err)
	disk.reads = 0
	return disk, New(h5, gheap.New(h5, 1<<20))
}

// TestReadErrors fails each read in turn: what is then answered is either what the whole file has or an error, never less
// without one.
func TestReadErrors(t *testing.T) {
	for name, b := range fixtures(t) {
		t.Run(name, func(t *testing.T) {
			whole, err := open(t, b).Tree(context.Background())
			require.NoError(t, err)
			for _, how := range []faulty{{}, {always: true}, {half: true}} {
				treeFails(t, b, whole, how)
				lookupsFail(t, b, whole, how)
			}
		})
	}
}

func (f *faulty) set(fails int64, how faulty) {
	f.reads = 0
	f.fails, f.always, f.half = fails, how.always, how.half
}

// treeFails lists the file until no read fails any more.
func treeFails(t *testing.T, b []byte, whole *meta.File, how faulty) {
	for n := int64(1); ; n++ {
		disk, f := openFaulty(t, b)
		disk.set(n, how)
		got, err := f.Tree(context.Background())
		require.NoError(t, err)
		if disk.reads < n {
			require.Empty(t, complaints(got, whole))
			return
		}
		require.NotEmpty(t, complaints(got, whole), "read %d failed, and nothing says so", n)
		for _, g := range got.Groups { // what is there is right
			require.True(t, slices.ContainsFunc(whole.Groups, func(x meta.Group) bool { return x.Addr == g.Addr }), g.Path)
		}
	}
}

// complaints are all errors in a listing that a whole one has not.
func complaints(f, whole *meta.File) (out []string) {
	usual := map[string]bool{"": true}
	note := func(errs ...string) {
		for _, e := range errs {
			if !usual[e] {
				out = append(out, e)
			}
		}
	}
	for _, tree := range []*meta.File{whole, f} {
		for _, g := range tree.Groups {
			note(append(attributeErrors(g.Attrs), g.Err)...)
		}
		for _, d := range tree.Datasets {
			note(append(attributeErrors(d.Attrs), d.Err)...)
		}
		for _, e := range out {
			usual[e] = usual[e] || tree == whole
		}
		if tree == whole {
			out = nil
		}
	}
	return out
}

func attributeErrors(a meta.Attrs) []string {
	out := []string{a.Err}
	for _, x := range a.All {
		out = append(out, x.Err)
	}
	return out
}

// lookupsFail asks for objects that are there while a read fails: they are not said to be absent.
func lookupsFail(t *testing.T, b []byte, whole *meta.File, how faulty) {
	var asked []string
	for _, d := range whole.Datasets {
		asked = append(asked, d.Path)
	}
	for _, g := range whole.Groups {
		asked = append(asked, g.Path)
	}
	for _, path := range asked[:min(3, len(asked))] {
		lookupFails(t, b, path, how)
	}
}

func lookupFails(t *testing.T, b []byte, path string, how faulty) {
	ctx := context.Background()
	for n := int64(1); ; n++ {
		disk, f := openFaulty(t, b)
		disk.set(n, how)
		_, err := f.Dataset(ctx, path)
		asked := disk.reads
		if asked >= n && fault.Of(err) == fault.NotFound { // only where a group or type was asked for and found
			require.True(t, strings.Contains(err.Error(), "not a dataset"), err)
		}
		disk.set(n, how)
		g, err := f.Group(ctx, path)
		asked = max(asked, disk.reads)
		if disk.reads >= n && err == nil {
			require.NotEmpty(t, complaints(&meta.File{Groups: []meta.Group{g}}, &meta.File{}), "%s: read %d failed, and nothing says so", path, n)
		}
		disk.set(n, how)
		_, err = f.Dataset(ctx, path+"/not there")
		asked = max(asked, disk.reads)
		require.Error(t, err)
		if disk.reads >= n {
			require.NotEqual(t, fault.NotFound, fault.Of(err), "%v", err)
		}
		disk.set(n, how)
		names, err := f.Groups(ctx, path)
		asked = max(asked, disk.reads)
		require.False(t, disk.reads >= n && err == nil, "%s: read %d failed: %q", path, n, names)
		if asked < n {
			return
		}
	}
}

// TestLoadErrors: an attribute that is there is never said not to be while a read fails.
func TestLoadErrors(t *testing.T) {
	for name, b := range fixtures(t) {
		whole, err := open(t, b).Tree(context.Background())
		require.NoError(t, err)
		for _, g := range whole.Groups {
			if len(g.Attrs.All) == 0 {
				continue
			}
			want := g.Attrs.All[len(g.Attrs.All)-1]
			for n := int64(1); ; n++ {
				disk, f := openFaulty(t, b)
				disk.set(n, faulty{})
				v, err := f.load(g.Addr, want.Name)
				if disk.reads < n {
					break
				}
				require.True(t, err != nil || string(v) == string(want.Value), "%s %s: %s", name, g.Path, v) // another's type may be what was not read
			}
			break
		}
	}
}

// TestConcurrent asks one file from many goroutines at once.
func TestConcurrent(t *testing.T) {
	for _, name := range []string{"pointing", "dense_attributes", "shared_messages", "cache_image", "compressed_heap", "symbol_table"} {
		f, ctx := open(t, fixtures(t)[name]), context.Background()
		want, err := f.Tree(ctx)
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				got, err := f.Tree(ctx)
				if err != nil || len(got.Groups) != len(want.Groups) {
					t.Errorf("%d groups: %v", len(got.Groups), err)
					return
				}
				for _, g := range got.Groups {
					path, err := f.Name(ctx, g.Addr)
					if path != g.Path || err != nil {
						t.Errorf("%q, not %q: %v", path, g.Path, err)
					}
					for _, a := range g.Attrs.All {
						if v, err := g.Attrs.Load(a.Name); string(v) != string(a.Value) || err != nil {
							t.Errorf("%s, not %s: %v", v, a.Value, err)
						}
					}
					_, _ = f.Group(ctx, g.Path)
					_, _ = f.Groups(ctx, g.Path)
				}
				for _, d := range got.Datasets {
					if _, err := f.Dataset(ctx, d.Path); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
}
