package reader

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/stretchr/testify/require"
)

// become makes a file what a state of it is, in place, as its writer does.
func become(t *testing.T, path string, state int) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("testdata/follow/state%d.h5", state))
	require.NoError(t, err)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	require.NoError(t, err)
	_, err = f.WriteAt(b, 0)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func TestFollow(t *testing.T) {
	for name, k := range map[string]struct {
		stream Stream
		where  string   // what every second row meets; none: all are asked for
		rows   [3]int32 // after each state
	}{
		"all":                 {Stream{Follow: true}, "", [3]int32{100, 250, 600}},
		"blocks":              {Stream{Follow: true, BlockRows: 40}, "", [3]int32{80, 240, 600}},
		"found":               {Stream{Follow: true}, "x % 2 == 0", [3]int32{100, 250, 600}},
		"blocks of the found": {Stream{Follow: true, BlockRows: 20}, "x % 2 == 0", [3]int32{80, 240, 600}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := NewEngine(Config{Workers: 2, InProcess: true})
			require.NoError(t, err)
			defer func() { require.NoError(t, e.Close()) }()
			path := filepath.Join(t.TempDir(), "f.h5")
			become(t, path, 0)
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
			defer cancel()
			f, err := e.Open(ctx, location.Location{Path: path})
			require.NoError(t, err)
			d, err := f.Dataset(ctx, "/x")
			require.NoError(t, err)
			r, step := Request{Stream: &k.stream}, int32(1)
			if k.where != "" {
				r.Where, step = &k.where, 2
			}
			p, err := d.Plan(ctx, r)
			require.NoError(t, err)
			require.EqualValues(t, -1, p.Rows())
			run := p.Run(ctx)
			defer run.Release()
			next := int32(0)
			for state, rows := range k.rows {
				become(t, path, state)
				for next < rows {
					require.True(t, run.Next(), "%v", run.Err())
					require.EqualValues(t, next/step, run.Block().Row)
					for _, v := range run.Record().Column(0).(*array.Int32).Int32Values() {
						require.Equal(t, next, v)
						next += step
					}
				}
				require.Equal(t, rows, next)
			}
			require.NoError(t, os.Truncate(path, 100))
			require.False(t, run.Next())
			require.ErrorIs(t, run.Err(), ErrChanged)
		})
	}
}

// TestFollowToALimit: the file that grew meanwhile is still the one that was followed.
func TestFollowToALimit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.h5")
	become(t, path, 0)
	limit := int64(120)
	p, err := frameOf(t, opened(t, path, 64<<20), "/x").Plan(t.Context(), Request{Limit: &limit, Stream: &Stream{Follow: true}})
	require.NoError(t, err)
	run := p.RunMapped(t.Context())
	defer run.Release()
	rows := int64(0)
	for run.Next() {
		rows += run.Record().NumRows()
		become(t, path, 1)
	}
	require.NoError(t, run.Err())
	require.Equal(t, limit, rows)
	require.NoError(t, run.Settle())
}

// TestFollowAPage follows from an offset to a limit, and from a block on: the same rows.
func TestFollowAPage(t *testing.T) {
	e, err := NewEngine(Config{Workers: 2, InProcess: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	path := filepath.Join(t.TempDir(), "f.h5")
	become(t, path, 1)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	f, err := e.Open(ctx, location.Location{Path: path})
	require.NoError(t, err)
	d, err := f.Dataset(ctx, "/x")
	require.NoError(t, err)
	limit, even := int64(90), "x % 2 == 0"
	for from, rows := range map[int64]int32{0: 90, 2: 50, 5: 0} {
		for step, r := range map[int32]Request{1: {Offset: 30}, 2: {Offset: 15, Where: &even}} {
			r.Limit, r.Stream = &limit, &Stream{Follow: true, BlockRows: 20, FromBlock: from}
			p, err := d.Plan(ctx, r)
			require.NoError(t, err)
			run := p.Run(ctx)
			next := 30 + step*20*int32(from)
			for run.Next() {
				for _, v := range run.Record().Column(0).(*array.Int32).Int32Values() {
					require.Equal(t, next, v)
					next += step
				}
			}
			require.NoError(t, run.Err())
			require.Equal(t, max(30+step*20*int32(from), 30+step*int32(limit)), next, "from %d: %d rows", from, rows)
			run.Release()
		}
	}
}

// TestFollowCountsWhatItFound looks at a file twice without giving rows: what it found is of the budget until it ends.
func TestFollowCountsWhatItFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.h5")
	become(t, path, 0)
	f := opened(t, path, 64<<20) // checks that everything was given back
	second := "x % 2 == 1"
	p, err := frameOf(t, f, "/x").Plan(t.Context(), Request{Where: &second, Stream: &Stream{Follow: true, BlockRows: 1000}})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	run := p.Run(ctx)
	ended := make(chan bool)
	go func() { ended <- run.Next() }()
	for state, rows := range []int64{50, 125} {
		become(t, path, state)
		require.Eventually(t, func() bool {
			used, _ := f.eng.Memory()
			return used >= 8*rows
		}, time.Minute, 10*time.Millisecond)
	}
	stop()
	require.False(t, <-ended, "there is no whole block")
	require.ErrorIs(t, run.Err(), context.Canceled)
	run.Release()
}

// TestFollowByAnyStep: the row after the last one is far behind every row, not before the first.
func TestFollowByAnyStep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.h5")
	become(t, path, 0)
	p, err := frameOf(t, opened(t, path, 64<<20), "/x").Plan(t.Context(), Request{Start: num(5), Step: num(math.MaxInt64), Stream: &Stream{Follow: true}})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	run := p.Run(ctx)
	defer run.Release()
	require.True(t, run.Next())
	require.Equal(t, []int32{5}, run.Record().Column(0).(*array.Int32).Int32Values())
	become(t, path, 1)
	defer time.AfterFunc(time.Second, stop).Stop()
	require.False(t, run.Next())
	require.ErrorIs(t, run.Err(), context.Canceled)
}
