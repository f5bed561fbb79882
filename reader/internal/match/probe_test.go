package match

import (
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNextSet(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for n := range 70 {
		set := make([]byte, n)
		var want, got []int64
		for i := range set {
			if set[i] = byte(rng.Intn(8) / 7); set[i] != 0 {
				want = append(want, int64(i))
			}
		}
		for i := next(set, 0); i < int64(n); i = next(set, i+1) {
			got = append(got, i)
		}
		require.Equal(t, want, got)
	}
}
