package reader

import (
	"context"
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
)

// counter answers with every element's row-major number.
type counter struct{ shape []int64 }

func (c counter) ReadSlab(_ context.Context, _, _ string, start, count []uint64, dst []byte) error {
	out := dst[:0]
	var walk func(axis int, at uint64)
	walk = func(axis int, at uint64) {
		if axis == len(c.shape) {
			out = binary.LittleEndian.AppendUint32(out, uint32(at))
			return
		}
		for i := range count[axis] {
			walk(axis+1, at*uint64(c.shape[axis])+start[axis]+i)
		}
	}
	walk(0, 0)
	if len(out) != len(dst) {
		return fault.New(fault.Invalid, "%d bytes for %d", len(dst), len(out))
	}
	return nil
}

func TestBoxes(t *testing.T) {
	mem := &bufpool.Memory{Budget: bufpool.NewBudget(1<<28, 0), Pool: bufpool.NewPool(1 << 20)}
	for _, tc := range []struct{ shape, chunk, box []int64 }{
		{[]int64{10}, []int64{3}, []int64{10}},
		{[]int64{1 << 20}, []int64{1000}, []int64{262000}},
		{[]int64{7, 5, 3}, []int64{2, 2, 2}, []int64{7, 5, 3}},
		{[]int64{5, 900, 700}, []int64{2, 100, 33}, []int64{2, 100, 700}},
		{[]int64{3, 1100, 1100}, []int64{2, 1024, 1024}, []int64{2, 1024, 1024}},
		{[]int64{3, 5}, []int64{1000, 1000}, []int64{3, 5}},
	} {
		b, err := newBoxes(&slab{helper: counter{tc.shape}, shape: tc.shape}, tc.chunk, 4)
		require.NoError(t, err)
		require.Equal(t, tc.box, b.extents())
		for i := range tc.shape {
			require.True(t, b.box[i] == tc.shape[i] || b.box[i]%tc.chunk[i] == 0, "whole chunks")
		}
		checkBoxes(t, b, mem)
	}
	require.Zero(t, mem.Budget.Used())
	for _, chunk := range [][]int64{{1}, {0, 1}, {-1, 1}, {1 << 40, 1 << 40}, {1 << 10, 1 << 19}} {
		_, err := newBoxes(&slab{shape: []int64{1 << 40, 1 << 20}}, chunk, 4)
		require.Error(t, err, chunk)
	}
}

// checkBoxes loads every box and looks at every element of the dataset in it.
func checkBoxes(t *testing.T, b *boxes, mem *bufpool.Memory) {
	var all [][]int64
	grid := make([]int64, len(b.shape))
	for i := range grid {
		grid[i] = (b.shape[i] + b.box[i] - 1) / b.box[i]
	}
	for n := range product(grid) {
		all = append(all, unravel(n, grid))
	}
	lease, err := mem.Lease(context.Background(), 2*b.need(0, nil))
	require.NoError(t, err)
	defer lease.Close()
	seen := int64(0)
	err = b.load(context.Background(), newScratch(lease, nil), all, func(i int, e convert.Elems, fill bool) error {
		for n := range product(b.box) {
			linear, inside := int64(0), true
			for k, x := range unravel(n, b.box) {
				x += all[i][k] * b.box[k]
				linear, inside = linear*b.shape[k]+x, inside && x < b.shape[k]
			}
			if inside {
				seen++
				if got := binary.LittleEndian.Uint32(e.Data[4*n:]); got != uint32(linear) {
					t.Fatalf("%v of %v: element %d is %d, not %d", all[i], b.shape, n, got, linear)
				}
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, product(b.shape), seen)
}

func unravel(n int64, extents []int64) []int64 {
	at := make([]int64, len(extents))
	for i := len(extents) - 1; i >= 0; i-- {
		at[i] = n % extents[i]
		n /= extents[i]
	}
	return at
}
