package filter

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

func TestDecodeShort(t *testing.T) {
	data := noise(1024)
	deflated := pipeline(t, 4, Spec{ID: 1, Params: []uint32{6}})
	shuffledToo := pipeline(t, 4, Spec{ID: 2, Params: []uint32{4}}, Spec{ID: 1, Params: []uint32{6}})
	summedToo := pipeline(t, 4, Spec{ID: 1, Params: []uint32{6}}, Spec{ID: 3})
	for name, c := range map[string]struct {
		p   *Pipeline
		src []byte
	}{
		"deflate":           {deflated, zlibbed(t, data)},
		"shuffle, deflate":  {shuffledToo, zlibbed(t, shuffled(data, 4))},
		"deflate, fletcher": {summedToo, summed(zlibbed(t, data))},
		"deflate, long":     {deflated, zlibbed(t, append(data[:1024:1024], noise(500)...))},
		"the bytes needed":  {deflated, zlibbed(t, data[:900])},
		"shuffled, cut":     {shuffledToo, zlibbed(t, shuffled(data[:900], 4))},
		"not a stream":      {summedToo, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewScratch(nil, nil)
			if c.src == nil {
				_, err := c.p.DecodeShort(s, noise(10), 0, 1024, 900)
				require.ErrorIs(t, err, fault.DataLoss)
				return
			}
			r, err := c.p.DecodeShort(s, c.src, 0, 1024, 900)
			require.NoError(t, err)
			require.Zero(t, r.Planes)
			require.Len(t, r.Data, 1024)
			require.Equal(t, data[:900], r.Data[:900])
		})
	}
}

func TestDecodeShortLacksElements(t *testing.T) {
	p := pipeline(t, 4, Spec{ID: 1, Params: []uint32{6}})
	_, err := p.DecodeShort(NewScratch(nil, nil), zlibbed(t, noise(899)), 0, 1024, 900)
	require.ErrorIs(t, err, fault.DataLoss)
	require.ErrorContains(t, err, "899 bytes where 900 of its 1024 are inside the extent")
}
