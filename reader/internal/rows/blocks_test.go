package rows

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// positions writes a stream's blocks out as the places of the result they hold.
func positions(t *testing.T, b *Blocks, most int) (places []int64, blocks []Block) {
	s := Span{Step: 1, N: b.total}
	for len(blocks) < most {
		at, ok := b.Next()
		if !ok {
			break
		}
		got := spread(b.Runs(s, at), at.Rows)
		require.Equal(t, at.Row, got[0], "row is the place of the first row")
		places = append(places, got...)
		blocks = append(blocks, at.Block)
	}
	return places, blocks
}

// want is the contract's sequence, written out.
func want(total, size, cycles int64, rest Remainder, from int64) []int64 {
	out := []int64{}
	for range cycles {
		for i := range total {
			out = append(out, i)
		}
	}
	tail := int64(len(out)) % size
	switch rest {
	case OnlyRemainder:
		out = out[int64(len(out))-tail:]
	case DropRemainder:
		out = out[:int64(len(out))-tail]
	}
	return out[min(from*size, int64(len(out))):]
}

func TestBlocksInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		total, size, cycles := r.Int64N(12), 1+r.Int64N(14), 1+r.Int64N(3)
		s := Passes{Cycles: cycles, Rest: Remainder(r.IntN(3)), First: r.Int64N(3)}
		if s.Rest == OnlyRemainder {
			cycles, s.Cycles, s.First = 1, 1, 0
		}
		places, blocks := positions(t, NewBlocks(total, size, s), 1000)
		require.Equal(t, want(total, size, cycles, s.Rest, s.First), append([]int64{}, places...))
		for i, b := range blocks {
			require.True(t, b.Rows == size || i == len(blocks)-1)
			if s.Rest != OnlyRemainder {
				require.Equal(t, s.First+int64(i), b.Block)
				require.Equal(t, b.Block*size/total, b.Cycle)
			}
		}
	}
}

func TestEndlessGoesOn(t *testing.T) {
	places, blocks := positions(t, NewBlocks(3, 2, Passes{Cycles: -1}), 100)
	require.Len(t, blocks, 100)
	require.Equal(t, want(3, 2, 67, KeepRemainder, 0)[:200], places)
}

// TestPartsOfASequence takes blocks from one number up to another, and counts their rows before.
func TestPartsOfASequence(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 5000 {
		total, size := r.Int64N(12), 1+r.Int64N(14)
		s := Passes{Cycles: r.Int64N(5) - 1, Rest: Remainder(r.IntN(2))}
		if r.IntN(2) == 0 {
			s.Seed = seed(r.Int64N(9))
		}
		_, whole := positions(t, NewBlocks(total, size, s), 40)
		first, last := r.Int64N(20), r.Int64N(20)
		s.First, s.Last = first, &last
		b := NewBlocks(total, size, s)
		counted := b.Rows()
		_, part := positions(t, b, 40)
		n := int64(len(whole))
		require.Equal(t, append([]Block{}, whole[min(first, n):max(min(last, n), min(first, n))]...), append([]Block{}, part...))
		for _, block := range part {
			counted -= block.Rows
		}
		require.Zero(t, counted)
	}
}

func TestShuffleGivesEachBlockOnceACycle(t *testing.T) {
	cycles := int64(3)
	for _, rest := range []Remainder{KeepRemainder, DropRemainder} {
		s := Passes{Seed: seed(9), Cycles: cycles, Rest: rest}
		_, blocks := positions(t, NewBlocks(103, 10, s), 1000)
		per := 10
		if rest == KeepRemainder {
			per = 11
		}
		require.Len(t, blocks, 3*per)
		var orders [][]int64
		for c := range 3 {
			var rows []int64
			for i, b := range blocks[c*per : (c+1)*per] {
				require.EqualValues(t, c, b.Cycle)
				require.EqualValues(t, c*per+i, b.Block)
				rows = append(rows, b.Row)
			}
			if rest == KeepRemainder {
				require.EqualValues(t, 100, rows[10], "the short block comes last")
			}
			orders = append(orders, rows[:10])
			sorted := slices.Sorted(slices.Values(rows[:10]))
			require.Equal(t, []int64{0, 10, 20, 30, 40, 50, 60, 70, 80, 90}, sorted)
		}
		require.NotEqual(t, orders[0], orders[1])
		s.First = 13
		_, resumed := positions(t, NewBlocks(103, 10, s), 1000)
		require.Equal(t, blocks[13:], resumed)
	}
}

func TestShuffleRowsMixesEachBlock(t *testing.T) {
	cycles := int64(2)
	s := Passes{Seed: seed(9), Cycles: cycles}
	plain := NewBlocks(108, 10, s)
	s.Mix = true
	mixed := NewBlocks(108, 10, s)
	seen := map[string]bool{}
	for {
		a, ok := plain.Next()
		b, again := mixed.Next()
		require.Equal(t, ok, again)
		if !ok {
			break
		}
		require.Equal(t, a, b, "blocks and where they stand are those of the shuffle without it")
		all := Span{Start: 7, Step: 2, N: 108}
		straight, got := spread(plain.Runs(all, a), a.Rows), spread(mixed.Runs(all, b), b.Rows)
		require.ElementsMatch(t, straight, got)
		require.False(t, slices.Equal(straight, got))
		require.Equal(t, got, spread(mixed.Runs(all, b), b.Rows), "the same each time it is asked")
		require.False(t, seen[fmt.Sprint(got)], "another order each cycle")
		seen[fmt.Sprint(got)] = true
	}
	require.Len(t, seen, 22)
}

func TestAlignedBatchesEndAtChunks(t *testing.T) {
	b := NewBlocks(100, 30, Once())
	b.Align = 7
	places, blocks := positions(t, b, 100)
	require.Equal(t, want(100, 30, 1, KeepRemainder, 0), places)
	require.Equal(t, []int64{7, 30, 30, 30, 3}, []int64{blocks[0].Rows, blocks[1].Rows, blocks[2].Rows, blocks[3].Rows, blocks[4].Rows})
}

func TestBlocksThatAreTooLarge(t *testing.T) {
	for _, c := range []struct {
		total, size int64
		p           Passes
		fine        bool
	}{
		{total: 10, size: 1 << 62, p: Once(), fine: true}, // as many rows as there are
		{total: 10, size: 1 << 62, p: Passes{Cycles: -1}},
		{total: 10, size: 1 << 62, p: Passes{Cycles: 1 << 40}},
		{total: 10, size: 1 << 62, p: Passes{Cycles: 3}, fine: true},
		{total: 10, size: 10 << 20, p: Passes{Cycles: -1}, fine: true},
		{total: 0, size: 1 << 62, p: Passes{Cycles: -1}, fine: true},
		{total: 1 << 40, size: 1, p: Passes{Seed: seed(1), Cycles: 1}},
		{total: 1 << 40, size: 1 << 20, p: Passes{Seed: seed(1), Cycles: 1}, fine: true},
	} {
		err := NewBlocks(c.total, c.size, c.p).Check()
		if c.fine {
			require.NoError(t, err)
		} else {
			require.ErrorIs(t, err, fault.Exhausted)
		}
	}
}

func TestTimes(t *testing.T) {
	require.EqualValues(t, 6, Times(2, 3))
	require.EqualValues(t, 0, Times(1<<62, 0))
	require.Equal(t, End62, Times(1<<40, 1<<40))
	require.Equal(t, End62, Times(3, 1<<62))
}

func seed(v int64) *int64 { return &v }
