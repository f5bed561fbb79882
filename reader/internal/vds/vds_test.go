package vds

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/gheap"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

// blocks are the mapping blocks of the fixtures of package reader, which h5py wrote.
func blocks(t testing.TB) [][]byte {
	t.Helper()
	paths, err := filepath.Glob("../../testdata/virtual/*_*.h5")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	var out [][]byte
	for _, path := range paths {
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		f, err := h5file.Open(bytes.NewReader(b), int64(len(b)))
		require.NoError(t, err)
		heap := gheap.New(f, 1<<20)
		for at := 0; ; at++ {
			i := bytes.Index(b[at:], []byte("GCOL"))
			if i < 0 {
				break
			}
			at += i
			for k := uint32(1); k < 100; k++ {
				if v, err := heap.Object(uint64(at), k); err == nil && len(v) > 9 {
					out = append(out, v)
				}
			}
		}
	}
	return out
}

func TestParseWhatH5pyWrites(t *testing.T) {
	mappings := [2]int{}
	printf := 0
	for _, b := range blocks(t) {
		all, err := Parse(b, 8)
		if err != nil {
			continue // text, in the same collections
		}
		mappings[b[0]] += len(all)
		for _, m := range all {
			require.NotEmpty(t, m.File)
			require.NotEmpty(t, m.Dataset)
			if m.Printf() {
				printf++
				file, dataset := m.Names(7)
				require.Equal(t, "source7.h5", file)
				require.Equal(t, "plain", dataset)
			}
		}
		damaged := bytes.Clone(b)
		damaged[len(b)/2] ^= 1
		_, err = Parse(damaged, 8)
		require.ErrorIs(t, err, fault.DataLoss)
		_, err = Parse(b[:len(b)-1], 8)
		require.ErrorIs(t, err, fault.DataLoss)
	}
	require.Greater(t, mappings[0], 40)
	require.Greater(t, mappings[1], 10, "HDF5 2 writes version 1 where it is shorter")
	require.Zero(t, (mappings[0]+mappings[1])%2, "the same datasets by two libraries")
	require.Equal(t, 2, printf)
}

// encode builds a block of version 0 with one mapping.
func encode(file, dataset string, src, dst []byte) []byte {
	b := append([]byte{0}, binary.LittleEndian.AppendUint64(nil, 1)...)
	b = append(append(b, file...), 0)
	b = append(append(b, dataset...), 0)
	b = append(append(b, src...), dst...)
	return binary.LittleEndian.AppendUint32(b, h5file.Checksum(b))
}

func u32(v ...uint32) (b []byte) {
	for _, n := range v {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return b
}

func u64(v ...uint64) (b []byte) {
	for _, n := range v {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	return b
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

const all1 = 1<<64 - 1

func all() []byte { return u32(3, 1, 0, 0) }

// regular is a hyperslab of version 2 with one axis.
func regular(start, stride, count, block uint64) []byte {
	return join(u32(2, 2), []byte{1}, u32(0, 1), u64(start, stride, count, block))
}

func TestSelectionsOfEveryVersion(t *testing.T) {
	row := []int64{10, 11, 12, 15, 16, 17}
	for name, c := range map[string]struct {
		src  []byte
		want []int64
	}{
		"all":           {all(), []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19}},
		"none":          {u32(0, 1, 0, 0), nil},
		"points 1":      {u32(1, 1, 0, 0, 1, 3, 5, 2, 19), []int64{5, 2, 19}},
		"points 2":      {join(u32(1, 2), []byte{2}, u32(1), []byte{2, 0, 7, 0, 3, 0}), []int64{7, 3}},
		"points 2 of 8": {join(u32(1, 2), []byte{8}, u32(1), u64(2, 7, 3)), []int64{7, 3}},
		"slabs 1":       {u32(2, 1, 0, 0, 1, 2, 15, 17, 10, 12), row},
		"slabs 2":       {regular(10, 5, 2, 3), row},
		"slabs 3":       {join(u32(2, 3), []byte{1, 2}, u32(1), []byte{10, 0, 5, 0, 2, 0, 3, 0}), row},
		"slabs 3 list":  {join(u32(2, 3), []byte{0, 4}, u32(1, 2, 10, 12, 15, 17)), row},
		"overlapping":   {u32(2, 1, 0, 0, 1, 2, 10, 14, 12, 17), []int64{10, 11, 12, 13, 14, 15, 16, 17}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := Parse(encode("f", "d", c.src, all()), 8)
			require.NoError(t, err)
			r, err := m[0].Src.Region([]int64{20})
			require.NoError(t, err)
			require.EqualValues(t, len(c.want), r.Len())
			require.Equal(t, c.want, listed(t, r))
		})
	}
}

// listed are the places of a region in its order.
func listed(t *testing.T, r *Region) (out []int64) {
	t.Helper()
	n := max(r.Len(), 1)
	if r.Len() == 0 {
		return nil
	}
	dst, err := Selection{kind: selectAll}.Region([]int64{n})
	require.NoError(t, err)
	require.NoError(t, Runs(dst, r, Box{Start: []int64{0}, Count: []int64{n}}, func(_, src, n int64) error {
		for i := range n {
			out = append(out, src+i)
		}
		return nil
	}))
	return out
}

func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		b    []byte
		kind error
	}{
		"empty":             {nil, fault.DataLoss},
		"unknown type":      {encode("f", "d", u32(4, 1, 0, 0), all()), fault.Unsupported},
		"unknown version":   {encode("f", "d", u32(2, 4, 0, 0), all()), fault.Unsupported},
		"cut off":           {encode("f", "d", u32(3), nil), fault.DataLoss},
		"two without end":   {encode("f", "d", join(u32(2, 2), []byte{1}, u32(0, 2), u64(0, 1, all1, 1, 0, 1, all1, 1)), all()), fault.DataLoss},
		"source has no end": {encode("f", "d", regular(0, 1, all1, 1), all()), fault.DataLoss},
		"no pattern":        {encode("f", "d", regular(0, 1, 2, 1), regular(0, 1, all1, 1)), fault.DataLoss},
		"limited pattern":   {encode("f%b", "d", all(), all()), fault.DataLoss},
		"blocks overlap":    {encode("f", "d", regular(0, 1, 2, 3), all()), fault.DataLoss},
		"beyond 62 bits":    {encode("f", "d", regular(1<<62, 1, 1, 1), all()), fault.Unsupported},
		"overflow":          {encode("f", "d", regular(0, 1<<40, 1<<40, 1), all()), fault.DataLoss},
		"rank 0":            {encode("f", "d", u32(2, 1, 0, 0, 0, 0), all()), fault.DataLoss},
		"rank 33":           {encode("f", "d", u32(2, 1, 0, 0, 33, 0), all()), fault.DataLoss},
		"block backwards":   {encode("f", "d", u32(2, 1, 0, 0, 1, 1, 5, 4), all()), fault.DataLoss},
		"a billion blocks":  {encode("f", "d", u32(2, 1, 0, 0, 1, 1<<30, 5, 5), all()), fault.DataLoss},
	} {
		_, err := Parse(c.b, 8)
		require.ErrorIs(t, err, c.kind, name)
	}
}

