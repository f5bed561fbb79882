package reader

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// hangTimeout is waited for, and leaves helpers the time to start where many tests run.
const hangTimeout = 10 * time.Second

// misbehaving is an engine with a good plug-in of 399 and one of 398 that does as told.
func misbehaving(t *testing.T, how string, most time.Duration) *Engine {
	t.Helper()
	dir := t.TempDir()
	compile(t, filepath.Join(dir, "libgood.so"), "-DID=399")
	compile(t, filepath.Join(dir, "libodd.so"), "-DID=398", "-D"+how)
	return engineWith(t, dir, Config{Helpers: 1, CallTimeout: most})
}

// failure is what comes of reading a dataset.
func failure(t *testing.T, e *Engine, file, name string) error {
	t.Helper()
	d, err := pluginFile(t, e, file).Dataset(context.Background(), name)
	require.NoError(t, err)
	p, err := d.Plan(context.Background(), Request{})
	require.NoError(t, err)
	run := p.Run(context.Background())
	defer run.Release()
	for run.Next() {
		t.Error("values of it are given out")
	}
	return run.Err()
}

// A plug-in that misbehaves costs the read, which says what happened; other plug-ins and files never suffer.
func TestPluginsThatMisbehave(t *testing.T) {
	const died, refused = "its plug-in ended the helper process (", "plug-ins ended helper processes on this file"
	const rests = "crash.h5: helper processes took longer than 10s twice"
	for how, says := range map[string][]string{
		"CRASH":  {died, refused, refused},
		"FREES":  {died, refused, refused},
		"WRITES": {died, refused, refused},
		"HANG":   {died + "stopped after 10s)", died + "stopped after 10s)", rests},
		"FAIL":   {"its plug-in could not decode 20 bytes", "its plug-in could not decode 20 bytes"},
		"LIES":   {"its plug-in tells of 1099511627776 bytes and gives 24", "its plug-in tells of"},
		"FEWER":  {"10 bytes decoded where the chunk has 20", "10 bytes decoded where the chunk has 20"},
	} {
		t.Run(how, func(t *testing.T) {
			most := time.Minute
			if how == "HANG" {
				most = hangTimeout
			}
			e := misbehaving(t, how, most)
			for _, want := range says {
				err := failure(t, e, "crash.h5", "/crash")
				kind := error(fault.DataLoss)
				if want == rests {
					kind = fault.Unavailable
				}
				require.ErrorIs(t, err, kind)
				require.ErrorContains(t, err, "crash.h5 /crash: chunk 0 at address 3496: filter: decode filter 398 (not registered): "+want)
				require.Equal(t, ascending[int32](385, true), elementsOf[int32](t, pluginFile(t, e, "own.h5"), "/flip", Request{}))
			}
		})
	}
}

// Plug-ins may give a buffer of their own, or more than the chunk, whose first bytes count.
func TestPluginsMayGiveOtherBuffers(t *testing.T) {
	for _, how := range []string{"OWN", "MORE"} {
		e := misbehaving(t, how, time.Minute)
		require.Equal(t, ascending[int32](5, false), elementsOf[int32](t, pluginFile(t, e, "crash.h5"), "/crash", Request{}), how)
	}
}
