package near

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The wanted lists are what Python's difflib.get_close_matches gives.
func TestNear(t *testing.T) {
	for _, c := range []struct {
		name  string
		names []string
		want  []string
	}{
		{"appel", []string{"ape", "apple", "peach", "puppy"}, []string{"apple", "ape"}},
		{"enrgy", []string{"energy", "time", "energies", "entry"}, []string{"energy", "entry", "energies"}},
		{"x", []string{"y", "z"}, []string{}},
		{"pos/y", []string{"pos/x", "pos/z", "pos", "vel/y"}, []string{"pos/z", "pos/x", "pos"}},
		{"", nil, []string{}},
		{"größe", []string{"grösse", "groß", "groesse"}, []string{"grösse", "groß"}},
	} {
		require.Equal(t, c.want, Near(c.name, c.names), c.name)
	}
}

func TestHint(t *testing.T) {
	require.Empty(t, Hint("x", []string{"y"}))
	require.Equal(t, ` (near: "energy")`, Hint("enrgy", []string{"energy", "t"}))
	require.Equal(t, ` (near: "pos/x")`, Hint("x", []string{"pos/x", "pos/xx", "y"}), "the last part of a path")
	require.Equal(t, ` (near: "a b\n")`, Hint("a b", []string{"a b\n"}), "on one line")
	require.Equal(t, `"/g/a", "/g/b"`, Quoted("/g/", []string{"a", "b"}))
}

func TestNearIsBounded(t *testing.T) {
	long := strings.Repeat("ab", 1<<20)
	require.Empty(t, Near(long, []string{long}))
	require.Empty(t, Near("ab", []string{long}))
}