func TestRegionsAreBounded(t *testing.T) {
	m, err := Parse(encode("f", "d", regular(0, 2, 5, 1), all()), 8)
	require.NoError(t, err)
	for _, shape := range [][]int64{{8}, {3, 3}, {0}} {
		_, err = m[0].Src.Region(shape)
		require.ErrorIs(t, err, fault.DataLoss, "%v", shape)
	}
	_, err = Selection{kind: selectSlabs, rank: 2, corners: []int64{0, 0, maxRuns, 0}}.Region([]int64{1 << 40, 1 << 10})
	require.ErrorIs(t, err, fault.Unsupported)
	five, err := m[0].Src.Region([]int64{9})
	require.NoError(t, err)
	nine, err := Selection{kind: selectAll}.Region([]int64{9})
	require.NoError(t, err)
	require.ErrorIs(t, Runs(nine, five, Box{[]int64{0}, []int64{9}}, nil), fault.DataLoss)
	require.Error(t, func() error {
		_, err := Selection{kind: selectSlabs, rank: 1, axes: []axis{{0, 1, 1, unlimited}}}.Region([]int64{9})
		return err
	}())
}

func TestUnlimitedSelections(t *testing.T) {
	s := Selection{kind: selectSlabs, rank: 1, axes: []axis{{start: 2, stride: 6, block: 2, n: unlimited}}}
	for n, want := range map[int64]int64{0: 0, 1: 3, 2: 4, 3: 9, 4: 10} {
		require.Equal(t, want, s.Extent(n))
		require.Equal(t, n, s.Slices(want))
	}
	require.EqualValues(t, -1, s.Extent(1<<62))
	first, end := s.Blocks(3, 9)
	require.Equal(t, []int64{0, 2}, []int64{first, end})
	first, end = s.Blocks(4, 8)
	require.Equal(t, first, end)
	r, err := s.Block(1).Region([]int64{10})
	require.NoError(t, err)
	require.Equal(t, []int64{8, 9}, listed(t, r))
	r, err = s.Clip(3).Region([]int64{10})
	require.NoError(t, err)
	require.Equal(t, []int64{2, 3, 8}, listed(t, r))
	whole := Selection{kind: selectSlabs, rank: 1, axes: []axis{{start: 1, stride: 1, block: unlimited, n: unlimited}}}
	r, err = whole.Clip(4).Region([]int64{10})
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2, 3, 4}, listed(t, r))
	require.EqualValues(t, 5, whole.Extent(4))
}

