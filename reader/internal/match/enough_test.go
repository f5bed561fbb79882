package match

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEnoughNeverTooSoon adds chunks in any order: the places that stay wanted hold the first matches.
func TestEnoughNeverTooSoon(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		limit := 1 + rng.Int64N(40)
		e := newEnough(limit)
		var all, got []int64
		order := rng.Perm(20)
		for _, c := range order {
			first := int64(c) * 10
			var h []int64
			for i := range int64(10) {
				if rng.IntN(3) == 0 {
					h = append(h, first+i)
				}
			}
			all = append(all, h...)
			if len(h) > 0 && !e.reached(first) {
				got = append(got, h...)
				e.add(h)
			}
		}
		slices.Sort(all)
		slices.Sort(got)
		n := min(int(limit), len(all))
		require.Equal(t, all[:n], got[:n])
		if len(all) > n+20 {
			require.True(t, e.reached(all[len(all)-1]))
		}
	}
	require.False(t, newEnough(-1).reached(1<<62))
}
