package filter

import (
	"bytes"
	"cmp"
	"compress/bzip2"
	"compress/zlib"
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/require"
)

// cuts is how many parts a test draws: a few, or MTFLIGHT_CUTS.
func cuts(t testing.TB) int {
	n, err := strconv.Atoi(cmp.Or(os.Getenv("MTFLIGHT_CUTS"), "300"))
	require.NoError(t, err)
	return n
}

// kinds of bytes: of records that are shuffled, noise that no codec shrinks, repeats, and all of these in turn.
func drawnBytes(r *rand.Rand, n, elem int) []byte {
	out := make([]byte, 0, n+elem)
	kind := r.IntN(4)
	for len(out) < n {
		k := kind
		if k == 3 {
			k = r.IntN(3)
		}
		part := 1 + r.IntN(min(n, 1<<17))
		for start := len(out); len(out) < min(start+part, n); {
			switch k {
			case 0:
				out = binary.LittleEndian.AppendUint64(out, math.Float64bits(math.Round(r.NormFloat64()*1000)/100))
			case 1:
				out = binary.LittleEndian.AppendUint64(out, r.Uint64())
			default:
				out = append(out, byte(len(out)>>9), 7, 0)
			}
		}
	}
	return out[:n/elem*elem]
}

func zlibAt(t testing.TB, data []byte, level int) []byte {
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, level)
	require.NoError(t, err)
	_, err = w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// framedLZ4 is what the lz4 filter stores, in blocks.
func framedLZ4(t testing.TB, data []byte, block int) []byte {
	out := binary.BigEndian.AppendUint64(nil, uint64(len(data)))
	out = binary.BigEndian.AppendUint32(out, uint32(block))
	for ; len(data) > 0; data = data[min(block, len(data)):] {
		in := data[:min(block, len(data))]
		b := make([]byte, lz4.CompressBlockBound(len(in)))
		n, err := lz4.CompressBlock(in, b, nil)
		require.NoError(t, err)
		if n == 0 || n >= len(in) {
			n = copy(b, in)
		}
		out = append(binary.BigEndian.AppendUint32(out, uint32(n)), b[:n]...)
	}
	return out
}

// literalLZF is an LZF block, of literals and repeats of the byte before.
func literalLZF(data []byte) (out []byte) {
	for at := 0; at < len(data); {
		run := 0
		for at > 0 && run < 264 && at+run < len(data) && data[at+run] == data[at-1] {
			run++
		}
		if run >= 9 {
			out, at = append(out, 7<<5, byte(run-9), 0), at+run
			continue
		}
		n := min(32, len(data)-at)
		out = append(append(out, byte(n-1)), data[at:at+n]...)
		at += n
	}
	return out
}

// storedAs encodes bytes for a filter.
func storedAs(t testing.TB, id uint16, data []byte, r *rand.Rand) []byte {
	switch id {
	case 1:
		return zlibAt(t, data, r.IntN(10))
	case 32015:
		w, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(1+3*r.IntN(3))), zstd.WithEncoderCRC(r.IntN(2) == 0), zstd.WithSingleSegment(r.IntN(2) == 0))
		require.NoError(t, err)
		defer w.Close()
		return w.EncodeAll(data, nil)
	case 32004:
		return framedLZ4(t, data, 1+r.IntN(1<<16))
	}
	return literalLZF(data)
}

// drawnFront is a chunk with one of the filters, maybe shuffled before and summed behind, and a part of it.
type drawnFront struct {
	p                *Pipeline
	stored, data     []byte // data as Decode gives it
	f                Front
	codec            uint16
	shuffled, summed bool
}

