package filter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestElements takes parts of shuffled elements, over groups, as unshuffling all of them gives them.
func TestElements(t *testing.T) {
	for _, o := range []struct{ planes, elem, n int }{{7, 4, 7}, {5, 8, 13}, {3, 1, 4}, {6, 3, 12}} {
		r := Result{Data: make([]byte, o.n*o.elem), Planes: o.planes, Elem: o.elem}
		for i := range r.Data {
			r.Data[i] = byte(7*i + 3)
		}
		all := Unshuffle(NewScratch(nil, nil), r).Data
		for first := range o.n {
			for n := range o.n - first + 1 {
				part := make([]byte, n*o.elem)
				r.Elements(part, first, n)
				require.Equal(t, all[first*o.elem:(first+n)*o.elem], part)
			}
		}
	}
}

// TestBuffers holds how many chunks' worth of memory the pipelines of large chunks take.
func TestBuffers(t *testing.T) {
	const n = 64 << 20
	deflate, shuffle, sum, lzf := Spec{ID: 1}, Spec{ID: 2, Params: []uint32{4}}, Spec{ID: 3}, Spec{ID: 32000}
	for _, o := range []struct {
		specs []Spec
		most  int
	}{
		{[]Spec{deflate}, n}, {[]Spec{shuffle, deflate}, n}, {[]Spec{shuffle, deflate, sum}, n}, {[]Spec{sum}, 0},
		{[]Spec{deflate, shuffle}, n + 2*n + 64<<10}, {[]Spec{lzf, deflate}, n + 2*n + 64<<10}, {[]Spec{{ID: 32001}}, n + innerBlocks},
	} {
		p, err := New(o.specs, 4)
		require.NoError(t, err)
		total := 0
		for _, b := range p.Buffers(n, 4) {
			total += b
		}
		require.LessOrEqual(t, total, o.most, "%v", o.specs)
	}
}
