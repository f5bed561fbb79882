package reader

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/arrowtest"
	"github.com/mtflight/mtflight/internal/blockcache"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/objectstore"
	"github.com/mtflight/mtflight/internal/objectstore/storetest"
)

// stored puts the files of testdata into a store, with their paths as keys.
func stored(t *testing.T) (s *storetest.Server, names []string) {
	t.Helper()
	s = storetest.New(t)
	for _, pattern := range []string{"*.h5", "*.nc", "*.h5ad", "real/*"} {
		found, err := filepath.Glob("../testdata/" + pattern)
		require.NoError(t, err)
		names = append(names, found...)
	}
	require.Greater(t, len(names), 15)
	for _, name := range names {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		s.Put(strings.TrimPrefix(name, "../"), b)
	}
	return s, names
}

func storesEngine(t *testing.T) *Engine {
	t.Helper()
	return blocksEngine(t, "")
}

// blocksEngine has a block cache in a directory; "": it has none.
func blocksEngine(t *testing.T, dir string) *Engine {
	t.Helper()
	return engineOf(t, Config{BlockDir: dir, BlockBytes: blockcache.Least, Cache: -1})
}

func engineOf(t *testing.T, c Config) *Engine {
	t.Helper()
	c.Memory, c.NoWitness, c.Workers = 256<<20, true, 2
	e, err := NewEngine(c)
	require.NoError(t, err)
	t.Cleanup(func() {
		used, _ := e.Memory()
		require.Zero(t, used)
		require.NoError(t, e.Close())
		require.Zero(t, e.mem.Budget.Used())
	})
	return e
}

// wholeOf is all rows of a dataset as Arrow and how it is described, or why there are none.
func wholeOf(ctx context.Context, e *Engine, at Location, r Request) (told string, rows []arrow.Record, err error) {
	f, err := e.Open(ctx, at)
	if err != nil {
		return "", nil, err
	}
	d, err := f.Dataset(ctx, r.Dataset)
	if err != nil {
		return "", nil, err
	}
	text, err := json.Marshal(d.Info())
	if err != nil {
		return "", nil, err
	}
	p, err := d.Plan(ctx, r)
	if err != nil {
		return string(text), nil, err
	}
	run := p.Run(ctx)
	defer run.Release()
	for run.Next() {
		run.Record().Retain()
		rows = append(rows, run.Record())
	}
	return string(text), rows, run.Err()
}

func letGo(all []arrow.Record) {
	for _, r := range all {
		r.Release()
	}
}

// equalRows compares batches, but for the metadata that names the file.
func equalRows(t *testing.T, want, got []arrow.Record, what string) {
	t.Helper()
	require.Len(t, got, len(want), what)
	for i := range want {
		require.Equal(t, want[i].Schema().Fields(), got[i].Schema().Fields(), what)
		require.True(t, arrowtest.Same(want[i], got[i]), what)
	}
}

// unnamed is a text without a file's place.
func unnamed(text, name string) string {
	return strings.NewReplacer(name, "FILE", filepath.Dir(name), "DIR").Replace(text)
}

// TestStoredAsLocal: what is in a store is told and read as what is on disk.
func TestStoredAsLocal(t *testing.T) {
	s, names := stored(t)
	t.Run("without a block cache", func(t *testing.T) { storedAsLocal(t, s, names, "") })
	t.Run("with a block cache", func(t *testing.T) { storedAsLocal(t, s, names, t.TempDir()) })
}

func storedAsLocal(t *testing.T, s *storetest.Server, names []string, dir string) {
	e := blocksEngine(t, dir)
	datasets := 0
	for _, name := range names {
		remote, err := At(s.Root(strings.TrimPrefix(name, "../")))
		require.NoError(t, err)
		local := Location{Path: name}
		f, err := e.Open(t.Context(), local)
		g, rerr := e.Open(t.Context(), remote)
		require.Equal(t, fault.Of(err), fault.Of(rerr), "%s: %v, %v", name, err, rerr)
		if err != nil {
			continue
		}
		want, err := f.Tree(t.Context())
		require.NoError(t, err, name)
		got, err := g.Tree(t.Context())
		require.NoError(t, err, name)
		require.NotEqual(t, want.State, got.State)
		want.State, got.State = "", ""
		a, err := json.Marshal(want)
		require.NoError(t, err)
		b, err := json.Marshal(got)
		require.NoError(t, err)
		require.Equal(t, unnamed(string(a), local.Path), unnamed(string(b), remote.Name), name)
		for _, d := range want.Datasets {
			what := name + " " + d.Path
			told, rows, err := wholeOf(t.Context(), e, local, Request{Dataset: d.Path})
			again, stored, rerr := wholeOf(t.Context(), e, remote, Request{Dataset: d.Path})
			require.Equal(t, unnamed(told, local.Path), unnamed(again, remote.Name), what)
			require.Equal(t, fault.Of(err), fault.Of(rerr), "%s: %v, %v", what, err, rerr)
			if err != nil {
				require.Equal(t, unnamed(err.Error(), local.Path), unnamed(rerr.Error(), remote.Name), what)
			}
			equalRows(t, rows, stored, what)
			letGo(rows)
			letGo(stored)
			datasets++
		}
	}
	require.Greater(t, datasets, 100)
}

