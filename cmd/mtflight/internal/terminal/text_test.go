package terminal

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTextIsHarmless(t *testing.T) {
	require.Equal(t, "a·[31mb·é", Printable("a\x1b[31mb\xffé"))
	require.Equal(t, "abc", Elide("abc", 3))
	require.Equal(t, "ab…", Elide("abcd", 3))
	require.Equal(t, "", Elide("abc", 0))
	require.Equal(t, []string{"one two", "three"}, Broken("one two three", 9))
	require.Equal(t, []string{"abcd", "efgh", "i"}, Broken("abcdefghi", 4))
	require.Equal(t, []string{"日本", "語"}, Broken("日本語", 5))
	require.Equal(t, []string{"日"}, Broken("日", 1))
	require.Equal(t, "  é", Padded("é", 3, true))
	require.Equal(t, 6, Width("日本語"))
	require.Equal(t, "日…", Elide("日本語", 4), "a wide character takes two cells")
	require.Equal(t, "日本 ", Padded("日本", 5, false))
}
