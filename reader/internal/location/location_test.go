package location

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// What lies outside of the roots and what is not there are told in the same words, whatever there is.
func TestOutsideIsAsAbsent(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	root := filepath.Join(top, "root")
	require.NoError(t, os.MkdirAll(filepath.Join(root, "folder"), 0o700))
	for _, name := range []string{"own.h5", "folder/in.h5", "../there.h5"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), nil, 0o600))
	}
	for name, target := range map[string]string{"to_there.h5": top + "/there.h5", "to_none.h5": top + "/none.h5", "loop.h5": "loop.h5", "away": "..", "gone": "../gone", "in.h5": "folder/in.h5"} {
		require.NoError(t, os.Symlink(target, filepath.Join(root, name)))
	}
	l := Location{Path: root + "/own.h5", Inside: func(disk string) bool {
		real, err := filepath.EvalSymlinks(disk)
		return err == nil && strings.HasPrefix(real, root+"/")
	}}
	for _, name := range []string{"folder/in.h5", "in.h5", root + "/folder/in.h5"} {
		got, err := l.Sibling(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, root+"/folder/in.h5", got)
		require.NoError(t, l.MayOpen(t.Context(), name))
	}
	for _, name := range []string{"none.h5", "folder/none.h5", "nofolder/none.h5", "folder/../none.h5"} {
		_, err := l.Sibling(t.Context(), name)
		require.True(t, Absent(err), name)
		require.ErrorContains(t, err, "no such file none.h5: it is not there, or outside what is served")
		require.NoError(t, l.MayOpen(t.Context(), name), name)
	}
	for _, pair := range [][2]string{
		{"../there.h5", "../none.h5"}, {top + "/there.h5", top + "/none.h5"}, {"to_there.h5", "to_none.h5"}, {"away/there.h5", "gone/there.h5"}, {"/etc/passwd", "/none/passwd"},
	} {
		var said []string
		for _, name := range pair {
			_, err := l.Sibling(t.Context(), name)
			require.ErrorIs(t, err, fault.NotFound)
			require.False(t, Absent(err), name)
			may := l.MayOpen(t.Context(), name)
			require.ErrorIs(t, may, fault.Unsupported)
			said = append(said, strings.ReplaceAll(err.Error()+may.Error(), Base(name), "NAME"))
		}
		require.Equal(t, said[0], said[1])
	}
	_, err = l.Sibling(t.Context(), "loop.h5")
	require.ErrorIs(t, err, fault.NotFound)
}

// What somebody may not read and what is not there are told in the same words, also in folders that are not there, behind links and in other roots.
func TestDeniedIsAsAbsent(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	mine, other := filepath.Join(top, "mine"), filepath.Join(top, "other")
	for _, name := range []string{"mine/own.h5", "other/there.h5", "other/folder/there.h5"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(top, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(top, name), nil, 0o600))
	}
	for name, target := range map[string]string{"to_there.h5": other + "/there.h5", "to_none.h5": other + "/none.h5", "to_other": other} {
		require.NoError(t, os.Symlink(target, filepath.Join(mine, name)))
	}
	l := Location{Path: mine + "/own.h5", May: func(_ context.Context, disk string) bool { return strings.HasPrefix(disk, mine+"/") }, Inside: func(disk string) bool {
		real, err := filepath.EvalSymlinks(disk)
		return err == nil && (strings.HasPrefix(real, mine+"/") || strings.HasPrefix(real, other+"/"))
	}}
	said := map[string]string{}
	for _, name := range []string{"../other/there.h5", "../other/none.h5", "../other/folder/there.h5", "../other/folder/none.h5", "../other/no/none.h5", "to_there.h5", "to_none.h5",
		"to_other/there.h5", "to_other/no/there.h5", other, top + "/outside.h5"} {
		_, err := l.Sibling(t.Context(), name)
		require.ErrorIs(t, err, fault.NotFound, name)
		may := l.MayOpen(t.Context(), name)
		require.ErrorIs(t, may, fault.NotFound, name)
		said[strings.ReplaceAll(err.Error()+may.Error(), Base(name), "NAME")] = name
	}
	require.Len(t, said, 1)
}
