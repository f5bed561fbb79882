package order

import (
	"bytes"
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/ptindex"
	"github.com/stretchr/testify/require"
)

// drained is all rows of a sorter in order.
func drained(t *testing.T, s *sorter) []int64 {
	t.Helper()
	defer s.Close()
	out := []int64{}
	require.NoError(t, s.each(context.Background(), func(at pair) (bool, error) {
		out = append(out, at.row)
		return true, nil
	}))
	return out
}

func iota64(n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(i)
	}
	return out
}

func TestSorterIsStableInMemoryAndOnDisk(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{0, 1, 2, 100, 5000} {
		for _, span := range []uint64{1, 300, math.MaxUint64} {
			var k ptindex.Keys
			for range n {
				k.Num = append(k.Num, r.Uint64N(span))
			}
			want := iota64(n)
			slices.SortStableFunc(want, func(a, b int64) int { return cmp.Compare(k.Num[a], k.Num[b]) })
			for _, room := range []int64{32 << 10, 1 << 20} {
				s := newSorter(room, int64(n), false)
				for part := range slices.Chunk(iota64(n), 999) {
					require.NoError(t, s.add(ptindex.Keys{Num: k.Num[part[0] : part[0]+int64(len(part))]}, part))
				}
				require.Equal(t, want, drained(t, s), "%d rows, %d bytes", n, room)
			}
		}
	}
}

func TestSorterOfStrings(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	letters := []string{"", "a", "b", "\x00b", "\xff", "aaaaaaaa"}
	for range 30 {
		n := r.IntN(3000)
		var k ptindex.Keys
		for range n {
			key := ""
			for range r.IntN(4) {
				key += letters[r.IntN(len(letters))]
			}
			k.Str = append(k.Str, bytes.TrimRight([]byte(key), "\x00"))
		}
		want := iota64(n)
		slices.SortStableFunc(want, func(a, b int64) int { return bytes.Compare(k.Str[a], k.Str[b]) })
		s := newSorter(64<<10<<r.IntN(5), int64(n), true)
		require.NoError(t, s.add(k, iota64(n)))
		require.Equal(t, want, drained(t, s))
	}
}

func TestSorterStopsWithTheContext(t *testing.T) {
	s := newSorter(64<<10, 10000, false)
	defer s.Close()
	require.NoError(t, s.add(ptindex.Keys{Num: make([]uint64, 10000)}, iota64(10000)))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, s.each(ctx, func(pair) (bool, error) { return true, nil }), context.Canceled)
}

func TestTooManyRunsAreExhausted(t *testing.T) {
	s := newSorter(leastBuffer, 1000, false)
	defer s.Close()
	require.NoError(t, s.add(ptindex.Keys{Num: make([]uint64, 1000)}, iota64(1000)))
	err := s.each(context.Background(), func(pair) (bool, error) { return true, nil })
	require.ErrorIs(t, err, fault.Exhausted)
}

func TestNoRoomForTemporaryFiles(t *testing.T) {
	t.Setenv("TMPDIR", "/no/such/folder")
	s := newSorter(pairBytes, 10, false)
	err := s.add(ptindex.Keys{Num: make([]uint64, 10)}, iota64(10))
	require.ErrorIs(t, err, fault.Exhausted)
	require.NotContains(t, err.Error(), "/no/such/folder")
}