func drawFront(t testing.TB, r *rand.Rand) (d drawnFront) {
	elem := 1 + r.IntN(70)
	n := elem * (16 + r.IntN(1<<uint(4+r.IntN(10))))
	d.data = drawnBytes(r, n, elem)
	n = len(d.data)
	d.codec, d.shuffled, d.summed = []uint16{1, 1, 1, 32015, 32004, 32000}[r.IntN(6)], r.IntN(2) == 0 && elem > 1, r.IntN(4) == 0
	var specs []Spec
	if d.shuffled {
		specs = append(specs, Spec{ID: 2, Params: []uint32{uint32(elem)}})
	}
	specs = append(specs, Spec{ID: d.codec})
	d.stored = storedAs(t, d.codec, d.data, r)
	if d.summed {
		specs = append(specs, Spec{ID: 3})
		d.stored = summed(d.stored)
	}
	d.p = pipeline(t, elem, specs...)
	d.f = Front{Elems: 1 + r.IntN(n/elem), Size: elem, Bytes: 1 + r.IntN(elem)}
	return d
}

// requireFront compares a part with the whole, which has the same bytes, in planes or not.
func (d *drawnFront) requireFront(t testing.TB, got Result) {
	n := (d.f.Elems-1)*d.f.Size + d.f.Bytes
	if d.shuffled {
		n = d.f.Bytes * got.Planes
		require.Equal(t, len(d.data)/d.f.Size, got.Planes)
		require.Equal(t, d.f.Size, got.Elem)
	} else {
		require.Zero(t, got.Planes)
	}
	require.GreaterOrEqual(t, len(got.Data), n)
	require.True(t, bytes.Equal(d.data[:n], got.Data[:n]), "codec %d: a part of %d bytes of %d is wrong", d.codec, n, len(d.data))
}

// TestFronts compares parts with whole chunks, in buffers that hold what was there before.
func TestFronts(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 1))
	s := NewScratch(dirty, nil)
	taken := map[uint16]int{}
	for range cuts(t) {
		d := drawFront(t, r)
		for range 4 {
			d.f.Elems, d.f.Bytes = 1+r.IntN(len(d.data)/d.f.Size), 1+r.IntN(d.f.Size)
			if got, ok := d.p.DecodeFront(s, d.stored, 0, len(d.data), d.f); ok {
				taken[d.codec]++
				d.requireFront(t, got)
			}
		}
	}
	for _, codec := range []uint16{1, 32004, 32000} {
		require.Greater(t, taken[codec], cuts(t)/10, "codec %d", codec)
	}
	require.True(t, taken[32015] > cuts(t)/10 || zstdCode != "libzstd")
}

// TestFrontsOfBzip2 does so with what libbz2 has written.
func TestFrontsOfBzip2(t *testing.T) {
	seen := 0
	chunks(t, func(filter string, c chunk) {
		if filter != "bzip2" || len(c.Filters) != 1 || c.Mask != 0 || len(c.Decoded) == 0 {
			return
		}
		p, whole, s := pipeline(t, 1, c.specs()...), []byte(c.Decoded), NewScratch(dirty, nil)
		for n := 1; n < len(whole); n += 1 + len(whole)/50 {
			if r, ok := p.DecodeFront(s, []byte(c.Stored), 0, len(whole), Front{Elems: n, Size: 1, Bytes: 1}); ok {
				seen++
				require.True(t, bytes.Equal(whole[:n], r.Data[:n]))
			}
		}
	})
	require.NotZero(t, seen)
}

// TestFrontsOfDamage: a part of what is damaged is what the stream says until there, or left to Decode.
func TestFrontsOfDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 2))
	s := NewScratch(dirty, nil)
	for range cuts(t) {
		d := drawFront(t, r)
		if d.stored = bytes.Clone(d.stored); r.IntN(3) == 0 {
			d.stored = d.stored[:r.IntN(len(d.stored))]
		} else {
			d.stored[r.IntN(len(d.stored))] ^= 1 << r.IntN(8)
		}
		got, ok := d.p.DecodeFront(s, d.stored, 0, len(d.data), d.f)
		switch {
		case !ok:
		case d.summed:
			require.Fail(t, "the sum of what is stored was not checked")
		case d.codec == 1:
			d.requireStream(t, bytes.Clone(got.Data))
		default:
			part := bytes.Clone(got.Data)
			if whole, err := d.p.Decode(s, d.stored, 0, len(d.data)); err == nil {
				require.True(t, bytes.HasPrefix(whole.Data, part), "codec %d", d.codec)
			}
		}
	}
}

