package glob

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		glob, name string
		want       bool
	}{
		{"", "a", true}, {"*", "a/b", true}, {"*.h5", "a/b.h5", true}, {"**/*.h5", "a/b.h5", true}, {"**/*.h5", "b.h5", false},
		{"a?c", "abc", true}, {"a?c", "ac", false}, {"a?c", "a/c", true}, {"[ab]*", "bcd", true}, {"[!ab]*", "bcd", false}, {"[!ab]*", "cd", true},
		{"[a-c]x", "bx", true}, {"[a-c]x", "dx", false}, {"[]]", "]", true}, {"[!]]", "]", false}, {"[a-]", "-", true}, {"[", "[", true}, {"[a", "[a", true},
		{"[*]", "*", true}, {"[*]", "a", false}, {"ü?", "üé", true}, {"a*b*c", "a1b2b3c", true}, {"a*b*c", "a1b2b3", false}, {"a", "A", false},
		{strings.Repeat("*a", 50), strings.Repeat("a", 2000) + "b", false}, {"a\\*", "a*", false}, {"a**", "a", true}, {"a", "", false},
	} {
		require.Equal(t, c.want, New(c.glob).Match(c.name), "%s %s", c.glob, c.name)
	}
}

// However long a glob is, taking it apart reads it once, and matching takes what the name does.
func TestGlobsWithoutAnEnd(t *testing.T) {
	const long = 1 << 20
	for _, glob := range []string{strings.Repeat("[", long), "*" + strings.Repeat("[", long), strings.Repeat("[a", long/2) + "]", strings.Repeat("[!", long/2),
		"*[" + strings.Repeat("ab", long/2) + "]x", strings.Repeat("*", long), strings.Repeat("*a", long/2)} {
		g := New(glob)
		require.LessOrEqual(t, len(g.items), long+1)
		for _, s := range g.sets {
			require.LessOrEqual(t, len(s.ranges), 3)
		}
		for range 1000 {
			require.False(t, g.Match(strings.Repeat("d", 500)) && !strings.HasPrefix(glob, "**"))
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("a*[!b-d]?", "axxe")
	f.Add("[", "[]")
	f.Add("[!", "!")
	f.Fuzz(func(t *testing.T, glob, name string) {
		New(glob).Match(name)
		require.True(t, New("*").Match(name))
	})
}
