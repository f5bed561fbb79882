package convert

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert/h5type"
)

// TestStripped holds the words to the definition, byte by byte.
func TestStripped(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	bytesOf := []byte{0, 0, 1, ' ', ' ', 0x7f, 0x80, 0xff}
	for size := range 40 {
		for range 300 {
			v := make([]byte, size)
			for i := range v {
				v[i] = bytesOf[r.IntN(len(bytesOf))]
			}
			if n := r.IntN(size + 1); size > 0 {
				copy(v[n:], bytes.Repeat([]byte{[]byte{0, ' '}[r.IntN(2)]}, size))
			}
			first := bytes.IndexByte(v, 0)
			if first < 0 {
				first = size
			}
			require.Equal(t, first, stripped(v, h5type.NullTerm), "%q", v)
			require.Len(t, bytes.TrimRight(v, "\x00"), stripped(v, h5type.NullPad), "%q", v)
			require.Len(t, bytes.TrimRight(bytes.TrimRight(v, "\x00"), " "), stripped(v, h5type.SpacePad), "%q", v)
		}
	}
}

func TestMoveDown(t *testing.T) {
	for size := 1; size < 20; size++ {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			all := make([]byte, 5*size)
			for i := range all {
				all[i] = byte(i + 1)
			}
			before := bytes.Clone(all)
			want := []byte{}
			for i := range 5 {
				n := i * size / 5
				end := len(want)
				want = append(want, before[i*size:i*size+n]...)
				moveDown(all, end, i*size, size, n)
				require.Equal(t, before[(i+1)*size:], all[(i+1)*size:], "what is still to be moved")
			}
			require.Equal(t, want, all[:len(want)])
		})
	}
}
