package filter

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"math/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

func shuffled(data []byte, w int) []byte {
	out := bytes.Clone(data)
	n := len(data) / w
	for i := range n * w {
		out[i%w*n+i/w] = data[i]
	}
	return out
}

func zlibbed(t testing.TB, data []byte) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func summed(data []byte) []byte {
	sum := fletcher32Sum(data)
	return append(bytes.Clone(data), byte(sum), byte(sum>>8), byte(sum>>16), byte(sum>>24))
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.New(rand.NewSource(int64(n))).Read(b)
	return b
}

func pipeline(t testing.TB, elem int, specs ...Spec) *Pipeline {
	t.Helper()
	p, err := New(specs, elem)
	require.NoError(t, err)
	return p
}

func TestUnshuffle(t *testing.T) {
	for w := 1; w <= 40; w++ {
		for _, n := range []int{0, 1, 3, 7, 8, 9, 63, 64, 65, 300} {
			data := noise(n*w + n%w)
			got := make([]byte, len(data))
			unshuffle(got, shuffled(data, w), w)
			require.Equal(t, data, got, "%d elements of %d bytes", n, w)
		}
	}
}

func TestFletcher32(t *testing.T) {
	// Sums as libhdf5's H5_checksum_fletcher32 gives them.
	require.Equal(t, uint32(0), fletcher32Sum(nil))
	require.Equal(t, uint32(0), fletcher32Sum(make([]byte, 9)))
	require.Equal(t, uint32(0x01000100), fletcher32Sum([]byte{1}))
	require.Equal(t, uint32(0x05080406), fletcher32Sum([]byte{1, 2, 3, 4}))

	p := pipeline(t, 1, Spec{ID: 3})
	data := noise(1001)
	good := summed(data)
	s := NewScratch(nil, nil)
	r, err := p.Decode(s, good, 0, len(data))
	require.NoError(t, err)
	require.Equal(t, data, r.Data)

	legacy := bytes.Clone(good)
	n := len(data)
	legacy[n], legacy[n+1], legacy[n+2], legacy[n+3] = good[n+1], good[n], good[n+3], good[n+2]
	_, err = p.Decode(s, legacy, 0, len(data))
	require.NoError(t, err)

	good[3] ^= 4
	_, err = p.Decode(s, good, 0, len(data))
	require.ErrorIs(t, err, fault.DataLoss)
	require.ErrorContains(t, err, "the file says")
	_, err = p.Decode(s, good[:3], 0, len(data))
	require.ErrorIs(t, err, fault.DataLoss)
}

func TestPipelineOrderAndMask(t *testing.T) {
	const w = 8
	data := bytes.Repeat(noise(40), 100)
	sh, z, sum := Spec{ID: 2, Params: []uint32{w}}, Spec{ID: 1, Params: []uint32{6}}, Spec{ID: 3}
	for _, tc := range []struct {
		name   string
		specs  []Spec
		mask   uint32
		stored []byte
		planes bool
	}{
		{"none", nil, 0, data, false},
		{"shuffle, deflate, fletcher32", []Spec{sh, z, sum}, 0, summed(zlibbed(t, shuffled(data, w))), true},
		{"shuffle skipped", []Spec{sh, z, sum}, 1, summed(zlibbed(t, data)), false},
		{"deflate skipped", []Spec{sh, z, sum}, 2, summed(shuffled(data, w)), true},
		{"sum skipped", []Spec{sh, z, sum}, 4, zlibbed(t, shuffled(data, w)), true},
		{"all skipped", []Spec{sh, z, sum}, 7, data, false},
		{"sum first", []Spec{sum, sh, z}, 0, zlibbed(t, shuffled(summed(data), w)), false},
		{"sum first, skipped", []Spec{sum, sh, z}, 1, zlibbed(t, shuffled(data, w)), true},
		{"deflate first", []Spec{z, sh}, 0, shuffled(zlibbed(t, data), w), false},
		{"deflate twice", []Spec{z, z}, 0, zlibbed(t, zlibbed(t, data)), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, s := pipeline(t, w, tc.specs...), NewScratch(nil, nil)
			r, err := p.Decode(s, tc.stored, tc.mask, len(data))
			require.NoError(t, err)
			require.Equal(t, tc.planes, r.Planes > 0)
			if r.Planes > 0 {
				require.Equal(t, w, r.Elem)
				require.Equal(t, shuffled(data, w), r.Data)
			} else {
				require.Equal(t, data, r.Data)
			}
			for _, n := range []int{-1, 0, len(data) - 1, len(data) + 1, maxInt} {
				_, err = p.Decode(s, tc.stored, tc.mask, n)
				require.ErrorIs(t, err, fault.DataLoss, "%d", n)
			}
		})
	}
}

func TestShuffleOfOneElementIsNone(t *testing.T) {
	p, s := pipeline(t, 8, Spec{ID: 2, Params: []uint32{8}}), NewScratch(nil, nil)
	r, err := p.Decode(s, []byte("fifteen bytes.."), 0, 15)
	require.NoError(t, err)
	require.Zero(t, r.Planes)
}

