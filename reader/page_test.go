package reader

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/match"
	"github.com/stretchr/testify/require"
)

// rowsOf is column row of the blocks a request gives, and the first places that its blocks say.
func rowsOf(t *testing.T, d *Dataset, r Request) (rows, firsts []int64) {
	t.Helper()
	p, err := d.Plan(context.Background(), r)
	require.NoError(t, err)
	run := p.Run(context.Background())
	defer run.Release()
	for run.Next() {
		for i := range run.Record().Column(0).Len() {
			v, err := strconv.ParseInt(run.Record().Column(0).ValueStr(i), 10, 64)
			require.NoError(t, err)
			rows = append(rows, v)
		}
		firsts = append(firsts, run.Block().Row)
	}
	require.NoError(t, run.Err())
	if n := p.Rows(); n >= 0 {
		require.EqualValues(t, n, len(rows))
	}
	return rows, firsts
}

// TestOffsetIsASliceOfTheResult draws requests of every kind and compares with slicing their whole result.
func TestOffsetIsASliceOfTheResult(t *testing.T) {
	rng, pick := rand.New(rand.NewPCG(21, 22)), sampled(23)
	for _, table := range []string{"/long", "/full9"} {
		memory := map[string]int64{"/long": 4 << 20, "/full9": 64 << 20}[table]
		d, err := indexed(t, memory).Dataset(context.Background(), table)
		require.NoError(t, err)
		few, many, none, all := "i4 == 3", "i4 > 0", "1 > 2", "1 < 2"
		mask := make([]bool, d.rows())
		for i := range mask {
			mask[i] = rng.IntN(3) == 0
		}
		scattered := make([]int64, 30000)
		for i := range scattered {
			scattered[i] = rng.Int64N(d.rows())
		}
		requests := map[string]Request{
			"all": {}, "slice": {Start: num(17), Step: num(3)}, "back": {Step: num(-7)}, "few": {Where: &few}, "many": {Where: &many},
			"none": {Where: &none}, "constant": {Where: &all, Start: num(5)}, "scan": {Where: &many, Index: match.IndexOff},
			"back where": {Where: &many, Step: num(-2)},
			"sorted":     {SortBy: "i4"}, "sorted back": {SortBy: "i4", Step: num(-3)}, "sorted where": {SortBy: "i4", Where: &many},
			"coordinates": {Coordinates: scattered}, "mask": masking(mask),
		}
		if table == "/full9" {
			requests["index"] = Request{Where: &few, Index: match.IndexOnly}
			requests["index's order"] = Request{SortBy: "i4", CheckCSI: true, Step: num(2)}
		}
		for name, r := range requests {
			r.Fields = []string{"row"}
			whole, _ := rowsOf(t, d, r)
			n := int64(len(whole))
			for _, offset := range []int64{0, 1, rng.Int64N(n + 2), n - 1, n, n + 1, math.MaxInt64} {
				for _, limit := range []int64{-1, 0, 1, rng.Int64N(n + 1), math.MaxInt64} {
					if !pick() {
						continue
					}
					q := r
					q.Offset = max(0, offset)
					want := whole[min(q.Offset, n):]
					if limit >= 0 {
						q.Limit, want = &limit, want[:min(limit, int64(len(want)))]
					}
					got, _ := rowsOf(t, d, q)
					require.True(t, slices.Equal(want, got), "%s offset %d limit %d of %d: %d rows, not %d", name, q.Offset, limit, n, len(got), len(want))
					requireBlocks(t, d, q, want)
				}
			}
		}
	}
}

// requireBlocks compares a stream's blocks from any one on, which count from the offset.
func requireBlocks(t *testing.T, d *Dataset, r Request, want []int64) {
	size, from := max(1, int64(len(want)/5)), int64(2)
	r.Stream = &Stream{BlockRows: size, FromBlock: from}
	got, firsts := rowsOf(t, d, r)
	want = want[min(size*from, int64(len(want))):]
	require.True(t, slices.Equal(want, got))
	if len(firsts) > 0 {
		require.Equal(t, size*from, firsts[0])
	}
}

func TestSplitBehindAnOffset(t *testing.T) {
	d, err := indexed(t, 64<<20).Dataset(context.Background(), "/long")
	require.NoError(t, err)
	r := Request{Fields: []string{"row"}, Start: num(5), Step: num(2), Offset: 1001, Limit: num(7777)}
	want, _ := rowsOf(t, d, r)
	p, err := d.Plan(context.Background(), r)
	require.NoError(t, err)
	var got []int64
	parts := p.Split(4)
	for _, part := range parts {
		rows, _ := rowsOf(t, d, part)
		got = append(got, rows...)
	}
	require.Greater(t, len(parts), 1)
	require.Equal(t, want, got)
}

// TestOffsetReadsNothingBefore counts the chunks that are decoded.
func TestOffsetReadsNothingBefore(t *testing.T) {
	withStats(t, clustered(t), Config{Workers: 1}, func(f *File) {
		d := frameOf(t, f, "/wide")
		rows, chunks := loads(t, d, Request{Fields: []string{"wide"}, Offset: 40 << 15, Limit: num(5), Index: match.IndexOff})
		require.EqualValues(t, 5, rows)
		require.EqualValues(t, 1, chunks, "of 64")
		r := ask("wide >= 0")
		r.Offset, r.Limit, r.Index = 1<<15, num(5), match.IndexOff
		rows, chunks = loads(t, d, r)
		require.EqualValues(t, 5, rows)
		require.LessOrEqual(t, chunks, int64(3), "of 64: those of the rows passed over, and of the rows")
	})
}

func TestHostileBlocksAreRefusedBeforeTheyTakeMemory(t *testing.T) {
	f := opened(t, "../testdata/layouts.h5", 64<<20)
	_, err := frameOf(t, f, "/line").Plan(t.Context(), Request{Stream: &Stream{Cyclic: true, BlockRows: 1 << 62}})
	require.ErrorIs(t, err, fault.Exhausted)
	condition := "line >= 0"
	p, err := frameOf(t, f, "/line").Plan(t.Context(), Request{Where: &condition, Stream: &Stream{Cyclic: true, BlockRows: 1 << 62}})
	require.NoError(t, err)
	run := p.Run(t.Context())
	defer run.Release()
	require.False(t, run.Next())
	require.ErrorIs(t, run.Err(), fault.Exhausted)
}

// masking is a request for the rows that are set.
func masking(rows []bool) (r Request) {
	r.SetMask(rows)
	return r
}
