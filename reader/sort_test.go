package reader

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// TestSortingGivesEverythingBack ends runs early; opened checks that no byte of the budget stays in use.
func TestSortingGivesEverythingBack(t *testing.T) {
	for _, memory := range []int64{4 << 20, 64 << 20} {
		f := indexed(t, memory)
		d, err := f.Dataset(context.Background(), "/long")
		require.NoError(t, err)
		p, err := d.Plan(context.Background(), Request{SortBy: "i4", BatchRows: 100, Stream: &Stream{Cyclic: true}})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		run := p.Run(ctx)
		require.True(t, run.Next())
		run.Release()
		run = p.Run(ctx)
		cancel()
		require.False(t, run.Next())
		require.ErrorIs(t, run.Err(), context.Canceled)
		run.Release()
	}
}

func TestSortingWithoutDiskFails(t *testing.T) {
	f := indexed(t, 4<<20)
	d, err := f.Dataset(context.Background(), "/long")
	require.NoError(t, err)
	t.Setenv("TMPDIR", "/no/such/folder")
	p, err := d.Plan(context.Background(), Request{SortBy: "i4"})
	require.NoError(t, err)
	run := p.Run(context.Background())
	defer run.Release()
	require.False(t, run.Next())
	require.ErrorIs(t, run.Err(), fault.Exhausted)
	require.NotContains(t, run.Err().Error(), "/no/such/folder")
}

// TestSortedEndlesslyAndFromAnyBlock holds streams of sorted rows to one pass over them.
func TestSortedEndlesslyAndFromAnyBlock(t *testing.T) {
	for _, memory := range []int64{4 << 20, 64 << 20} {
		f := indexed(t, memory)
		d, err := f.Dataset(context.Background(), "/long")
		require.NoError(t, err)
		once := column(t, d, Request{Fields: []string{"row"}, SortBy: "i4"})
		cycles := int64(2)
		got := column(t, d, Request{Fields: []string{"row"}, SortBy: "i4", Stream: &Stream{Cyclic: true, Cycles: &cycles, BlockRows: 999, FromBlock: 7}})
		require.Equal(t, append(slices.Clone(once.Num), once.Num...)[7*999:], got.Num)
	}
}

func TestCoordinatesAsTheyAreListed(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for _, memory := range []int64{4 << 20, 64 << 20} {
		d, err := indexed(t, memory).Dataset(context.Background(), "/long")
		require.NoError(t, err)
		for _, n := range []int{1, 30000, 70000} {
			rows := make([]int64, n)
			for i := range rows {
				rows[i] = r.Int64N(40000)
			}
			got := column(t, d, Request{Fields: []string{"row"}, Coordinates: rows, BatchRows: 5000})
			for i, v := range got.Num {
				require.Equal(t, rows[i], int64(v^1<<63))
			}
			require.Len(t, got.Num, n)
		}
	}
}

// TestBatchesOfSortedRowsCountTheirPlanning: a row that lies alone takes more to plan than a narrow column's value.
func TestBatchesOfSortedRowsCountTheirPlanning(t *testing.T) {
	d, err := indexed(t, 64<<20).Dataset(context.Background(), "/long")
	require.NoError(t, err)
	p, err := d.Plan(context.Background(), Request{SortBy: "s", Fields: []string{"row"}})
	require.NoError(t, err)
	require.LessOrEqual(t, p.of.(single).scan.Size*fill.RunBytes, int64(2*fill.DefaultBatch))
}

// brokenRows are rows of which not all could be read.
type brokenRows struct{ rows.Span }

func (brokenRows) Broken() error { return fault.New(fault.Exhausted, "no room") }

// TestRunTellsOfRowsThatCouldNotBeRead: batches of such rows are given to nobody.
func TestRunTellsOfRowsThatCouldNotBeRead(t *testing.T) {
	p, err := frameOf(t, opened(t, "testdata/follow/state2.h5", 64<<20), "/x").Plan(context.Background(), Request{})
	require.NoError(t, err)
	p.of.(single).scan.Rows = brokenRows{rows.Span{Step: 1, N: 2}}
	given := 0
	err = planned{p}.Each(context.Background(), func(arrow.Record) bool { given++; return true })
	require.ErrorIs(t, err, fault.Exhausted)
	require.Zero(t, given)
}