// TestStoredConditions: the rows that match are those on disk; a second request of metadata that is known asks little.
func TestStoredConditions(t *testing.T) {
	s, _ := stored(t)
	e := storesEngine(t)
	remote, err := At(s.Root("testdata/tables.h5"))
	require.NoError(t, err)
	local := Location{Path: "../testdata/tables.h5"}
	f, err := e.Open(t.Context(), local)
	require.NoError(t, err)
	tree, err := f.Tree(t.Context())
	require.NoError(t, err)
	for _, d := range tree.Datasets {
		if d.Kind != "table" || d.Schema == nil {
			continue
		}
		for _, field := range d.Schema.Fields() {
			if !arrow.IsInteger(field.Type.ID()) {
				continue
			}
			where := field.Name + " > 3"
			r := Request{Dataset: d.Path, Where: &where}
			_, rows, err := wholeOf(t.Context(), e, local, r)
			_, stored, rerr := wholeOf(t.Context(), e, remote, r)
			require.Equal(t, fault.Of(err), fault.Of(rerr))
			equalRows(t, rows, stored, d.Path+" "+where)
			letGo(rows)
			letGo(stored)
		}
	}
}

// TestStoredFaults: with drawn faults every answer to a drawn request is right or an error; never wrong, never hung.
// MTFLIGHT_FAULTS=5000 draws as many requests.
func TestStoredFaults(t *testing.T) {
	cases, err := strconv.Atoi(cmp.Or(os.Getenv("MTFLIGHT_FAULTS"), "150"))
	require.NoError(t, err)
	objectstore.FirstRest = time.Millisecond
	defer func() { objectstore.FirstRest = 100 * time.Millisecond }()
	s, _ := stored(t)
	e := storesEngine(t)
	var asked []storedRequest
	for _, name := range []string{"arrays.h5", "tables.h5", "types.h5", "layouts.h5"} {
		asked = append(asked, requestsOf(t, e, s, name)...)
	}
	var draws atomic.Int64
	s.Fail(func(*http.Request) storetest.Fault {
		r := rand.New(rand.NewPCG(11, uint64(draws.Add(1))))
		if r.IntN(4) > 0 {
			return storetest.None
		}
		return storetest.Fault(r.IntN(int(storetest.Hang-1)) + 1)
	})
	right, failed, r := 0, 0, rand.New(rand.NewPCG(7, 7))
	for range cases {
		one := asked[r.IntN(len(asked))]
		request := one.draw(r)
		told, rows, err := wholeOf(t.Context(), e, one.local, request)
		require.NoError(t, err)
		again, stored, err := wholeOf(t.Context(), e, one.remote, request)
		if err != nil {
			require.NotNil(t, fault.Of(err), err)
			require.NotContains(t, err.Error(), "AKIA")
			failed++
		} else {
			require.Equal(t, unnamed(told, one.local.Path), unnamed(again, one.remote.Name))
			equalRows(t, rows, stored, request.Dataset)
			right++
		}
		letGo(rows)
		letGo(stored)
	}
	t.Logf("%d requests: %d right, %d errors", cases, right, failed)
	require.Positive(t, right)
	require.Positive(t, failed)
}

// storedRequest is a dataset that can be read, on disk and in a store.
type storedRequest struct {
	local, remote Location
	dataset       string
	rows          int64
}

func requestsOf(t *testing.T, e *Engine, s *storetest.Server, name string) (all []storedRequest) {
	local := Location{Path: "../testdata/" + name}
	remote, err := At(s.Root("testdata/" + name))
	require.NoError(t, err)
	f, err := e.Open(t.Context(), local)
	require.NoError(t, err)
	tree, err := f.Tree(t.Context())
	require.NoError(t, err)
	for _, d := range tree.Datasets {
		_, rows, err := wholeOf(t.Context(), e, local, Request{Dataset: d.Path})
		if letGo(rows); err == nil && d.Rows > 0 {
			all = append(all, storedRequest{local, remote, d.Path, int64(d.Rows)})
		}
	}
	require.NotEmpty(t, all)
	return all
}

// draw asks for all rows or some.
func (d storedRequest) draw(r *rand.Rand) Request {
	request := Request{Dataset: d.dataset}
	if r.IntN(2) == 0 {
		start, step := r.Int64N(d.rows), 1+r.Int64N(3)
		request.Start, request.Step = &start, &step
	}
	return request
}

