package catalog

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

const signature = "\x89HDF\r\n\x1a\n"

// tree makes files below a new directory; a value of "-> x" makes a symbolic link to x.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	top, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for name, content := range files {
		p := filepath.Join(top, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			require.NoError(t, os.Symlink(strings.ReplaceAll(target, "TOP", top), p))
		} else {
			require.NoError(t, os.WriteFile(p, []byte(content), 0o644))
		}
	}
	return top
}

func names(t *testing.T, c *Catalog, glob string) (ok, bad []string) {
	t.Helper()
	require.NoError(t, c.Walk(context.Background(), glob, func(e Entry) error {
		if e.Err != nil {
			bad = append(bad, e.Name)
		} else {
			ok = append(ok, e.Name)
		}
		return nil
	}))
	return ok, bad
}

func TestResolve(t *testing.T) {
	outside := tree(t, map[string]string{"secret.h5": signature})
	top := tree(t, map[string]string{
		"run/events.h5": signature, "run/in.h5": "-> events.h5", "run/out.h5": "-> " + outside + "/secret.h5", "run/.hidden/x.h5": signature,
		"away": "-> " + outside, "here": "-> run", "run/loop.h5": "-> loop.h5", "run/events.h5a": "-> nowhere",
	})
	require.NoError(t, syscall.Mkfifo(filepath.Join(top, "run/event.h5b"), 0o600))
	c, err := New([]string{top})
	require.NoError(t, err)
	for name, path := range map[string]string{
		"run/events.h5": "run/events.h5", "run/in.h5": "run/events.h5", "./run//events.h5": "run/events.h5", "here/events.h5": "run/events.h5",
		"run/.hidden/x.h5": "run/.hidden/x.h5",
	} {
		loc, err := c.Resolve(context.Background(), name)
		require.NoError(t, err, name)
		require.Equal(t, filepath.Join(top, path), loc.Path)
		require.Equal(t, name, loc.Name)
		require.True(t, loc.Inside(loc.Path))
		require.Equal(t, path, loc.NameOf(loc.Path))
		require.False(t, loc.Inside(outside+"/secret.h5"))
		require.Equal(t, "secret.h5", loc.NameOf(outside+"/secret.h5"))
	}
	for _, name := range []string{
		"", ".", "run", "run/", "../" + filepath.Base(top) + "/run/events.h5", "run/../run/events.h5", "/etc/passwd", top + "/run/events.h5",
		"run/events.h5/x", "run/events.h5/../../x", "x\x00run/events.h5", "run/events.h5\x00", "~/run/events.h5", "file:///etc/passwd", "run/out.h5", "away/secret.h5", "run/loop.h5",
		strings.Repeat("a/", 100_000), strings.Repeat("x", 100_000),
	} {
		_, err := c.Resolve(context.Background(), name)
		require.ErrorIs(t, err, fault.NotFound, "%.100q", name)
		require.NotContains(t, strings.Replace(err.Error(), name, "", 1), top)
		require.NotContains(t, err.Error(), outside)
		require.Less(t, len(err.Error()), 1000)
	}
	_, err = c.Resolve(context.Background(), "run/event.h5")
	require.EqualError(t, err, `no such file "run/event.h5" (near: "run/events.h5")`, "what is no file of the root is not meant")
	_, err = c.Resolve(context.Background(), "/run/events.h5")
	require.NotContains(t, err.Error(), "near")
	_, err = c.Resolve(context.Background(), "rum/events.h5")
	require.ErrorContains(t, err, `(near: "run/events.h5")`)
	_, err = c.Resolve(context.Background(), "away/secre.h5")
	require.NotContains(t, err.Error(), "secret.h5")
}

