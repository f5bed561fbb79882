package spill

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/reader/internal/store"
	"github.com/stretchr/testify/require"
)

func TestAppendedElements(t *testing.T) {
	mem := &bufpool.Memory{Budget: bufpool.NewBudget(8<<20, time.Second), Pool: bufpool.NewPool(8 << 20)}
	k := NewAppended(mem, 100, 0)
	rows := make([]byte, 100*777)
	for i := range rows {
		rows[i] = byte(i / 100)
	}
	var all []byte
	for k.Append(rows) {
		all = append(all, rows...)
		require.EqualValues(t, len(all)/100, k.Len())
	}
	require.Greater(t, len(all), 1<<20)
	require.LessOrEqual(t, mem.Budget.Used(), int64(2<<20), "a quarter of the budget")
	for i, s := range k.segments {
		from := i * int(k.band) * 100
		if from < len(all) {
			to := min(len(all), from+len(s))
			require.Equal(t, all[from:to], s[:to-from])
		}
	}
	k.Close()
	require.Zero(t, mem.Budget.Used())
}

// TestPlacedElements puts elements at their places in any order, in memory and on disk, and reads them in that of the places.
func TestPlacedElements(t *testing.T) {
	const n, size = 5000, 12
	for _, limit := range []int64{64 << 10, 64 << 20} {
		mem := &bufpool.Memory{Budget: bufpool.NewBudget(limit, time.Second), Pool: bufpool.NewPool(limit)}
		e, err := NewPlaced(t.Context(), mem, n, size)
		require.NoError(t, err)
		require.Equal(t, limit < 1<<20, e.file != nil)
		row := func(at int) []byte { return fmt.Appendf(nil, "%012d", at) }
		for _, at := range rand.Perm(n) {
			require.NoError(t, e.Put(int64(at), row(at)))
		}
		require.NoError(t, e.Flush())
		l, err := mem.Lease(t.Context(), e.Need(0, nil)+1<<10)
		require.NoError(t, err)
		s := store.NewScratch(t.Context(), l, nil)
		seen := 0
		for band := int64(0); band*e.band < n; band++ {
			require.NoError(t, e.Load(t.Context(), s, [][]int64{{band}}, func(_ int, x convert.Elems, _ bool) error {
				for i := range x.N {
					require.Equal(t, row(seen), x.Data[i*size:(i+1)*size])
					seen++
				}
				return nil
			}))
		}
		require.Equal(t, n, seen)
		s.Release()
		l.Close()
		e.Close()
		require.Zero(t, mem.Budget.Used())
	}
}
