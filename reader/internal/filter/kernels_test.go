package filter

import (
	"bytes"
	"encoding/binary"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"
)

// The kernels are held here to the plainest code that does the same.

func bitShuffled(data []byte, w int) []byte {
	n := len(data) / w
	out := make([]byte, len(data))
	for i := range n {
		for k := range w {
			for b := range 8 {
				out[(8*k+b)*(n/8)+i/8] |= data[i*w+k] >> b & 1 << (i % 8)
			}
		}
	}
	return out
}

func TestBitUnshuffle(t *testing.T) {
	for _, w := range []int{1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 33, 255} {
		for _, n := range []int{0, 8, 16, 24, 120, 128, 136, 264, 1000} {
			data := noise(n * w)
			for name, f := range map[string]func(dst, src, tmp []byte, w int){"C": bitUnshuffle, "Go": bitUnshuffleGo} {
				got := dirty(len(data))
				f(got, bitShuffled(data, w), dirty(len(data)), w)
				require.True(t, bytes.Equal(data, got), "%s: %d elements of %d bytes", name, n, w)
			}
		}
	}
}

// FuzzPlanes compares the kernels in C with those in Go, with guards around the output.
func FuzzPlanes(f *testing.F) {
	for _, w := range []uint16{1, 2, 3, 4, 6, 8, 12, 13, 16, 20, 64, 300} {
		f.Add(noise(int(w)*37+5), w)
		f.Add(noise(int(w)*16), w)
	}
	f.Fuzz(func(t *testing.T, src []byte, width uint16) {
		w := max(1, int(width))
		got, want := dirty(len(src)+64), dirty(len(src)+64)
		inner := func(b []byte, n int) []byte { return b[32 : 32+n : 32+n] }
		unshuffle(inner(got, len(src)), src, w)
		unshuffleGo(inner(want, len(src)), src, w)
		require.True(t, bytes.Equal(want, got), "unshuffle")
		n := len(src) / w &^ 7 * w
		bitUnshuffle(inner(got, n), src[:n], dirty(n), w)
		bitUnshuffleGo(inner(want, n), src[:n], dirty(n), w)
		require.True(t, bytes.Equal(want, got), "bitUnshuffle")
	})
}

func TestCopyMatch(t *testing.T) {
	for dist := 1; dist <= 40; dist++ {
		for n := range 70 {
			for _, room := range []int{0, 1, 15, 16, 17, 64} { // bytes after the match
				got := append(noise(dist), dirty(n+room)...)
				want := bytes.Clone(got)
				for i := range n {
					want[dist+i] = want[i]
				}
				copyMatch(got, dist, dist, n)
				require.Equal(t, want[:dist+n], got[:dist+n], "%d bytes from %d before, %d after", n, dist, room)
				if room > 16 {
					require.Equal(t, want[dist+n+15:], got[dist+n+15:], "%d bytes from %d before", n, dist)
				}
			}
		}
	}
}

func TestBitReaderFill(t *testing.T) {
	src := noise(200)
	for n := range 64 {
		for skip := range 9 {
			plain, fast := bitReader{src: src, pos: skip}, bitReader{src: src, pos: skip}
			got := make([]uint64, min(300, (1600-skip)/max(n, 1)))
			fast.fill(got[:len(got)/2], n)
			fast.fill(got[len(got)/2:], n)
			for i := range got {
				require.Equal(t, plain.read64(n), got[i], "value %d of %d bits after %d", i, n, skip)
			}
			require.Equal(t, plain.pos, fast.pos)
		}
	}
}

// plainFletcher32 follows H5_checksum_fletcher32 word by word.
func plainFletcher32(data []byte) uint32 {
	var a, b uint32
	for i := 0; i < len(data); i += 2 {
		word := [2]byte{}
		copy(word[:], data[i:])
		a += uint32(binary.BigEndian.Uint16(word[:]))
		b += a
		a, b = a&0xffff+a>>16, b&0xffff+b>>16
	}
	a, b = a&0xffff+a>>16, b&0xffff+b>>16
	return b<<16 | a
}

func TestFletcher32Sum(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	for n := range 5000 {
		data := make([]byte, n)
		switch n % 3 {
		case 0:
			random.Read(data)
		case 1: // the greatest sums
			for i := range data {
				data[i] = 0xff
			}
		case 2: // one word only: what folds to 0xffff must not become 0
			if n > 1 {
				data[n/2&^1], data[n/2&^1+1] = 0xff, 0xff
			}
		}
		require.Equal(t, plainFletcher32(data), fletcher32Sum(data), "%d bytes", n)
	}
}