func TestRoots(t *testing.T) {
	top := tree(t, map[string]string{"a/x.h5": signature, "b/x.h5": signature, "c.h5": signature, "k=v/y.h5": signature})
	c, err := New([]string{top + "/a", "two=" + top + "/b", top + "/c.h5", top + "/k=v"})
	require.NoError(t, err)
	ok, _ := names(t, c, "")
	require.Equal(t, []string{"a/x.h5", "two/x.h5", "c.h5", "k=v/y.h5"}, ok)
	ok, _ = names(t, c, "t*")
	require.Equal(t, []string{"two/x.h5"}, ok)
	for _, name := range []string{"a/x.h5", "two/x.h5", "c.h5"} {
		loc, err := c.Resolve(context.Background(), name)
		require.NoError(t, err)
		require.Equal(t, name, c.NameOf(loc.Path))
	}
	for _, name := range []string{"x.h5", "b/x.h5", "c.h5/x", "a"} {
		_, err := c.Resolve(context.Background(), name)
		require.ErrorIs(t, err, fault.NotFound)
	}
	require.Equal(t, "open a/x.h5: denied", c.Scrub("open "+top+"/a/x.h5: denied"))

	one, err := New([]string{top + "/c.h5"})
	require.NoError(t, err)
	loc, err := one.Resolve(context.Background(), "c.h5")
	require.NoError(t, err)
	require.False(t, loc.Inside(top+"/a/x.h5"))

	for _, k := range []struct {
		specs []string
		kind  fault.Kind
		says  string
	}{
		{nil, fault.Invalid, "nothing to serve"},
		{[]string{""}, fault.Invalid, `cannot serve ""`},
		{[]string{"z="}, fault.Invalid, `cannot serve "z="`},
		{[]string{top + "/none"}, fault.NotFound, "cannot serve " + top + "/none: no such file or directory: check the path"},
		{[]string{"z=" + top + "/none"}, fault.NotFound, "none: no such file"},
		{[]string{top + "/c.h5/x"}, fault.NotFound, "not a directory"},
		{[]string{"..=" + top}, fault.Invalid, "cannot be called ..: give it a name, as in name=" + top},
		{[]string{top, "/"}, fault.Invalid, "cannot be called /"},
		{[]string{"/dev/null"}, fault.Invalid, "neither a directory nor a file"},
		{[]string{top + "/a", top + "/a"}, fault.Invalid, "leave one out"},
	} {
		_, err := New(k.specs)
		require.ErrorIs(t, err, k.kind)
		require.ErrorContains(t, err, k.says)
	}
	_, err = New([]string{top + "/a", "a=" + top + "/b"})
	require.ErrorContains(t, err, "name=")
}

// Names are any bytes: they have one spelling in listings, in requests and in near matches.
func TestSpelledNames(t *testing.T) {
	top := tree(t, map[string]string{
		"r\xe9/caf\xe9.h5": signature, "r\xe9/caf\xe8.h5": signature, `r\xe9/caf\xe9.h5`: signature, `r/back\slash.h5`: signature, `r\xe9/..x2f`: signature,
	})
	c, err := New([]string{top})
	require.NoError(t, err)
	ok, bad := names(t, c, "")
	require.Empty(t, bad)
	require.ElementsMatch(t, []string{`r\xe9/caf\xe9.h5`, `r\xe9/caf\xe8.h5`, `r\x5cxe9/caf\x5cxe9.h5`, `r/back\slash.h5`, `r\x5cxe9/..x2f`}, ok)
	for _, name := range ok {
		loc, err := c.Resolve(context.Background(), name)
		require.NoError(t, err, name)
		require.Equal(t, name, c.NameOf(loc.Path))
		require.Equal(t, name, loc.Name)
		one, _ := names(t, c, name)
		require.Equal(t, []string{name}, one)
	}
	first, err := c.Resolve(context.Background(), ok[0])
	require.NoError(t, err)
	second, err := c.Resolve(context.Background(), ok[1])
	require.NoError(t, err)
	require.NotEqual(t, first.Path, second.Path)
	some, _ := names(t, c, `r\xe9/*`)
	require.ElementsMatch(t, []string{`r\xe9/caf\xe9.h5`, `r\xe9/caf\xe8.h5`}, some)
	some, _ = names(t, c, `*caf\xe?.h5`)
	require.ElementsMatch(t, []string{`r\xe9/caf\xe9.h5`, `r\xe9/caf\xe8.h5`}, some)

	_, err = c.Resolve(context.Background(), `r\xe9/caf\xea.h5`)
	require.EqualError(t, err, `no such file "r\xe9/caf\xea.h5" (near: "r\xe9/caf\xe9.h5", "r\xe9/caf\xe8.h5")`)
	_, err = c.Resolve(context.Background(), `r\xe8/caf\xe9.h5`)
	require.ErrorContains(t, err, `(near: "r\xe9/caf\xe9.h5"`)
	for _, name := range []string{`\x2e\x2e/x`, `r\x2fback\slash.h5`, `\x2f`, `r\x00`} {
		_, err := c.Resolve(context.Background(), name)
		require.ErrorIs(t, err, fault.NotFound)
	}

	roots, err := New([]string{top + "/r\xe9", top + "/r", "caf\xe9=" + top + `/r\xe9`})
	require.NoError(t, err)
	ok, _ = names(t, roots, "")
	require.ElementsMatch(t, []string{`r\xe9/caf\xe9.h5`, `r\xe9/caf\xe8.h5`, `r/back\slash.h5`, `caf\xe9/caf\x5cxe9.h5`, `caf\xe9/..x2f`}, ok)
	for _, name := range ok {
		_, err := roots.Resolve(context.Background(), name)
		require.NoError(t, err, name)
	}
	require.Equal(t, `open r\xe9/x: denied`, roots.Scrub("open "+top+"/r\xe9/x: denied"))
}

