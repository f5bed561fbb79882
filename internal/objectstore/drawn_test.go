package objectstore_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/blockcache"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/disks"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/objectstore/storetest"
)

// TestDrawnFaults: whatever a store does, a read gives the bytes of the version that was opened, or an error of a kind, without what may
// be a secret; and it ends. MTFLIGHT_FAULTS=5000 draws as many cases.
func TestDrawnFaults(t *testing.T) {
	cases, err := strconv.Atoi(cmp.Or(os.Getenv("MTFLIGHT_FAULTS"), "25"))
	require.NoError(t, err)
	s := storetest.New(t)
	var right, failed atomic.Int64
	for seed := range cases {
		d := &drawnCase{t: t, s: s, rand: rand.New(rand.NewPCG(uint64(seed), 5)), name: fmt.Sprintf("case %d", seed), right: &right, failed: &failed}
		d.run()
		require.False(t, t.Failed(), d.name)
	}
	t.Logf("%d cases: %d reads right, %d errors", cases, right.Load(), failed.Load())
	require.Positive(t, right.Load())
	require.Positive(t, failed.Load())
}

type drawnCase struct {
	t             *testing.T
	s             *storetest.Server
	rand          *rand.Rand
	name          string
	right, failed *atomic.Int64

	mu       sync.Mutex        // of versions
	versions map[string][]byte // by ETag
	first    []byte
}

func (d *drawnCase) run() {
	d.put()
	rate, hangs := []int{0, 2, 5, 10}[d.rand.IntN(4)], d.rand.IntN(50) == 0
	limit := time.Minute
	if hangs {
		limit = 20 * time.Millisecond
	}
	faults, changes := d.rand.Uint64(), d.rand.IntN(3) == 0
	var asked atomic.Uint64
	d.s.Fail(func(*http.Request) storetest.Fault {
		r := rand.New(rand.NewPCG(faults, asked.Add(1)))
		f := storetest.None
		if r.IntN(10) < rate {
			f = storetest.Fault(r.IntN(int(storetest.Hang)-1) + 1)
		}
		if hangs && r.IntN(3) == 0 {
			f = storetest.Hang
		}
		return f
	})
	defer d.s.Fail(nil)
	m := &bufpool.Memory{Budget: bufpool.NewBudget(64<<20, time.Minute), Pool: bufpool.NewPool(64 << 20)}
	on := disks.New(disks.Config{Limit: limit})
	defer on.End()
	blocks := objectstore.NewBlocks(m, []int64{0, 300 << 10, 8 << 20}[d.rand.IntN(3)], d.disk(on))
	defer func() {
		blocks.Close()
		require.Zero(d.t, m.Budget.Used(), d.name)
	}()
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	root, err := objectstore.Parse(d.s.Root("a"))
	require.NoError(d.t, err)
	d.list(ctx, root, on)
	o, err := root.Open(ctx, on, blocks, root.Place()+"/x.h5")
	if err != nil {
		d.bad(err)
		require.False(d.t, rate == 0 && !hangs, "%s: %v", d.name, err)
		return
	}
	var all sync.WaitGroup
	for range 3 {
		seed := d.rand.Uint64()
		all.Go(func() { d.reads(ctx, o, rand.New(rand.NewPCG(seed, 1)), rate == 0 && !hangs && !changes) })
	}
	if changes {
		d.change()
	}
	all.Wait()
}

// disk is a block cache, or none.
func (d *drawnCase) disk(on *disks.Disks) *blockcache.Cache {
	if d.rand.IntN(2) == 0 {
		return nil
	}
	c, err := blockcache.Open(on, d.t.TempDir(), blockcache.Least)
	require.NoError(d.t, err)
	return c
}

// put puts another version of the object, of bytes that tell it from others.
func (d *drawnCase) put() {
	b := make([]byte, 1+d.rand.IntN(2<<20))
	_, _ = rand.NewChaCha8([32]byte{byte(d.rand.Uint32()), byte(d.rand.Uint32())}).Read(b)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.versions == nil {
		d.versions, d.first = map[string][]byte{}, b
	}
	d.versions[storetest.Tag(b)] = b
	d.s.Put("a/x.h5", b)
}

func (d *drawnCase) change() {
	if d.rand.IntN(2) == 0 {
		d.put()
	} else {
		d.s.Delete("a/x.h5")
	}
}

func (d *drawnCase) reads(ctx context.Context, o *objectstore.Object, r *rand.Rand, must bool) {
	d.mu.Lock()
	want := d.versions[o.Info().Tag]
	if want == nil {
		want = d.first // the store told another ETag, which no later range has
	}
	d.mu.Unlock()
	for range 4 {
		size := o.Info().Size
		off := r.Int64N(size)
		p := make([]byte, 1+r.Int64N(size-off))
		var err error
		if r.IntN(2) == 0 {
			err = o.Read(ctx, p, off)
		} else {
			_, err = o.ReadAt(ctx, p, off)
		}
		if err != nil {
			d.bad(err)
			if must {
				d.t.Errorf("%s: %v", d.name, err)
			}
			continue
		}
		d.right.Add(1)
		if end := off + int64(len(p)); end > int64(len(want)) || !bytes.Equal(want[off:end], p) {
			d.t.Errorf("%s: other bytes at %d", d.name, off)
		}
	}
}

// bad looks at an error.
func (d *drawnCase) bad(err error) {
	d.failed.Add(1)
	if fault.Of(err) == nil {
		d.t.Errorf("%s: of no kind: %v", d.name, err)
	}
	for _, secret := range []string{"secret", "AKIA", "127.0.0.1", "169.254", "anonymous"} {
		if strings.Contains(err.Error(), secret) {
			d.t.Errorf("%s: it tells %s: %v", d.name, secret, err)
		}
	}
}

func (d *drawnCase) list(ctx context.Context, root *objectstore.Root, on *disks.Disks) {
	var found []string
	err := root.List(ctx, on, "", func(place string, _ int64) error { found = append(found, place); return nil })
	if err != nil {
		d.bad(err)
	} else if len(found) != 1 || found[0] != root.Place()+"/x.h5" {
		d.t.Errorf("%s: lists %v", d.name, found)
	}
	_, err = root.Open(ctx, on, nil, root.Place()+"/none.h5")
	require.Error(d.t, err)
	if fault.Of(err) == fault.NotFound {
		require.ErrorIs(d.t, err, fs.ErrNotExist)
	}
}