// randomSelection of a shape, and its elements in order by looking at each.
func randomSelection(rng *rand.Rand, shape []int64) (Selection, []int64) {
	s := Selection{kind: selectSlabs, rank: len(shape)}
	if rng.IntN(8) == 0 {
		s = Selection{kind: selectAll}
	} else if rng.IntN(2) == 0 {
		for _, n := range shape {
			block := 1 + rng.Int64N(n)
			stride := block + rng.Int64N(3)
			start := rng.Int64N(n - block + 1)
			count := 1 + rng.Int64N((n-start-block)/stride+1)
			s.axes = append(s.axes, axis{start: start, stride: stride, block: block, n: count * block})
		}
	} else {
		for range 1 + rng.IntN(4) {
			lo, hi := make([]int64, len(shape)), make([]int64, len(shape))
			for i, n := range shape {
				lo[i] = rng.Int64N(n)
				hi[i] = lo[i] + rng.Int64N(n-lo[i])
			}
			s.corners = append(append(s.corners, lo...), hi...)
		}
	}
	var places []int64
	at := make([]int64, len(shape))
	for p := range size(shape) {
		if s.has(at) {
			places = append(places, p)
		}
		for i := len(at) - 1; i >= 0; i-- {
			if at[i]++; at[i] < shape[i] {
				break
			}
			at[i] = 0
		}
	}
	return s, places
}

func size(shape []int64) int64 {
	n := int64(1)
	for _, k := range shape {
		n *= k
	}
	return n
}

func (s Selection) has(at []int64) bool {
	if s.kind == selectAll {
		return true
	}
	if s.axes != nil {
		for i, a := range s.axes {
			x := at[i] - a.start
			if x < 0 || x/a.stride*a.block >= a.n || x%a.stride >= a.block {
				return false
			}
		}
		return true
	}
	for c := 0; c < len(s.corners); c += 2 * s.rank {
		in := true
		for i, x := range at {
			in = in && x >= s.corners[c+i] && x <= s.corners[c+s.rank+i]
		}
		if in {
			return true
		}
	}
	return false
}

func TestBlocksInOrderAreRegular(t *testing.T) {
	for name, c := range map[string]struct {
		corners []int64
		want    []axis
	}{
		"one":         {[]int64{1, 2, 3, 5}, []axis{{1, 3, 3, 3}, {2, 4, 4, 4}}},
		"grid":        {[]int64{0, 1, 0, 2, 0, 5, 0, 6, 3, 1, 3, 2, 3, 5, 3, 6}, []axis{{0, 3, 1, 2}, {1, 4, 2, 4}}},
		"other order": {[]int64{3, 1, 3, 2, 0, 1, 0, 2}, nil},
		"other sizes": {[]int64{0, 1, 0, 2, 3, 1, 3, 3}, nil},
		"a gap":       {[]int64{0, 0, 0, 0, 0, 2, 0, 2, 0, 5, 0, 5}, nil},
		"diagonal":    {[]int64{0, 0, 0, 0, 1, 1, 1, 1}, nil},
		"twice":       {[]int64{0, 0, 0, 0, 0, 0, 0, 0}, nil},
		"overlapping": {[]int64{0, 0, 1, 1, 1, 0, 2, 1}, nil},
		"none":        {nil, nil},
	} {
		axes, ok := Selection{kind: selectSlabs, rank: 2, corners: c.corners}.regular()
		require.Equal(t, c.want != nil, ok, name)
		if ok {
			require.Equal(t, c.want, axes, name)
		}
	}
}

// Runs over any box are what comparing every element of two selections gives.
func TestRunsAreThoseOfEveryElement(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		shape := make([]int64, 1+rng.IntN(4))
		for i := range shape {
			shape[i] = 1 + rng.Int64N(6)
		}
		s, places := randomSelection(rng, shape)
		dst, err := s.Region(shape)
		require.NoError(t, err)
		require.EqualValues(t, len(places), dst.Len(), "%+v of %v", s, shape)
		box := Box{Start: make([]int64, len(shape)), Count: make([]int64, len(shape))}
		for i, n := range shape {
			box.Start[i] = rng.Int64N(n)
			box.Count[i] = 1 + rng.Int64N(n)
		}
		bounds := s.Bounds(shape)
		want := map[int64]int64{} // place in the box to ordinal
		for ordinal, p := range places {
			in, at := true, int64(0)
			for i, k := len(shape)-1, p; i >= 0; i-- {
				x := k % shape[i]
				k /= shape[i]
				require.True(t, x >= bounds.Start[i] && x < bounds.Start[i]+bounds.Count[i])
				x -= box.Start[i]
				in = in && x >= 0 && x < box.Count[i]
				at += x * size(box.Count[i+1:])
			}
			if in {
				want[at] = int64(ordinal)
			}
		}
		src, err := Selection{kind: selectAll}.Region([]int64{dst.Len()})
		require.NoError(t, err)
		got := map[int64]int64{}
		require.NoError(t, Runs(dst, src, box, func(at, src, n int64) error {
			for i := range n {
				require.NotContains(t, got, at+i)
				got[at+i] = src + i
			}
			return nil
		}))
		require.Equal(t, want, got, "%+v of %v in %v", s, shape, box)
		require.Equal(t, places, listed(t, dst), "%+v of %v", s, shape)
	}
}
