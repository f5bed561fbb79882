package parquet

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// A buffer keeps what is in it as it grows, and what is used again is zero.
func TestBuffers(t *testing.T) {
	b := new(buffers)
	for range 3 {
		one := b.Allocate(10)
		for size := 10; size <= 2*large; size *= 2 {
			one = b.Reallocate(size, one)
			require.Len(t, one, size)
			require.Zero(t, bytes.Trim(one[size/2:], "\x00"), size)
			for i := range one {
				one[i] = byte(i)
			}
			require.Equal(t, byte(9), one[9])
		}
		b.Free(one)
	}
	require.NotEmpty(t, b.free)
}
