package glob

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNatural(t *testing.T) {
	want := []string{"", "run", "run1.h5", "run01.h5", "run2.h5", "run10.h5", "run10/2.h5", "run10/10.h5", "run99999999999999999999998.h5", "run99999999999999999999999.h5", "run_1", "runs"}
	got := slices.Clone(want)
	for seed := range uint64(50) {
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(got), func(i, j int) { got[i], got[j] = got[j], got[i] })
		slices.SortFunc(got, Natural)
		slices.Sort(got[2:4]) // 1 and 01 are worth the same
		require.ElementsMatch(t, want[2:4], got[2:4])
		require.Equal(t, want[4:], got[4:])
	}
}

func TestPattern(t *testing.T) {
	for name, want := range map[string]string{"a.h5": "", "a*": "a*", `a\*`: "", `a\**`: "a[*]*", `\[1\]?`: `[[]1\]?`, `caf\xe9*`: `caf\xe9*`, "": ""} {
		glob, is := Pattern(name)
		require.Equal(t, want != "", is, name)
		if is {
			require.Equal(t, want, glob)
		}
	}
	glob, is := Pattern(`a\*[1-3]`)
	require.True(t, is)
	require.True(t, New(glob).Match("a*2"))
	require.False(t, New(glob).Match("ab2"))
}
