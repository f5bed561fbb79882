package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/flight"
	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/reader"
)

const root = "../../testdata"

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

type tester interface {
	Helper()
	TempDir() string
	Cleanup(func())
	Fatal(...any)
}

// serve serves testdata on a socket and gives its location. It sends clients to the locations advertised.
func serve(tb tester, advertise ...string) (location string, eng *reader.Engine) {
	tb.Helper()
	location = "grpc+unix://" + filepath.Join(tb.TempDir(), "s")
	_, eng = serveAt(tb, location, advertise...)
	return location, eng
}

// serveAt is serve at a location, and tells the address.
func serveAt(tb tester, location string, advertise ...string) (at net.Addr, eng *reader.Engine) {
	tb.Helper()
	eng, err := reader.NewEngine(reader.Config{Workers: 2, Memory: 256 << 20})
	if err != nil {
		tb.Fatal(err)
	}
	srv, err := flight.New(flight.Config{Engine: eng, Roots: []string{root}, Listen: []string{location},
		Advertise: advertise, Drain: time.Second})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- srv.Serve(ctx) }()
	at = srv.Addrs(ctx)[0]
	tb.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, eng.Close()); err != nil {
			tb.Fatal(err)
		}
	})
	return at, eng
}

func dial(t *testing.T) (*client.Client, *reader.Engine) {
	t.Helper()
	location, eng := serve(t)
	return open(t, location), eng
}

func open(t *testing.T, location string) *client.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := client.Open(ctx, location)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// direct reads a request without a server.
func direct(t *testing.T, eng *reader.Engine, r reader.Request) arrow.Table {
	t.Helper()
	ctx := context.Background()
	f, err := eng.Open(ctx, reader.Location{Path: filepath.Join(root, r.File), Name: r.File})
	require.NoError(t, err)
	ds, err := f.Dataset(ctx, r.Dataset)
	require.NoError(t, err)
	p, err := ds.Plan(ctx, r)
	require.NoError(t, err)
	run := p.Run(ctx)
	defer run.Release()
	return tableOf(t, run)
}

func tableOf(t *testing.T, in interface {
	array.RecordReader
	Err() error
}) arrow.Table {
	t.Helper()
	var all []arrow.Record
	for in.Next() {
		in.Record().Retain()
		all = append(all, in.Record())
	}
	require.NoError(t, in.Err())
	out := array.NewTableFromRecords(in.Schema(), all)
	for _, r := range all {
		r.Release()
	}
	return out
}

func requireSame(t *testing.T, want, got arrow.Table) {
	t.Helper()
	require.True(t, want.Schema().Equal(got.Schema()), "%v\n%v", want.Schema(), got.Schema())
	require.Equal(t, want.NumRows(), got.NumRows())
	for i := range int(want.NumCols()) {
		w, err := array.Concatenate(want.Column(i).Data().Chunks(), memory.NewGoAllocator())
		require.NoError(t, err)
		g, err := array.Concatenate(got.Column(i).Data().Chunks(), memory.NewGoAllocator())
		require.NoError(t, err)
		require.True(t, array.ApproxEqual(w, g, array.WithNaNsEqual(true)), want.Column(i).Name())
		w.Release()
		g.Release()
	}
}

func ptr[T any](v T) *T { return &v }

func TestScan(t *testing.T) {
	c, eng := dial(t)
	for name, r := range map[string]reader.Request{
		"table":    {File: "tables.h5", Dataset: "/events"},
		"blosc":    {File: "tables.h5", Dataset: "/blosc", BatchRows: 300},
		"parts":    {File: "tables.h5", Dataset: "/events", Endpoints: 5},
		"array":    {File: "arrays.h5", Dataset: "/wave/zlib", BatchRows: 7, Endpoints: 3},
		"ragged":   {File: "arrays.h5", Dataset: "/ragged"},
		"slice":    {File: "tables.h5", Dataset: "/events", Start: ptr(int64(10)), Stop: ptr(int64(-10)), Step: ptr(int64(3))},
		"few":      {File: "tables.h5", Dataset: "/events", Coordinates: []int64{5, -1, 5}},
		"many":     {File: "tables.h5", Dataset: "/events", Coordinates: many(20_000, 5000)},
		"mask":     masked("/plain", 1000),
		"no mask":  masked("/none", 0),
		"unsorted": {File: "tables.h5", Dataset: "/plain", Stream: &reader.Stream{BlockRows: 100}},
	} {
		for _, options := range [][]client.Option{nil, {client.Parallel(3)}} {
			t.Run(fmt.Sprint(name, len(options)), func(t *testing.T) {
				mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
				defer mem.AssertSize(t, 0)
				rows, err := c.Scan(context.Background(), r, append(options, client.Allocator(mem))...)
				require.NoError(t, err)
				defer rows.Release()
				got := tableOf(t, rows)
				defer got.Release()
				want := direct(t, eng, r)
				defer want.Release()
				if want.NumRows() > 0 {
					requireSame(t, want, got)
				}
				require.Contains(t, []int64{-1, want.NumRows()}, rows.Total())
			})
		}
	}
	used, _ := eng.Memory()
	t.Log("bytes in use of caches and queued batches:", used)
}

