package reader

import (
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/objectstore/storetest"
)

// TestBlockCacheOfStores: what was read once is not asked for again, by another engine neither, but for whether the object is the same;
// faults leave nothing wrong in it.
func TestBlockCacheOfStores(t *testing.T) {
	objectstore.FirstRest = time.Millisecond
	defer func() { objectstore.FirstRest = 100 * time.Millisecond }()
	s, _ := stored(t)
	dir, local := t.TempDir(), Location{Path: "../testdata/tables.h5"}
	remote, err := At(s.Root("testdata/tables.h5"))
	require.NoError(t, err)
	where := "id > 3"
	all := []Request{{Dataset: "/events"}, {Dataset: "/events", Where: &where}}
	reads := func(e *Engine, faulty bool) {
		for _, r := range all {
			_, want, err := wholeOf(t.Context(), e, local, r)
			require.NoError(t, err)
			_, got, err := wholeOf(t.Context(), e, remote, r)
			if faulty && err != nil {
				require.NotNil(t, fault.Of(err), err)
			} else {
				require.NoError(t, err)
				equalRows(t, want, got, r.Dataset)
			}
			letGo(want)
			letGo(got)
		}
	}
	var draws atomic.Int64
	s.Fail(func(*http.Request) storetest.Fault {
		r := rand.New(rand.NewPCG(13, uint64(draws.Add(1))))
		return storetest.Fault(r.IntN(3*int(storetest.Hang))) % storetest.Hang * storetest.Fault(r.IntN(2))
	})
	for range 5 {
		reads(blocksEngine(t, dir), true)
	}
	s.Fail(nil)
	reads(blocksEngine(t, dir), false)
	e := blocksEngine(t, dir)
	before := s.Requests.Load()
	reads(e, false)
	require.EqualValues(t, 1+len(all)-1, s.Requests.Load()-before, "the object is opened, then looked at")
	s.Fail(func(*http.Request) storetest.Fault { return storetest.Wrong })
	_, _, err = wholeOf(t.Context(), e, remote, all[0])
	require.ErrorIs(t, err, fault.Denied, "who may not read the object any more does not get it from the cache")
}
