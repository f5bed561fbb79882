package filter

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/cputime"
)

// TestChunkMuchLargerThanItsArray: a few bytes of a header may claim two thousand million blocks, of which one has data.
func TestChunkMuchLargerThanItsArray(t *testing.T) {
	for _, block := range []int{1, 7} {
		a := b2nd{shape: []int{2, 3}, chunk: []int{2, math.MaxInt32 / 2 / block * block}, block: []int{2, block}}
		f := &frame2{typesize: 1, chunksize: a.chunk[1] * 2}
		require.NoError(t, a.derive(f))
		c := bloscChunk{special: specialValue, data: []byte{9}, nbytes: f.chunksize, typesize: 1}
		dst := make([]byte, 6)
		s := NewScratch(func(n int) []byte { return make([]byte, n) }, func([]byte) {})
		stop := cputime.Below(t, time.Minute)
		require.NoError(t, a.decodeChunk(s, dst, &c, 2*block, []int{0, 0}))
		stop()
		s.Release()
		require.Equal(t, []byte{9, 9, 9, 9, 9, 9}, dst)
	}
}