// TestScanCompressed: what comes by TCP is compressed where that is asked for, and the same.
func TestScanCompressed(t *testing.T) {
	at, eng := serveAt(t, "grpc://127.0.0.1:0")
	c := open(t, "grpc://"+at.String())
	for _, codec := range []string{"lz4", "zstd"} {
		for _, r := range []reader.Request{{File: "tables.h5", Dataset: "/events"}, {File: "arrays.h5", Dataset: "/ragged"},
			{File: "tables.h5", Dataset: "/events", Coordinates: many(20_000, 5000)}} {
			want := direct(t, eng, r)
			r.Compression = codec
			rows, err := c.Scan(context.Background(), r)
			require.NoError(t, err)
			got := tableOf(t, rows)
			rows.Release()
			requireSame(t, want, got)
			want.Release()
			got.Release()
		}
	}
}

func many(n, rows int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(i * 7919 % rows)
	}
	return out
}

// masked asks for every third of n rows.
func masked(dataset string, n int) reader.Request {
	set := make([]bool, n)
	for i := range set {
		set[i] = i%3 == 1
	}
	r := reader.Request{File: "tables.h5", Dataset: dataset}
	r.SetMask(set)
	return r
}

func TestBlock(t *testing.T) {
	c, _ := dial(t)
	rows, err := c.Scan(context.Background(), reader.Request{File: "tables.h5", Dataset: "/plain",
		Stream: &reader.Stream{BlockRows: 300, FromBlock: 2}})
	require.NoError(t, err)
	defer rows.Release()
	require.True(t, rows.Next())
	require.Equal(t, reader.Block{Block: 2, Row: 600, Rows: 300}, rows.Block())
	require.True(t, rows.Next())
	require.Equal(t, reader.Block{Block: 3, Row: 900, Rows: 100}, rows.Block())
	require.False(t, rows.Next())
	require.NoError(t, rows.Err())
}

// Rows that are given up end their streams and give everything back.
func TestScanLeave(t *testing.T) {
	c, _ := dial(t)
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	endless := reader.Request{File: "arrays.h5", Dataset: "/wave/zlib", Stream: &reader.Stream{Cyclic: true}}
	for _, n := range []int{0, 1, 5} {
		rows, err := c.Scan(context.Background(), endless, client.Allocator(mem))
		require.NoError(t, err)
		for range n {
			require.True(t, rows.Next())
		}
		rows.Retain()
		rows.Release()
		rows.Release()
	}
	ctx, cancel := context.WithCancel(context.Background())
	rows, err := c.Scan(ctx, endless, client.Allocator(mem))
	require.NoError(t, err)
	defer rows.Release()
	require.True(t, rows.Next())
	cancel()
	for rows.Next() {
	}
	require.ErrorIs(t, rows.Err(), context.Canceled)
}

func TestErrors(t *testing.T) {
	c, _ := dial(t)
	ctx := context.Background()
	for _, k := range []struct {
		r    reader.Request
		kind error
		says string
	}{
		{reader.Request{File: "table.h5", Dataset: "/events"}, reader.ErrNotFound, "tables.h5"},
		{reader.Request{File: "tables.h5", Dataset: "/event"}, reader.ErrNotFound, `no such dataset "/event" (near: "/events")`},
		{reader.Request{File: "../client/client.go", Dataset: "/x"}, reader.ErrNotFound, "request"},
		{reader.Request{File: "tables.h5", Dataset: "/events", Fields: []string{"tt"}}, reader.ErrNotFound, "tt"},
		{reader.Request{File: "tables.h5", Dataset: "/events", Coordinates: []int64{5000}}, reader.ErrOutOfRange, "5000"},
		{reader.Request{File: "tables.h5"}, reader.ErrInvalid, "dataset"},
		{reader.Request{File: "tables.h5", Dataset: "\xff"}, reader.ErrInvalid, "UTF-8"},
	} {
		_, err := c.Scan(ctx, k.r)
		require.ErrorIs(t, err, k.kind, k.says)
		require.ErrorContains(t, err, k.says)
		_, err = c.Schema(ctx, k.r)
		if k.kind != reader.ErrOutOfRange {
			require.ErrorIs(t, err, k.kind)
		}
	}
	rows, err := c.Scan(ctx, reader.Request{File: "tables.h5", Dataset: "/events", Coordinates: many(20_000, 5001)})
	require.NoError(t, err)
	require.False(t, rows.Next())
	require.ErrorIs(t, rows.Err(), reader.ErrOutOfRange)
	rows.Release()
	rows, err = c.Scan(ctx, masked("/events", 4999))
	require.NoError(t, err)
	require.False(t, rows.Next())
	require.ErrorIs(t, rows.Err(), reader.ErrInvalid)
	rows.Release()
}

