package vds

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/h5file"
)

func FuzzParse(f *testing.F) {
	for _, b := range blocks(f) {
		f.Add(b, int64(7), int64(5))
	}
	f.Add(encode("f%b", "d", regular(0, 1, 2, 1), regular(0, 3, all1, 2)), int64(9), int64(1))
	f.Add(encode("f", "d", u32(1, 1, 0, 0, 1, 3, 5, 2, 19), all()), int64(3), int64(20))
	f.Fuzz(func(t *testing.T, b []byte, rows, cols int64) {
		if n := len(b) - 4; n >= 0 { // past the checksum
			b = binary.LittleEndian.AppendUint32(bytes.Clone(b[:n]), h5file.Checksum(b[:n]))
		}
		all, err := Parse(b, 8)
		if err != nil {
			require.NotNil(t, fault.Of(err))
			return
		}
		rows, cols = max(0, min(rows, 1<<20)), max(0, min(cols, 64))
		for _, shape := range [][]int64{{rows}, {rows, cols}} {
			for _, m := range all[:min(len(all), 16)] {
				apply(t, m, shape)
			}
		}
	})
}

func apply(t *testing.T, m Mapping, shape []int64) {
	dst, src := m.Dst, m.Src
	box := dst.Bounds(shape)
	Least([]Mapping{m}, len(shape)-1)
	Axes(src, shape, dst, shape)
	if axis := dst.Unlimited(); axis >= 0 {
		if axis >= len(shape) {
			return
		}
		n := dst.Slices(shape[axis])
		require.LessOrEqual(t, dst.Extent(n), max(shape[axis], 0))
		if m.Printf() {
			if first, end := dst.Blocks(0, shape[axis]); first < end {
				dst = dst.Block(first)
			}
		} else if src.Unlimited() < len(shape) {
			n = min(n, src.Slices(shape[src.Unlimited()]))
			dst, src = dst.Clip(n), src.Clip(n)
		}
	}
	to, err := dst.Region(shape)
	if err != nil {
		return
	}
	from, err := src.Region(shape)
	if err != nil {
		return
	}
	steps := 0
	stop := fault.New(fault.Exhausted, "enough")
	err = Runs(to, from, box, func(at, place, n int64) error {
		require.True(t, at >= 0 && at+n <= size(box.Count), "%d+%d in %v", at, n, box)
		require.True(t, place >= 0 && place+n <= size(shape), "%d+%d of %v", place, n, shape)
		if steps++; steps > 1000 {
			return stop
		}
		return nil
	})
	if err != nil {
		require.NotNil(t, fault.Of(err))
	}
}
