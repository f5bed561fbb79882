package reader

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/mtflight/mtflight/reader/internal/location"
	"github.com/stretchr/testify/require"
)

const waves = "../testdata/arrays.h5"

func TestPartsOfChunksAreKeptAndReadAlike(t *testing.T) {
	eng := cachedEngine(t, waves, -1).eng // which has no columns of them
	for _, name := range []string{"/wave/zlib", "/wave/blosc", "/wave/checked"} {
		d, err := openDataset(t, eng, location.Location{Path: waves}, name)
		require.NoError(t, err)
		all, err := readAll(d, Request{})
		require.NoError(t, err)
		before := eng.chunks.Used()
		rows := []int64{5, 1, 6, 1, -1}
		for range 2 {
			got, err := readAll(d, Request{Coordinates: rows})
			require.NoError(t, err)
			for i, r := range rows {
				r = (r + d.shape[0]) % d.shape[0]
				require.Equal(t, all[r*1024:(r+1)*1024], got[i*1024:(i+1)*1024], name)
			}
			require.Greater(t, eng.chunks.Used(), before)
		}
		require.EqualValues(t, before+3*4*4096, eng.chunks.Used(), "three chunks of four rows")
	}
	eng.Refresh(waves)
	require.Zero(t, eng.chunks.Used())
}

func TestManyReadersShareAChunk(t *testing.T) {
	eng := openEngine(t)
	d, err := openDataset(t, eng, location.Location{Path: waves}, "/wave/zlib")
	require.NoError(t, err)
	all, err := readAll(d, Request{})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 10 {
				row := int64((i*7 + g) % int(d.shape[0]))
				got, err := readAll(d, Request{Coordinates: []int64{row, (row + 9) % d.shape[0]}})
				if err != nil || got[3] != all[row*1024+3] {
					t.Error(row, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestColumnsFoundAheadAreGivenBack: a run that is left holds none of what it found in the cache of columns for later batches.
func TestColumnsFoundAheadAreGivenBack(t *testing.T) {
	allRested(t)
	const tables = "../testdata/tables.h5"
	f := cachedEngine(t, tables, 64<<20)
	d, err := f.Dataset(t.Context(), "/events")
	require.NoError(t, err)
	for _, r := range []Request{{BatchRows: 100}, {Stream: &Stream{BlockRows: 100, Cyclic: true}}, {BatchRows: 100, Fields: []string{"id"}}} {
		for range 2 {
			all, err := records(t, d, Request{BatchRows: r.BatchRows, Fields: r.Fields})
			require.NoError(t, err)
			release(all)
		}
		p, err := d.Plan(t.Context(), r)
		require.NoError(t, err)
		for n := range 5 {
			run := p.Run(t.Context())
			for range n {
				require.True(t, run.Next())
			}
			run.Release()
		}
	}
	f.eng.Refresh(tables)
	require.Zero(t, f.eng.columns.Held())
	used, _ := f.eng.Memory()
	require.Zero(t, used)
}

// TestPlansOfLoneRowsAreCounted: rows that come alone take more to be planned than to be sent.
func TestPlansOfLoneRowsAreCounted(t *testing.T) {
	f := openedBy(t, "../testdata/tables.h5", Config{InProcess: true, Memory: 64 << 20, Cache: -1})
	d, err := f.Dataset(t.Context(), "/events")
	require.NoError(t, err)
	var lone []int64
	for i := range int64(100_000) {
		lone = append(lone, 2*(i%2000))
	}
	p, err := d.Plan(t.Context(), Request{Coordinates: lone, Fields: []string{"id"}, BatchRows: 50_000})
	require.NoError(t, err)
	budget := f.eng.mem.Budget
	others := budget.Limit() - budget.Used() - budget.Limit()/smallShare - 5<<20 // 800 kB are sent, and 12 MB planned
	require.NoError(t, budget.Acquire(t.Context(), others))
	ended := make(chan int64)
	go func() {
		run := p.Run(context.Background())
		defer run.Release()
		n := int64(0)
		for run.Next() {
			n += run.Record().NumRows()
		}
		ended <- n
	}()
	require.Eventually(t, func() bool { now, _ := budget.Waits(); return now == 1 }, time.Minute, time.Millisecond)
	budget.Return(others)
	require.EqualValues(t, len(lone), <-ended)
}