func TestList(t *testing.T) {
	c, _ := dial(t)
	var names []string
	require.NoError(t, c.List(context.Background(), client.Criteria{File: "t*.h5", Kind: "table"}, func(d client.Dataset) error {
		if d.File == "tables.h5" {
			names = append(names, d.Name)
			require.Equal(t, "table", d.Kind)
			require.NotEmpty(t, d.Schema.Fields())
		}
		return nil
	}))
	require.ElementsMatch(t, []string{"/blosc", "/events", "/none", "/one", "/plain", "/deep/er/particles"}, names)

	broken := 0
	require.NoError(t, c.List(context.Background(), client.Criteria{}, func(d client.Dataset) error {
		if d.Kind == "unsupported" {
			require.NotEmpty(t, d.Reason, d)
			broken++
		}
		return nil
	}))
	require.NotZero(t, broken) // refused.h5 holds what is not served

	stop := errors.New("stop")
	require.ErrorIs(t, c.List(context.Background(), client.Criteria{}, func(client.Dataset) error { return stop }), stop)
}

func TestAttributes(t *testing.T) {
	c, _ := dial(t)
	text, err := c.Attributes(context.Background(), "tables.h5", "/events", "detector")
	require.NoError(t, err)
	require.JSONEq(t, `{"detector": "barrel"}`, string(text))
	text, err = c.Attributes(context.Background(), "tables.h5", "/")
	require.NoError(t, err)
	require.Contains(t, string(text), "PYTABLES_FORMAT_VERSION")
	_, err = c.Attributes(context.Background(), "tables.h5", "/nowhere")
	require.ErrorIs(t, err, reader.ErrNotFound)
}

func TestDescribe(t *testing.T) {
	c, _ := dial(t)
	text, err := c.Describe(context.Background(), "tables.h5", "/events")
	require.NoError(t, err)
	var d struct {
		Kind       string
		Rows       int64
		ChunkCount int `json:"chunk_count"`
		Filters    []string
		Schema     []struct{ Name, Type string }
	}
	require.NoError(t, json.Unmarshal(text, &d))
	require.Equal(t, "table", d.Kind)
	require.EqualValues(t, 5000, d.Rows)
	require.NotZero(t, d.ChunkCount)
	require.Equal(t, []string{"shuffle", "deflate"}, d.Filters)
	require.Equal(t, "id", d.Schema[0].Name)
	require.NoError(t, c.Refresh(context.Background(), "tables.h5"))
	require.ErrorIs(t, c.Refresh(context.Background(), "no.h5"), reader.ErrNotFound)
}

func TestOpenRefuses(t *testing.T) {
	for _, location := range []string{"", "x", "http://x:1", "grpc://x", "grpc+unix://"} {
		_, err := client.Open(context.Background(), location)
		require.ErrorIs(t, err, reader.ErrInvalid, location)
	}
	_, err := client.Open(context.Background(), "grpc+unix://"+filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, reader.ErrUnavailable)
	require.ErrorContains(t, err, "none does not answer: is the server running there?")
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and says nothing
	require.NoError(t, err)
	defer silent.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err = client.Open(ctx, "grpc://"+silent.Addr().String())
	require.ErrorIs(t, err, reader.ErrUnavailable)
	require.ErrorContains(t, err, "does not answer")
}

// exampleTB is as much of a testing.TB as serve needs.
type exampleTB struct{ cleanup []func() }

func (e *exampleTB) Helper()          {}
func (e *exampleTB) Cleanup(f func()) { e.cleanup = append(e.cleanup, f) }
func (e *exampleTB) Fatal(a ...any)   { panic(fmt.Sprint(a...)) }
func (e *exampleTB) TempDir() string {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		e.Fatal(err)
	}
	e.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (e *exampleTB) end() {
	for i := len(e.cleanup) - 1; i >= 0; i-- {
		e.cleanup[i]()
	}
}
