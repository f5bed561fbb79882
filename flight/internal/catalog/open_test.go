package catalog

import (
	"context"
	"io"
	"io/fs"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// both runs a test with openat2 and without.
func both(t *testing.T, test func(t *testing.T)) {
	t.Run("openat2", test)
	t.Run("stepwise", func(t *testing.T) {
		was := openat2
		defer func() { openat2 = was }()
		openat2 = func(int, string, int) (int, error) { return -1, unix.ENOSYS }
		test(t)
	})
}

func TestOpenBelowRoots(t *testing.T) {
	both(t, func(t *testing.T) {
		outside := tree(t, map[string]string{"secret.h5": "outside", "folder/x.h5": "outside"})
		top := tree(t, map[string]string{"a/b/x.h5": "inside", "one.h5": "inside", "link.h5": "-> TOP/a/b/x.h5", "away": "-> " + outside + "/folder", "in": "-> a/b",
			"self": "-> self", "a/secret.h5": "-> " + outside + "/secret.h5"})
		c, err := New([]string{top, "file=" + outside + "/secret.h5"})
		require.NoError(t, err)
		for _, name := range []string{"a/b/x.h5", "one.h5", "link.h5", "in/x.h5"} {
			loc, err := c.Resolve(context.Background(), filepath.Base(top)+"/"+name)
			require.NoError(t, err, name)
			f, err := loc.Open(loc.Path)
			require.NoError(t, err, name)
			b, err := io.ReadAll(f)
			require.NoError(t, err)
			require.Equal(t, "inside", string(b))
			require.NoError(t, f.Close())
		}
		f, err := c.open(outside + "/secret.h5")
		require.NoError(t, err, "a root that is a file")
		require.NoError(t, f.Close())
		for _, path := range []string{
			top + "/link.h5", top + "/away/x.h5", top + "/in/x.h5", top + "/self", top + "/none", top + "/a/secret.h5", top + "/one.h5/x", top + "/a/../../x",
			outside + "/folder/x.h5", outside, "/etc/passwd", "one.h5", "",
		} {
			_, err := c.open(path)
			require.ErrorIs(t, err, fs.ErrNotExist, path)
		}
		require.True(t, c.leads(top+"/a/b"))
		require.False(t, c.leads(top+"/away"))
		require.False(t, c.leads(outside))
	})
}

// A folder that is a link out of the roots every other moment gives no byte from there, and its files are no others in a listing.
func TestFolderSwappedForALink(t *testing.T) {
	both(t, func(t *testing.T) {
		outside := tree(t, map[string]string{"x.h5": signature + "outside", "secret.h5": signature})
		top := tree(t, map[string]string{"d/x.h5": signature + "inside", "spare": "-> " + outside})
		c, err := New([]string{top})
		require.NoError(t, err)
		var ended atomic.Bool
		swapped := make(chan int)
		go func() {
			n := 0
			for ; !ended.Load(); n++ {
				_ = unix.Renameat2(unix.AT_FDCWD, top+"/d", unix.AT_FDCWD, top+"/spare", unix.RENAME_EXCHANGE)
			}
			swapped <- n
		}()
		inside := 0
		for range 6000 {
			loc, err := c.Resolve(context.Background(), "d/x.h5")
			if err != nil {
				continue
			}
			f, err := loc.Open(loc.Path)
			if err != nil {
				require.ErrorIs(t, err, fs.ErrNotExist)
				continue
			}
			b, err := io.ReadAll(f)
			require.NoError(t, err)
			require.NoError(t, f.Close())
			require.Equal(t, signature+"inside", string(b))
			inside++
		}
		for range 300 {
			require.NoError(t, c.Walk(context.Background(), "", func(e Entry) error {
				require.NotContains(t, e.Name, "secret")
				return nil
			}))
		}
		ended.Store(true)
		require.Positive(t, <-swapped)
		require.Positive(t, inside)
	})
}
