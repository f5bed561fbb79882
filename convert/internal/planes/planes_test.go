package planes

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

const guard = 0xa5

// guarded gives n bytes with guard bytes before and behind, and a function that checks those. The slice's capacity
// ends at its length.
func guarded(t testing.TB, n int) ([]byte, func()) {
	const margin = 64
	whole := make([]byte, n+2*margin)
	for i := range whole {
		whole[i] = guard
	}
	return whole[margin : margin+n : margin+n], func() {
		t.Helper()
		for i, b := range whole {
			if (i < margin || i >= margin+n) && b != guard {
				t.Fatalf("byte %d of a slice of %d bytes was written", i-margin, n)
			}
		}
	}
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

type interleaving struct {
	total, first, n, off, width, gap int
	reverse                          bool
}

// check compares Interleave and the pure Go kernels with the definition, and looks at every byte around.
func (c interleaving) check(t testing.TB, planes []byte) {
	t.Helper()
	stride := c.width + c.gap
	size := 0
	if c.n > 0 {
		size = (c.n-1)*stride + c.width
	}
	want, _ := guarded(t, size)
	for i := range c.n {
		for k := range c.width {
			plane := c.off + k
			if c.reverse {
				plane = c.off + c.width - 1 - k
			}
			want[i*stride+k] = planes[plane*c.total+c.first+i]
		}
	}
	got, intact := guarded(t, size)
	Interleave(got, stride, planes, c.total, c.first, c.n, c.off, c.width, c.reverse)
	require.Equal(t, want, got, "%+v", c) // gaps still hold guard bytes
	intact()

	for width, twin := range map[int]kernel{2: go2, 4: go4, 8: go8} {
		if width != c.width || c.n == 0 {
			continue
		}
		start, pitch := c.off*c.total+c.first, c.total
		if c.reverse {
			start, pitch = start+(width-1)*c.total, -c.total
		}
		got, intact := guarded(t, size)
		done := twin(got, stride, planes, start, pitch, c.n)
		require.Equal(t, c.n&^7, done)
		if done > 0 {
			bytes := (done-1)*stride + width
			require.Equal(t, want[:bytes], got[:bytes], "pure Go, %+v", c)
		}
		intact()
	}
}

func TestInterleave(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, width := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 17, 22, 24, 31, 64} {
		for _, n := range []int{0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 1000, 9001} {
			first, behind, off := r.IntN(20), r.IntN(20), r.IntN(5)
			total := first + n + behind
			planes := random(r, (off+width)*total)
			for _, gap := range []int{0, 1, 8, 13} {
				interleaving{total, first, n, off, width, gap, false}.check(t, planes)
				interleaving{total, first, n, off, width, gap, true}.check(t, planes)
			}
		}
	}
}

// TestInterleavePartOfPlanes: inflating may have stopped behind the last value needed.
func TestInterleavePartOfPlanes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const total, first, n, off, width = 100, 10, 40, 3, 8
	planes := random(r, (off+width-1)*total+first+n)
	interleaving{total, first, n, off, width, 0, false}.check(t, planes)
	interleaving{total, first, n, off, width, 0, true}.check(t, planes)
	require.Panics(t, func() {
		Interleave(make([]byte, n*width), width, planes[:len(planes)-1], total, first, n, off, width, false)
	})
}

func TestArgumentsPanic(t *testing.T) {
	dst, src := make([]byte, 100), make([]byte, 100)
	huge := int(^uint(0) >> 1)
	for name, f := range map[string]func(){
		"n":              func() { Interleave(dst, 4, src, 25, 0, -1, 0, 4, false) },
		"first":          func() { Interleave(dst, 4, src, 25, -1, 2, 0, 4, false) },
		"first + n":      func() { Interleave(dst, 4, src, 25, 24, 2, 0, 4, false) },
		"huge first":     func() { Interleave(dst, 4, src, 25, huge, 2, 0, 4, false) },
		"plane":          func() { Interleave(dst, 4, src, 25, 0, 25, 1, 4, false) },
		"huge plane":     func() { Interleave(dst, 4, src, 25, 0, 25, huge, 4, false) },
		"huge width":     func() { Interleave(dst, huge, src, 25, 0, 25, 4, huge, false) },
		"huge total":     func() { Interleave(dst, 4, src, huge, 0, 2, 1, 4, false) },
		"dst":            func() { Interleave(dst, 5, src, 25, 0, 25, 0, 4, false) },
		"dst too short":  func() { Interleave(dst[:3], 4, src, 25, 0, 1, 0, 4, false) },
		"stride":         func() { Interleave(dst, 3, src, 25, 0, 2, 0, 4, false) },
		"strided src":    func() { Strided(dst, src, 20, 17, 4, 5, false) },
		"strided dst":    func() { Strided(dst[:19], src, 20, 16, 4, 5, false) },
		"strided off":    func() { Strided(dst, src, 20, huge, 4, 5, false) },
		"strided n":      func() { Strided(dst, src, 20, 0, 4, -5, false) },
		"strided stride": func() { Strided(dst, src, -20, 80, 4, 2, false) },
	} {
		require.Panics(t, f, name)
	}
	require.Equal(t, make([]byte, 100), dst)
}