// TestStoredReplaced: a stream over an object that is replaced or deleted ends as Changed; what it gave before is of one version.
func TestStoredReplaced(t *testing.T) {
	s, _ := stored(t)
	e := storesEngine(t)
	b, err := os.ReadFile("../testdata/arrays.h5")
	require.NoError(t, err)
	for name, become := range map[string]func(){
		"replaced": func() { s.Put("testdata/arrays.h5", append(b[:len(b):len(b)], 0)) },
		"deleted":  func() { s.Delete("testdata/arrays.h5") },
	} {
		s.Put("testdata/arrays.h5", b)
		at, err := At(s.Root("testdata/arrays.h5"))
		require.NoError(t, err)
		f, err := e.Open(t.Context(), at)
		require.NoError(t, err)
		tree, err := f.Tree(t.Context())
		require.NoError(t, err)
		changed := 0
		for _, info := range tree.Datasets {
			s.Put("testdata/arrays.h5", b)
			d, err := f.Dataset(t.Context(), info.Path)
			require.NoError(t, err)
			p, err := d.Plan(t.Context(), Request{Dataset: info.Path})
			require.NoError(t, err)
			become()
			run := p.Run(t.Context())
			for run.Next() {
			}
			if errors.Is(run.Err(), fault.Changed) {
				changed++
			}
			run.Release()
			if changed > 0 {
				require.ErrorIs(t, run.Err(), fault.Changed, "what is read behind it: %s", info.Path)
				break
			}
		}
		require.Positive(t, changed, name)
	}
}

// TestStoredIsNotFollowed: objects don't grow.
func TestStoredIsNotFollowed(t *testing.T) {
	s, _ := stored(t)
	at, err := At(s.Root("testdata/tables.h5"))
	require.NoError(t, err)
	e := storesEngine(t)
	f, err := e.Open(t.Context(), at)
	require.NoError(t, err)
	tree, err := f.Tree(t.Context())
	require.NoError(t, err)
	_, _, err = wholeOf(t.Context(), e, at, Request{Dataset: tree.Datasets[0].Path, Stream: &Stream{Follow: true}})
	require.ErrorIs(t, err, fault.Unsupported)
	require.NotErrorIs(t, err, io.EOF)
}

// TestAskedOfStores: a file that is known is asked for once a request, and its metadata not again.
func TestAskedOfStores(t *testing.T) {
	s, _ := stored(t)
	at, err := At(s.Root("testdata/tables.h5"))
	require.NoError(t, err)
	e := storesEngine(t)
	before := int64(0)
	for i, most := range []int64{4, 1, 1} {
		f, err := e.Open(t.Context(), at)
		require.NoError(t, err)
		_, err = f.Tree(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, s.Requests.Load()-before, most, "request %d", i)
		before = s.Requests.Load()
	}
}

// TestStoredRangesAreLarge: neighbouring chunks come as one range.
func TestStoredRangesAreLarge(t *testing.T) {
	s, _ := stored(t)
	e, err := NewEngine(Config{Memory: 1 << 30, NoWitness: true, Workers: 2, InProcess: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, e.Close()) }()
	at, err := At(s.Root("testdata/tables.h5"))
	require.NoError(t, err)
	f, err := e.Open(t.Context(), at)
	require.NoError(t, err)
	d, err := f.Dataset(t.Context(), "/events")
	require.NoError(t, err)
	require.Greater(t, int64(d.Info().Bytes), int64(256<<10))
	p, err := d.Plan(t.Context(), Request{Dataset: "/events"})
	require.NoError(t, err)
	before := s.Requests.Load()
	run := p.Run(t.Context())
	defer run.Release()
	for run.Next() {
	}
	require.NoError(t, run.Err())
	require.EqualValues(t, 1, s.Requests.Load()-before)
}

// TestStoredAreKept: what was read of a store is not asked for again, whatever its filters.
func TestStoredAreKept(t *testing.T) {
	s, _ := stored(t)
	e := engineOf(t, Config{})
	at, err := At(s.Root("testdata/tables.h5"))
	require.NoError(t, err)
	f, err := e.Open(t.Context(), at)
	require.NoError(t, err)
	for path, filters := range map[string]int{"/plain": 0, "/events": 2} {
		d, err := f.Dataset(t.Context(), path)
		require.NoError(t, err)
		require.Len(t, d.Info().Filters, filters, path)
		for _, r := range []Request{{}, {Fields: []string{"id"}}, {Where: new("id > 3")}, {Coordinates: []int64{7, 700, 3}}, {SortBy: "energy"}} {
			readOnce(t, d, r)
			before := s.Requests.Load()
			readOnce(t, d, r)
			require.LessOrEqual(t, s.Requests.Load()-before, int64(1), "%s: %+v: whether it is the same object still", path, r)
		}
	}
	hits, _ := e.columns.Asked()
	require.NotZero(t, hits)
}
