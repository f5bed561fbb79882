package client_test

import (
	"context"
	"io"
	"math/rand"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/reader"
)

// cutter is a proxy that cuts connections after a random number of bytes from the server.
type cutter struct {
	net.Listener
	to string

	mu   sync.Mutex
	rng  *rand.Rand
	most int // bytes between cuts, on average; 0: never
	cuts int
	open []net.Conn
	wg   sync.WaitGroup
}

func newCutter(t *testing.T, to string) (c *cutter, location string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "p")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	c = &cutter{Listener: l, to: to, rng: rand.New(rand.NewSource(3))}
	c.wg.Go(c.accept)
	t.Cleanup(func() { l.Close(); c.wg.Wait() })
	return c, "grpc+unix://" + path
}

func (c *cutter) accept() {
	for {
		in, err := c.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("unix", c.to)
		if err != nil {
			in.Close()
			continue
		}
		c.wg.Go(func() { _, _ = io.Copy(out, in); out.Close() })
		c.wg.Go(func() { c.carry(in, out) })
	}
}

// carry takes the server's bytes to the client until it cuts.
func (c *cutter) carry(in, out net.Conn) {
	defer in.Close()
	defer out.Close()
	c.mu.Lock()
	c.open = append(c.open, out)
	c.mu.Unlock()
	for !c.now() {
		if _, err := io.CopyN(in, out, piece); err != nil {
			return
		}
	}
}

const piece = 512

// now decides whether to cut, once every piece.
func (c *cutter) now() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.most == 0 || c.rng.Intn(c.most) >= piece {
		return false
	}
	c.cuts++
	return true
}

func (c *cutter) cut(most int) (cuts int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.most = most
	return c.cuts
}

// opened are the connections there have been.
func (c *cutter) opened() []net.Conn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.open)
}

// cutAll ends what is open.
func (c *cutter) cutAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.open {
		conn.Close()
	}
}

// Rows come once each, in order, however often the connection breaks. MTFLIGHT_CUTS says how many scans are cut.
func TestScanResumes(t *testing.T) {
	scans := 8
	if n, err := strconv.Atoi(os.Getenv("MTFLIGHT_CUTS")); err == nil {
		scans = n
	}
	location, eng := serve(t)
	proxy, through := newCutter(t, location[len("grpc+unix://"):])
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	requests := []reader.Request{
		{File: "tables.h5", Dataset: "/events", BatchRows: 200},
		{File: "tables.h5", Dataset: "/events", Endpoints: 3, BatchRows: 100},
		{File: "arrays.h5", Dataset: "/wave/zlib", Stream: &reader.Stream{BlockRows: 64, Shuffle: ptr(int64(5)), Cyclic: true, Cycles: ptr(int64(3))}},
		{File: "tables.h5", Dataset: "/events", Coordinates: many(20_000, 5000), BatchRows: 1000},
		{File: "tables.h5", Dataset: "/events", Stream: &reader.Stream{BlockRows: 70, Unordered: true}},
	}
	for i := range scans {
		mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
		r := requests[i%len(requests)]
		proxy.cut(0)
		c, err := client.Open(ctx, through)
		require.NoError(t, err)
		proxy.cut(300_000)
		rows, err := c.Scan(ctx, r, client.Parallel(1+i%3), client.Allocator(mem), client.Retries(100))
		if err != nil { // the connection that asked for the schema was cut
			require.ErrorIs(t, err, reader.ErrUnavailable)
			require.NoError(t, c.Close())
			continue
		}
		got := tableOf(t, rows)
		want := direct(t, eng, r)
		if r.Stream != nil && r.Stream.Unordered {
			require.ElementsMatch(t, firstValues(want), firstValues(got))
		} else {
			requireSame(t, want, got)
		}
		want.Release()
		got.Release()
		rows.Release()
		mem.AssertSize(t, 0)
		require.NoError(t, c.Close())
	}
	cuts := proxy.cut(0)
	t.Log(cuts, "cuts in", scans, "scans")
	require.NotZero(t, cuts)
}

// firstValues are those of a table's first column, as text.
func firstValues(table arrow.Table) (out []string) {
	for _, chunk := range table.Column(0).Data().Chunks() {
		for i := range chunk.Len() {
			out = append(out, chunk.ValueStr(i))
		}
	}
	return out
}

// Without retries a broken connection is an error of its kind.
func TestScanWithoutRetries(t *testing.T) {
	location, _ := serve(t)
	proxy, through := newCutter(t, location[len("grpc+unix://"):])
	proxy.cut(0)
	c, err := client.Open(context.Background(), through)
	require.NoError(t, err)
	defer c.Close()
	endless := reader.Request{File: "arrays.h5", Dataset: "/wave/zlib", Stream: &reader.Stream{Cyclic: true}}
	rows, err := c.Scan(context.Background(), endless, client.Retries(0))
	require.NoError(t, err)
	defer rows.Release()
	require.True(t, rows.Next())
	require.NoError(t, proxy.Close())
	proxy.cutAll()
	for rows.Next() {
	}
	require.ErrorIs(t, rows.Err(), reader.ErrUnavailable)
	require.ErrorContains(t, rows.Err(), "the connection was lost before the last row: is the server still running?")
}