func TestWalk(t *testing.T) {
	outside := tree(t, map[string]string{"secret.h5": signature})
	top := tree(t, map[string]string{
		"a.dat": signature, "b.h5": "not", "c.txt": "not", "d/userblock": strings.Repeat("x", 1024) + signature, "d/odd": strings.Repeat("x", 600) + signature,
		"e.h5": "", "in.h5": "-> a.dat", "out.h5": "-> " + outside + "/secret.h5", "dir.h5/x": signature, "bad\xff.h5": signature, "loop": "-> TOP",
	})
	require.NoError(t, os.Mkdir(filepath.Join(top, "closed"), 0))
	c, err := New([]string{top})
	require.NoError(t, err)
	ok, bad := names(t, c, "")
	require.Equal(t, []string{"a.dat", `bad\xff.h5`, "d/userblock", "dir.h5/x", "in.h5"}, ok)
	require.Equal(t, []string{"b.h5", "e.h5"}, bad)
	ok, bad = names(t, c, "d/*")
	require.Equal(t, []string{"d/userblock"}, ok)
	require.Empty(t, bad)
	ok, _ = names(t, c, "a.dat")
	require.Equal(t, []string{"a.dat"}, ok)
	for _, glob := range []string{"no/such/file.h5", "../*", "..", "/etc/passwd"} {
		ok, bad = names(t, c, glob)
		require.Empty(t, append(ok, bad...))
	}

	stop := errors.New("stop")
	require.ErrorIs(t, c.Walk(context.Background(), "", func(Entry) error { return stop }), stop)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, c.Walk(ctx, "", func(Entry) error { return nil }), context.Canceled)
}

// A directory that is closed is told, for its files are missing; so is a file.
func TestWalkTellsWhatIsClosed(t *testing.T) {
	top := tree(t, map[string]string{"a.h5": signature, "closed/b.h5": signature, "shut.h5": signature, "z.h5": signature, "run7": signature})
	shut := filepath.Join(top, "shut.h5")
	require.NoError(t, os.Chmod(filepath.Join(top, "closed"), 0o700))
	require.NoError(t, os.Chmod(shut, 0))
	require.NoError(t, os.Chmod(filepath.Join(top, "run7"), 0)) // which a listing takes for none
	c, err := New([]string{top})
	require.NoError(t, err)
	for _, dir := range []string{filepath.Dir(top), top} {
		require.NoError(t, os.Chmod(dir, 0o755))
	}
	if os.Geteuid() == 0 { // this thread is somebody else's for files
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		_, err := unix.SetfsuidRetUid(65534)
		require.NoError(t, err)
		defer func() { _, _ = unix.SetfsuidRetUid(0) }()
	} else {
		require.NoError(t, os.Chmod(filepath.Join(top, "closed"), 0))
		defer func() { _ = os.Chmod(filepath.Join(top, "closed"), 0o700) }()
	}
	_, _, err = c.Files(t.Context(), reader.Request{File: "run*"})
	require.ErrorIs(t, err, fault.Denied) // what a pattern names is not left out
	for glob, want := range map[string][]string{"": {"closed", "shut.h5"}, "c*": {"closed"}, "closed/b*": {"closed"}, "a*": nil} {
		_, bad := names(t, c, glob)
		require.Equal(t, want, bad, glob)
		_, _, err := c.Files(t.Context(), reader.Request{File: cmp.Or(glob, "*")})
		require.Equal(t, want != nil, err != nil, glob)
	}
	_, err = Look(shut)
	require.ErrorIs(t, err, fault.Denied)
	require.EqualError(t, err, "cannot be read: permission denied: make it readable")
}