// requireStream compares with the standard library's decoder of the same damaged stream, up to where that refuses it: libdeflate
// leaves a few forbidden codes to the checksum.
func (d *drawnFront) requireStream(t testing.TB, got []byte) {
	z, err := zlib.NewReader(bytes.NewReader(d.stored))
	require.NoError(t, err)
	want := make([]byte, len(got))
	n, _ := io.ReadFull(z, want)
	require.True(t, bytes.Equal(want[:n], got[:n]), "a part of a damaged stream is not what the stream says")
}

// TestFrontRefuses: no part where a checksum is over decoded bytes, or where the filter before the codec is another.
func TestFrontRefuses(t *testing.T) {
	data := bytes.Repeat(noise(100), 500)
	f := Front{Elems: 100, Size: 4, Bytes: 4}
	for _, specs := range [][]Spec{
		{{ID: 3}, {ID: 1}},
		{{ID: 3}, {ID: 2, Params: []uint32{4}}, {ID: 1}},
		{{ID: 2, Params: []uint32{8}}, {ID: 1}},
		{{ID: 2, Params: []uint32{4}}, {ID: 2, Params: []uint32{4}}, {ID: 1}},
	} {
		_, ok := pipeline(t, 4, specs...).DecodeFront(NewScratch(nil, nil), zlibbed(t, data), 0, len(data), f)
		require.False(t, ok, "%v", specs)
	}
	_, ok := pipeline(t, 4, Spec{ID: 3}, Spec{ID: 1}).DecodeFront(NewScratch(nil, nil), zlibbed(t, data), 1, len(data), f)
	require.True(t, ok, "the checksum was left out when the chunk was written")
	twice := zlibbed(t, zlibbed(t, data)) // the outer one's output is where the inner one must not write
	r, ok := pipeline(t, 4, Spec{ID: 1}, Spec{ID: 1}).DecodeFront(NewScratch(dirty, nil), twice, 0, len(data), f)
	require.True(t, ok)
	require.Equal(t, data[:400], r.Data)
}

// FuzzFront gives any stream to every codec that can stop early.
func FuzzFront(f *testing.F) {
	r := rand.New(rand.NewPCG(19, 3))
	for range 20 {
		if d := drawFront(f, r); len(d.stored) < 16<<10 && !d.summed {
			f.Add(d.codec, uint32(len(d.data)), uint32(d.f.Elems), d.stored)
		}
	}
	f.Add(uint16(307), uint32(2000), uint32(20), sparseBzip2(2000))
	f.Fuzz(func(t *testing.T, id uint16, total, n uint32, stored []byte) {
		p, err := New([]Spec{{ID: id}}, 1)
		all := 1 + int(total%(1<<18))
		part := 1 + int(n)%all
		if err != nil {
			return
		}
		s := NewScratch(func(n int) []byte {
			require.LessOrEqual(t, n, 8*all+1<<20, "unbounded buffer")
			return dirty(n)
		}, nil)
		got, ok := p.DecodeFront(s, stored, 0, all, Front{Elems: part, Size: 1, Bytes: 1})
		if !ok {
			return
		}
		front := bytes.Clone(got.Data[:part])
		if whole, err := p.Decode(s, stored, 0, all); err == nil {
			require.True(t, bytes.Equal(flat(whole)[:part], front))
		}
		want := make([]byte, part)
		switch id {
		case 1:
			z, err := zlib.NewReader(bytes.NewReader(stored))
			require.NoError(t, err)
			n, _ := io.ReadFull(z, want)
			require.True(t, bytes.Equal(want[:n], front[:n]))
		case 307:
			if _, err := io.ReadFull(bzip2.NewReader(bytes.NewReader(stored)), want); err == nil {
				require.True(t, bytes.Equal(want, front))
			}
		}
	})
}
