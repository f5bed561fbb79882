package catalog

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/identity"
	"github.com/mtflight/mtflight/internal/objectstore/storetest"
	"github.com/mtflight/mtflight/reader"
)

func bucket(t *testing.T) *storetest.Server {
	s := storetest.New(t)
	for _, key := range []string{"a/1.h5", "a/2.nc", "a/b/3 +ä.h5", "a/b/notes.txt", "a/b//4.h5", "ab.h5", "secret.h5"} {
		s.Put(key, []byte(signature))
	}
	return s
}

func TestStoredRoots(t *testing.T) {
	s := bucket(t)
	local := tree(t, map[string]string{"x.h5": signature})
	c, err := New([]string{s.Root("a"), "one=" + s.Root("ab.h5"), "disk=" + local})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "one", "disk"}, c.Roots())
	ok, bad := names(t, c, "")
	require.Equal(t, []string{"a/1.h5", "a/2.nc", "a/b/3 +ä.h5", "one", "disk/x.h5"}, ok)
	require.Empty(t, bad)
	for glob, want := range map[string][]string{"a/b/*": {"a/b/3 +ä.h5"}, "a/1.h5": {"a/1.h5"}, "a/none.h5": nil, "o*": {"one"}, "[a]/*.nc": {"a/2.nc"}, "secret*": nil} {
		ok, _ = names(t, c, glob)
		require.Equal(t, want, ok, glob)
	}
	loc, err := c.Resolve(t.Context(), "a/b/3 +ä.h5")
	require.NoError(t, err)
	require.NotNil(t, loc.Store)
	require.Equal(t, "a/1.h5", loc.NameOf(strings.TrimSuffix(loc.Path, "b/3 +ä.h5")+"1.h5"))
	for _, name := range []string{"a/../secret.h5", "a/b//4.h5", "a//1.h5", "a/./1.h5", "a", "a/", "one/x", "secret.h5", "/s3:/x", "s3://data/secret.h5", loc.Path, s.Root("secret.h5"), "disk/../a/1.h5", "a/\x00"} {
		_, err := c.Resolve(t.Context(), name)
		require.ErrorIs(t, err, fault.NotFound, name)
	}
	for pattern, want := range map[string]int{"a/*.h5": 2, "a/b/3*": 1, "a/*": 3} {
		files, many, err := c.Files(t.Context(), reader.Request{File: pattern})
		require.NoError(t, err)
		require.True(t, many)
		require.Len(t, files, want)
	}
	s.Put("a/st*r.h5", []byte(signature))
	_, many, err := c.Files(t.Context(), reader.Request{File: "a/st*r.h5"})
	require.NoError(t, err)
	require.False(t, many, "a file's name comes first")
	require.NotContains(t, c.Scrub("cannot read "+loc.Path), "/s3:/")
}

// TestStoredLinks: files that a file of a store names lie below the same root.
func TestStoredLinks(t *testing.T) {
	s := bucket(t)
	c, err := New([]string{s.Root("a"), "two=" + s.Root("ab.h5")})
	require.NoError(t, err)
	loc, err := c.Resolve(t.Context(), "a/1.h5")
	require.NoError(t, err)
	beside, err := loc.Beside(t.Context(), "b/3 +ä.h5")
	require.NoError(t, err)
	require.Equal(t, "a/b/3 +ä.h5", beside.Name)
	require.NoError(t, loc.MayOpen(t.Context(), "b/none.h5"))
	for _, name := range []string{"../secret.h5", "../ab.h5", "b/none.h5", "/etc/passwd", "/a/2.nc", "s3://data/secret.h5", "../../../x", "b//4.h5/../../../secret.h5"} {
		_, err := loc.Sibling(t.Context(), name)
		require.ErrorIs(t, err, fault.NotFound, name)
	}
	require.Error(t, loc.MayOpen(t.Context(), "../secret.h5"))
}

func TestStoredRules(t *testing.T) {
	s := bucket(t)
	c, err := New([]string{s.Root("a")})
	require.NoError(t, err)
	c.Under(func() Rules { return only("1.h5") })
	ok, _ := names(t, c, "")
	require.Equal(t, []string{"1.h5"}, ok)
	_, err = c.Resolve(t.Context(), "2.nc")
	require.ErrorIs(t, err, fault.NotFound)
	loc, err := c.Resolve(t.Context(), "1.h5")
	require.NoError(t, err)
	_, err = loc.Sibling(t.Context(), "2.nc")
	require.ErrorIs(t, err, fault.NotFound)
}

// only is rules that give everybody one file.
type only string

func (o only) Allows(_ identity.Identity, _, name string) bool { return name == string(o) }

func (o only) Reach(identity.Identity, string, string) (some, all bool) { return true, false }

func TestStoresThatAreNotThere(t *testing.T) {
	s := bucket(t)
	for _, key := range []string{"none", "a/1.h5/x"} {
		_, err := New([]string{s.Root(key)})
		require.ErrorIs(t, err, fault.NotFound, key)
	}
	_, err := New([]string{"s3://data/a?secret=x"})
	require.ErrorIs(t, err, fault.Invalid)
	require.NotContains(t, err.Error(), "secret")
	c, err := New([]string{s.Root("a")})
	require.NoError(t, err)
	s.Fail(func(*http.Request) storetest.Fault { return storetest.Wrong })
	_, bad := names(t, c, "")
	require.Equal(t, []string{"."}, bad, "a listing that is not whole says so")
	_, bad = names(t, c, "1.h5")
	require.Equal(t, []string{"1.h5"}, bad)
	_, err = New([]string{s.Root("a")})
	require.ErrorIs(t, err, fault.Denied)
	require.NoError(t, context.Cause(t.Context()))
}