func checkStrided(t testing.TB, src []byte, stride, off, width, n int, reverse bool) {
	t.Helper()
	want := make([]byte, 0, n*width)
	for i := range n {
		for k := range width {
			if reverse {
				k = width - 1 - k
			}
			want = append(want, src[i*stride+off+k])
		}
	}
	got, intact := guarded(t, n*width)
	Strided(got, src, stride, off, width, n, reverse)
	require.Equal(t, want, got, "stride %d off %d width %d n %d reverse %v", stride, off, width, n, reverse)
	intact()
}

func TestStrided(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, width := range []int{1, 2, 3, 4, 5, 7, 8, 10, 16, 17, 40} {
		for _, n := range []int{0, 1, 2, 3, 17, 1000} {
			for _, gap := range []int{0, 1, 7, 50} {
				off := r.IntN(gap + 1)
				stride := width + gap
				src := random(r, n*stride)
				if n > 0 {
					src = src[:(n-1)*stride+off+width] // the last row may end behind its value
				}
				checkStrided(t, src, stride, off, width, n, false)
				checkStrided(t, src, stride, off, width, n, true)
			}
		}
	}
	checkStrided(t, random(r, 8), 0, 0, 8, 5, false) // one value again and again
}

// shuffle is HDF5's filter, from its description.
func shuffle(src []byte, elem int) []byte {
	dst := append([]byte(nil), src...)
	if elem < 1 {
		return dst
	}
	total := len(src) / elem
	for i := range total {
		for k := range elem {
			dst[k*total+i] = src[i*elem+k]
		}
	}
	return dst
}

func TestUnshuffle(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, elem := range []int{0, 1, 2, 3, 4, 7, 8, 12, 16, 64, 300, 20000} {
		for _, n := range []int{0, 1, 5, 16, 100, 4099, 40007} {
			want := random(r, n)
			got, intact := guarded(t, n)
			unshuffle(got, shuffle(want, elem), elem)
			require.Equal(t, want, got, "%d bytes, elements of %d", n, elem)
			intact()
		}
	}
}

func FuzzPlanes(f *testing.F) {
	f.Add(random(rand.New(rand.NewPCG(9, 9)), 2000), uint16(100), uint16(3), uint16(90), uint8(2), uint8(8), uint8(0), true)
	f.Add(random(rand.New(rand.NewPCG(9, 9)), 500), uint16(33), uint16(0), uint16(33), uint8(0), uint8(4), uint8(1), false)
	f.Fuzz(func(t *testing.T, data []byte, total, first, n uint16, off, width, gap uint8, reverse bool) {
		c := interleaving{int(total), int(first), int(n), int(off), int(width), int(gap), reverse}
		elems := c.off + c.width
		if c.width > 0 && c.n > 0 && c.first+c.n <= c.total && elems*c.total <= len(data) {
			c.check(t, data[:elems*c.total])
		}
		if stride := c.width + c.gap; c.width > 0 && c.n*stride <= len(data) && c.off <= c.gap {
			checkStrided(t, data[:c.n*stride], stride, c.off, c.width, c.n, reverse)
		}
		got, intact := guarded(t, len(data))
		unshuffle(got, shuffle(data, c.width), c.width)
		require.Equal(t, data, got[:len(data):len(data)])
		intact()
	})
}

func BenchmarkInterleave(b *testing.B) {
	const bytes = 256 << 10 // a chunk within the second-level cache
	src, dst := make([]byte, bytes), make([]byte, bytes)
	b.Run("memcpy", func(b *testing.B) {
		b.SetBytes(bytes)
		for b.Loop() {
			copy(dst, src)
		}
	})
	twins := map[int]kernel{2: go2, 4: go4, 8: go8}
	for _, width := range []int{1, 2, 4, 8, 16, 22, 64} {
		n := bytes / width
		b.Run(fmt.Sprintf("width=%d", width), func(b *testing.B) {
			b.SetBytes(int64(n * width))
			for b.Loop() {
				Interleave(dst, width, src, n, 0, n, 0, width, false)
			}
		})
		if twin := twins[width]; twin != nil {
			b.Run(fmt.Sprintf("width=%d/go", width), func(b *testing.B) {
				b.SetBytes(bytes)
				for b.Loop() {
					twin(dst, width, src, 0, n, n)
				}
			})
		}
	}
}

func BenchmarkStrided(b *testing.B) {
	const rows, stride = 4096, 64
	src, dst := make([]byte, rows*stride), make([]byte, rows*stride)
	for _, width := range []int{1, 2, 4, 8, 16, 22} {
		for _, reverse := range []bool{false, true} {
			b.Run(fmt.Sprintf("width=%d/reverse=%v", width, reverse), func(b *testing.B) {
				b.SetBytes(int64(rows * width))
				for b.Loop() {
					Strided(dst, src, stride, 8, width, rows, reverse)
				}
			})
		}
	}
}

// unshuffle undoes HDF5's shuffle filter for elements of elem bytes, whose last bytes are not shuffled, by Interleave.
func unshuffle(dst, src []byte, elem int) {
	if elem < 2 || len(src) < 2*elem {
		copy(dst[:len(src)], src)
		return
	}
	total := len(src) / elem
	Interleave(dst, elem, src, total, 0, total, 0, elem, false)
	copy(dst[total*elem:len(src)], src[total*elem:])
}
