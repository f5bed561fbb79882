package reader

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

// TestLimitEndsReading counts what is decoded for a limit that the first chunks satisfy.
func TestLimitEndsReading(t *testing.T) {
	withStats(t, clustered(t), Config{Workers: 1}, func(f *File) {
		d := frameOf(t, f, "/wide")
		for limit, most := range map[int64]int64{0: 0, 3: 1, 40_000: 2} {
			r := ask("wide >= 0")
			r.Limit, r.Index = &limit, IndexOff
			rows, chunks := loads(t, d, r)
			require.Equal(t, limit, rows)
			require.Equal(t, most, chunks, "of 64, each of which is a task")
		}
		rows, chunks := loads(t, d, ask("wide >= 0"))
		require.EqualValues(t, 64<<15, rows)
		require.EqualValues(t, 64, chunks)
	})
}