func TestNewRefuses(t *testing.T) {
	for _, tc := range []struct {
		spec Spec
		kind error
		text string
	}{
		{Spec{ID: 32013, Name: "H5Z-ZFP"}, fault.Unsupported, `filter 32013 (zfp, "H5Z-ZFP"): this build does not decode it; set HDF5_PLUGIN_PATH to a directory that holds its plug-in (H5Z-ZFP`},
		{Spec{ID: 32029}, fault.Unsupported, "filter 32029 (terse/prolix): this build does not decode it; set HDF5_PLUGIN_PATH to a directory that holds its plug-in"},
		{Spec{ID: 299}, fault.Unsupported, "filter 299 (not registered)"},
		{Spec{ID: 299, Name: "mine"}, fault.Unsupported, `filter 299 ("mine")`},
		{Spec{ID: 2}, fault.DataLoss, "shuffle (id 2)"},
		{Spec{ID: 2, Params: []uint32{0}}, fault.DataLoss, "shuffle (id 2)"},
	} {
		_, err := New([]Spec{tc.spec}, 4)
		require.ErrorIs(t, err, tc.kind)
		require.ErrorContains(t, err, tc.text)
	}
	_, err := New(make([]Spec, 33), 4)
	require.ErrorIs(t, err, fault.DataLoss)
}

func TestScratchReturnsItsBuffers(t *testing.T) {
	out := map[*byte]int{}
	s := NewScratch(func(n int) []byte {
		b := make([]byte, n)
		out[&b[:1][0]] = n
		return b
	}, func(b []byte) {
		require.Contains(t, out, &b[:1][0])
		delete(out, &b[:1][0])
	})
	p := pipeline(t, 1, Spec{ID: 1}, Spec{ID: 1})
	for _, n := range []int{10, 1000, 100, 100000} {
		data := noise(n)
		r, err := p.Decode(s, zlibbed(t, zlibbed(t, data)), 0, n)
		require.NoError(t, err)
		require.Equal(t, data, r.Data)
	}
	require.NotEmpty(t, out)
	s.Release()
	require.Empty(t, out)
}

func TestDeflate(t *testing.T) {
	data := bytes.Repeat(noise(100), 50)
	p, s := pipeline(t, 1, Spec{ID: 1}), NewScratch(nil, nil)
	good := zlibbed(t, data)
	r, err := p.Decode(s, append(bytes.Clone(good), "trailing bytes"...), 0, len(data))
	require.NoError(t, err)
	require.Equal(t, data, r.Data)
	for cut := range good {
		_, err = p.Decode(s, good[:cut], 0, len(data))
		require.ErrorIs(t, err, fault.DataLoss, "cut at %d", cut)
	}
	good[len(good)-1] ^= 1
	_, err = p.Decode(s, good, 0, len(data))
	require.ErrorIs(t, err, fault.DataLoss, "wrong Adler-32")
}

func TestSupportedIsComplete(t *testing.T) {
	seen := map[uint16]bool{}
	for _, info := range Supported() {
		require.False(t, seen[info.ID], "%d twice", info.ID)
		seen[info.ID] = true
		require.NotEmpty(t, info.Name)
		require.NotEmpty(t, info.Params, info.Name)
		require.NotEmpty(t, info.Code+info.Help, info.Name)
		require.Equal(t, info.Name, Name(info.ID))
		require.NotContains(t, foreign, info.ID)
	}
	for _, id := range []uint16{1, 2, 3, 4, 5, 6, 305, 307, 32000, 32001, 32004, 32008, 32015, 32026} {
		require.True(t, seen[id], "%d", id)
	}
	require.Equal(t, []string{"299", "zfp", "32017"}, []string{Name(299), Name(32013), Name(32017)})
	require.False(t, Decodes(32013))
	require.True(t, Decodes(1))
}

// TestImpossibleParameters opens filters with parameters that a writer can't have meant.
func TestImpossibleParameters(t *testing.T) {
	long := func(v ...uint32) []uint32 { return append(v, make([]uint32, 20-len(v))...) }
	for _, tc := range []struct {
		id     uint16
		params []uint32
		kind   error
	}{
		{5, nil, fault.DataLoss},
		{5, []uint32{7, 0, 1, 1, 4, 0, 33}, fault.DataLoss},               // cut short
		{5, []uint32{8, 0, 1, 1, 4, 0, 30, 3}, fault.DataLoss},            // 33 bits of 32
		{5, []uint32{8, 0, 1 << 31, 1, 1 << 24, 0, 8, 0}, fault.DataLoss}, // too big
		{5, []uint32{6, 0, 1, 9, 4, 0}, fault.DataLoss},                   // unknown class
		{6, []uint32{2, 3}, fault.DataLoss},
		{6, long(1, 3, 10, 1, 4), fault.Unsupported}, // e-scaling
		{6, long(2, 3, 10, 0, 3), fault.DataLoss},
		{6, long(0, 3, 10, 1, 2), fault.DataLoss},
		{6, long(2, 40, 10, 0, 4), fault.DataLoss},
		{32008, []uint32{0, 4}, fault.DataLoss},
		{32008, []uint32{0, 4, 0}, fault.DataLoss},
		{32008, []uint32{0, 4, 4, 7}, fault.DataLoss},
		{32020, []uint32{0, 2, 1}, fault.Unsupported},
		{32020, []uint32{2, 2, 1, 1}, fault.Unsupported}, // a later version
		{32020, []uint32{0, 8, 1, 1}, fault.Unsupported},
	} {
		_, err := New([]Spec{{ID: tc.id, Params: tc.params}}, 4)
		require.ErrorIs(t, err, tc.kind, "%d %d", tc.id, tc.params)
	}
}

// libaec writes what it finds in memory where the last bytes fill no pixel of 32 bits, as after scaleoffset, and reads
// as much: libhdf5 gives other values in each process.
func TestSzipOfHalfAPixel(t *testing.T) {
	stored, err := hex.DecodeString("170000006064f7ffe1e0187ffc003c03d7ff800780447ff0008101")
	require.NoError(t, err)
	z, err := openSzip([]uint32{169, 2, 32, 5}, 1)
	require.NoError(t, err)
	_, err = z.decode(NewScratch(nil, nil), stored, size{n: 23})
	require.ErrorContains(t, err, "the last 3 of 23 bytes")
}
