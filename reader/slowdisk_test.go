package reader

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
)

// hanging has reads of files of a name hang until they are let go, or the test ends.
func hanging(t *testing.T, name string) (letGo func()) {
	t.Helper()
	gone := make(chan struct{})
	var out sync.RWMutex
	hang := func(f *os.File) {
		if filepath.Base(f.Name()) == name {
			out.RLock()
			defer out.RUnlock()
			<-gone
		}
	}
	disks.Hang.Store(&hang)
	letGo = sync.OnceFunc(func() { close(gone) })
	t.Cleanup(func() {
		letGo()
		out.Lock() // until all are out
		defer out.Unlock()
		disks.Hang.Store(nil)
	})
	return letGo
}

// TestDeadDiskCostsItsOwn: while streams of a file whose disk hangs wait, those of another are read by the one worker; they end with
// their file's name, and neither runs nor the engine wait for what hangs.
func TestDeadDiskCostsItsOwn(t *testing.T) {
	dir := t.TempDir()
	slow, good := filepath.Join(dir, "slow.h5"), filepath.Join(dir, "good.h5")
	copied(t, "../testdata/layouts.h5", slow)
	copied(t, "../testdata/layouts.h5", good)
	e, err := NewEngine(Config{Workers: 1, InProcess: true, ReadTimeout: time.Hour})
	require.NoError(t, err)
	ctx := context.Background()
	plan := func(path string) *Plan {
		f, err := e.Open(ctx, Location{Path: path})
		require.NoError(t, err)
		d, err := f.Dataset(ctx, "/chunked")
		require.NoError(t, err)
		p, err := d.Plan(ctx, Request{})
		require.NoError(t, err)
		return p
	}
	read := func(p *Plan) (rows int64, err error) {
		r := p.Run(ctx)
		defer r.Release()
		for r.Next() {
			rows += r.Record().NumRows()
		}
		return rows, r.Err()
	}
	hang, well := plan(slow), plan(good)
	letGo := hanging(t, "slow.h5")
	var streams sync.WaitGroup
	for range 8 {
		streams.Go(func() {
			_, err := read(hang)
			require.ErrorIs(t, err, fault.Unavailable)
			require.ErrorContains(t, err, "slow.h5")
		})
	}
	require.Eventually(t, func() bool { return e.Counters().Disks[0].Calls > 0 }, time.Minute, time.Millisecond)
	for range 5 {
		n, err := read(well)
		require.NoError(t, err)
		require.Positive(t, n)
	}
	e.Disks().End()
	streams.Wait()
	require.Positive(t, e.Counters().Disks[0].Calls)
	require.NoError(t, e.Close())
	letGo()
	require.Eventually(t, func() bool { used, _ := e.Memory(); return used == 0 }, time.Minute, time.Millisecond)
}

// TestDeadDiskOfASource: what a disk did not tell is not absent: no fill values, nothing kept, no witness.
func TestDeadDiskOfASource(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"growing_latest.h5", "source0.h5", "source1.h5"} {
		copied(t, filepath.Join(virtualData, name), filepath.Join(dir, name))
	}
	ctx := context.Background()
	all := func(e *Engine, name string) (string, error) {
		f, err := e.Open(ctx, Location{Path: filepath.Join(dir, "growing_latest.h5")})
		require.NoError(t, err)
		d, err := f.Dataset(ctx, name)
		if err != nil {
			return "", err
		}
		p, err := d.Plan(ctx, Request{})
		if err != nil {
			return "", err
		}
		r := p.Run(ctx)
		defer r.Release()
		var out []byte
		for r.Next() {
			rows, err := r.Record().MarshalJSON()
			require.NoError(t, err)
			out = append(out, rows...)
		}
		return string(out), r.Err()
	}
	e, err := NewEngine(Config{Workers: 2, InProcess: true, ReadTimeout: 500 * time.Millisecond})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	values := map[string]string{}
	for name := range readWanted(t)["growing_latest.h5"] {
		values[name], err = all(e, "/"+name)
		require.NoError(t, err)
	}
	letGo := hanging(t, "source1.h5")
	e.Refresh(filepath.Join(dir, "source1.h5"))
	e.Refresh(filepath.Join(dir, "growing_latest.h5"))
	missing := 0
	for name, want := range values {
		got, err := all(e, "/"+name)
		if err == nil {
			require.Equal(t, want, got, name)
			continue
		}
		require.ErrorIs(t, err, fault.Unavailable, name)
		missing++
	}
	require.Positive(t, missing)
	require.Zero(t, e.Witnessed())
	letGo()
	require.Eventually(t, func() bool {
		for name, want := range values {
			if got, err := all(e, "/"+name); err != nil || got != want {
				return false
			}
		}
		return true
	}, time.Minute, 10*time.Millisecond)
}
