package flight

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// served is a server of testdata that stages.
type served struct {
	*Server
	engine *reader.Engine
	target string
	dir    string
}

func serveStaging(t *testing.T, limit int64) served {
	t.Helper()
	engine, err := reader.NewEngine(reader.Config{Workers: 2, Memory: 64 << 20, InProcess: true})
	require.NoError(t, err)
	sock, dir := filepath.Join(t.TempDir(), "s"), filepath.Join(t.TempDir(), "stage")
	s, err := New(Config{Engine: engine, Roots: []string{"../testdata"}, Listen: []string{"grpc+unix://" + sock},
		Drain: time.Second, StageDir: dir, StageMemory: limit})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Serve(ctx) }()
	s.Addrs(ctx)
	t.Cleanup(func() {
		cancel()
		require.NoError(t, errors.Join(<-done, engine.Close()))
		left, err := filepath.Glob(filepath.Join(dir, "s-*"))
		require.NoError(t, err)
		require.Empty(t, left)
	})
	return served{s, engine, "unix:" + sock, dir}
}

func (s served) requireBalance(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		used, _ := s.engine.Memory()
		return used == 0 && s.stages.Used() == 0
	}, time.Minute, 5*time.Millisecond)
	files, err := filepath.Glob(filepath.Join(s.dir, "s-*", "[fr]-*"))
	require.NoError(t, err)
	require.Empty(t, files)
}

// connect gives a client of its own connection.
func (s served) connect(t *testing.T) (arrowflight.Client, *grpc.ClientConn) {
	t.Helper()
	conn, err := grpc.NewClient(s.target, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return arrowflight.NewClientFromConn(conn, nil), conn
}

// act calls take with each result.
func act(c arrowflight.Client, kind string, body any, take func(json.RawMessage) error) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := c.DoAction(ctx, &arrowflight.Action{Type: kind, Body: b})
	for err == nil {
		var r *arrowflight.Result
		if r, err = stream.Recv(); err == nil {
			err = take(r.Body)
		}
	}
	if err.Error() == "EOF" {
		return nil
	}
	return err
}

func stageOf(t *testing.T, c arrowflight.Client, request map[string]any) (told staged) {
	t.Helper()
	require.NoError(t, act(c, "stage", request, func(b json.RawMessage) error { return json.Unmarshal(b, &told) }))
	return told
}

// batchesOf gives copies, so that nothing refers to shared memory.
func batchesOf(t *testing.T, s *Server, request map[string]any) []arrow.Record {
	t.Helper()
	ticket, err := json.Marshal(request)
	require.NoError(t, err)
	r, err := protocol.ParseTicket(ticket)
	require.NoError(t, err)
	p, err := s.plan(context.Background(), r)
	require.NoError(t, err)
	run := p.Run(context.Background())
	defer run.Release()
	var out []arrow.Record
	for run.Next() {
		run.Record().Retain()
		out = append(out, run.Record())
	}
	require.NoError(t, run.Err())
	return out
}

var stageCases = []map[string]any{
	{"file": "tables.h5", "dataset": "/events"},
	{"file": "tables.h5", "dataset": "/blosc", "batch_rows": 300},
	{"file": "tables.h5", "dataset": "/none"},
	{"file": "tables.h5", "dataset": "/plain", "where": "id > 10", "batch_rows": 50},
	{"file": "arrays.h5", "dataset": "/wave/zlib", "stream": map[string]any{"block_rows": 7, "read_ahead": 2}},
	{"file": "arrays.h5", "dataset": "/ragged"},
	{"file": "types.h5", "dataset": "/strings/variable"},
	{"file": "types.h5", "dataset": "/compound"},
	{"file": "types.h5", "dataset": "/enum", "batch_rows": 3},
	{"file": "types.h5", "dataset": "/bools", "batch_rows": 2},
	{"file": "types.h5", "dataset": "/shapes/zero"},
	{"file": "types.h5", "dataset": "/times"},
	{"file": "pandas.h5", "dataset": "/frame", "batch_rows": 30},
	{"file": "tables.h5", "dataset": "/events", "sort_by": "t", "batch_rows": 700},
	{"file": "tables.h5", "dataset": "/events", "coordinates": []int{4999, 3, 4, 2500, 3, 0}, "batch_rows": 2},
	{"file": "arrays.h5", "dataset": "/wave/zlib", "select": "::3", "batch_rows": 10},
	{"file": "tables.h5", "dataset": "/blosc", "stream": map[string]any{"shuffle": 3, "shuffle_rows": true, "block_rows": 100}},
	{"file": "tables.h5", "dataset": "/events", "options": map[string]any{"layout": "rows"}},
}

func TestStage(t *testing.T) {
	s := serveStaging(t, 0)
	c, _ := s.connect(t)
	for _, request := range stageCases {
		t.Run(fmt.Sprint(request), func(t *testing.T) {
			told := stageOf(t, c, request)
			b, err := os.ReadFile(told.Path)
			require.NoError(t, err)
			require.EqualValues(t, len(b), told.Bytes)
			f, err := ipc.NewFileReader(bytes.NewReader(b), ipc.WithAllocator(memory.NewGoAllocator()))
			require.NoError(t, err)
			defer f.Close()
			want := batchesOf(t, s.Server, request)
			require.Equal(t, len(want), f.NumRecords())
			for i, w := range want {
				got, err := f.Record(i)
				require.NoError(t, err)
				require.True(t, array.RecordApproxEqual(w, got, array.WithNaNsEqual(true)), "%v\n%v", w, got)
				w.Release()
			}
			other, _ := s.connect(t)
			err = act(other, "release", map[string]any{"lease": told.Lease}, nil)
			require.Equal(t, codes.NotFound, status.Code(err), "it is another connection's")
			require.NoError(t, act(c, "release", map[string]any{"lease": told.Lease}, func(json.RawMessage) error { return nil }))
			require.NoFileExists(t, told.Path)
			err = act(c, "release", map[string]any{"lease": told.Lease}, nil)
			require.Equal(t, codes.NotFound, status.Code(err))
			s.requireBalance(t)
		})
	}
}

func TestMoreLeasesThanMayBe(t *testing.T) {
	s := serveStaging(t, 0)
	s.cfg.Limits.Leases = 2
	c, _ := s.connect(t)
	one := stageOf(t, c, stageCases[0])
	stageOf(t, c, stageCases[0])
	err := act(c, "stage", stageCases[0], nil)
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
	require.ErrorContains(t, err, "raise --max-leases")
	other, _ := s.connect(t)
	stageOf(t, other, stageCases[0])
	require.NoError(t, act(c, "release", map[string]any{"lease": one.Lease}, func(json.RawMessage) error { return nil }))
	stageOf(t, c, stageCases[0])
}

// Several clients have results staged that are large enough for their memory to be used again, and look at each once more
// when its lease has ended and another one was staged.
func TestStageMemoryIsUsedAgain(t *testing.T) {
	s := serveStaging(t, 0)
	requests := []map[string]any{
		{"file": "tables.h5", "dataset": "/events", "stream": map[string]any{"cyclic": true, "cycles": 14}},
		{"file": "tables.h5", "dataset": "/blosc", "stream": map[string]any{"cyclic": true, "cycles": 24}},
		{"file": "arrays.h5", "dataset": "/wave/zlib", "stream": map[string]any{"cyclic": true, "cycles": 14}},
	}
	var all sync.WaitGroup
	for n := range 3 {
		c, _ := s.connect(t)
		all.Go(func() {
			var held, want []byte
			for i := range 20 {
				told := stageOf(t, c, requests[(n+i)%3])
				require.Greater(t, told.Bytes, int64(2<<20), requests[(n+i)%3])
				mem := mapped(t, told.Path)
				require.NoError(t, act(c, "release", map[string]any{"lease": told.Lease}, func(json.RawMessage) error { return nil }))
				require.Equal(t, want, held)
				if held != nil {
					require.NoError(t, unix.Munmap(held))
				}
				held, want = mem, bytes.Clone(mem)
			}
			require.NoError(t, unix.Munmap(held))
		})
	}
	all.Wait()
	_, most := s.engine.Memory()
	ok, err := s.engine.Reserve(context.Background(), most, false) // whatever is kept for reuse is given up
	require.NoError(t, err)
	require.True(t, ok)
	s.engine.Return(most)
	s.requireBalance(t)
}

func mapped(t *testing.T, path string) []byte {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	about, err := f.Stat()
	require.NoError(t, err)
	mem, err := unix.Mmap(int(f.Fd()), 0, int(about.Size()), unix.PROT_READ, unix.MAP_SHARED)
	require.NoError(t, err)
	return mem
}

func TestRing(t *testing.T) {
	s := serveStaging(t, 0)
	c, _ := s.connect(t)
	for _, request := range stageCases {
		t.Run(fmt.Sprint(request), func(t *testing.T) {
			want := batchesOf(t, s.Server, request)
			var ring ringOpened
			n := 0
			require.NoError(t, act(c, "ring", request, func(b json.RawMessage) error {
				if ring.Lease == "" {
					return json.Unmarshal(b, &ring)
				}
				var block ringBlock
				require.NoError(t, json.Unmarshal(b, &block))
				require.EqualValues(t, n, block.Block.Block)
				requireSlot(t, ring.Path, block, want[n])
				want[n].Release()
				n++
				return act(c, "release", map[string]any{"lease": ring.Lease, "slots": []int{block.Slot.Slot}}, func(json.RawMessage) error { return nil })
			}))
			require.Equal(t, len(want), n)
			s.requireBalance(t)
		})
	}
}

func requireSlot(t *testing.T, path string, block ringBlock, want arrow.Record) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	b := make([]byte, block.Bytes)
	_, err = f.ReadAt(b, block.Offset)
	require.NoError(t, err)
	in, err := ipc.NewReader(bytes.NewReader(b), ipc.WithAllocator(memory.NewGoAllocator()))
	require.NoError(t, err)
	defer in.Release()
	require.True(t, in.Next())
	require.True(t, array.RecordApproxEqual(want, in.Record(), array.WithNaNsEqual(true)))
	if block.Data > 0 {
		data := want.Column(0).Data()
		for len(data.Children()) > 0 {
			data = data.Children()[0]
		}
		values := data.Buffers()[1]
		require.Equal(t, values.Bytes(), b[block.Data-block.Offset:][:values.Len()])
	}
	require.False(t, in.Next())
	require.NoError(t, in.Err())
}

func TestStageEndsWithConnection(t *testing.T) {
	s := serveStaging(t, 0)
	c, conn := s.connect(t)
	told := stageOf(t, c, stageCases[0])
	require.FileExists(t, told.Path)
	require.NoError(t, conn.Close())
	s.requireBalance(t)
}

func TestStageRefuses(t *testing.T) {
	s := serveStaging(t, 64<<10)
	c, _ := s.connect(t)
	for _, k := range []struct {
		action string
		body   map[string]any
		code   codes.Code
	}{
		{"stage", map[string]any{"file": "tables.h5", "dataset": "/events"}, codes.ResourceExhausted},
		{"stage", map[string]any{"file": "tables.h5", "dataset": "/events", "where": "id >= 0"}, codes.ResourceExhausted},
		{"stage", map[string]any{"file": "tables.h5", "dataset": "/plain", "stream": map[string]any{"cyclic": true}}, codes.InvalidArgument},
		{"stage", map[string]any{"file": "tables.h5"}, codes.InvalidArgument},
		{"stage", map[string]any{"file": "tables.h5", "dataset": "/no"}, codes.NotFound},
		{"ring", map[string]any{"file": "tables.h5", "dataset": "/no"}, codes.NotFound},
		{"release", map[string]any{"lease": "x", "slots": []string{"y"}}, codes.InvalidArgument},
		{"release", map[string]any{"lease": "x"}, codes.NotFound},
	} {
		err := act(c, k.action, k.body, func(json.RawMessage) error { return nil })
		require.Equal(t, k.code, status.Code(err), "%v: %v", k.body, err)
		s.requireBalance(t)
	}
}

func TestSameHost(t *testing.T) {
	from := func(a net.Addr) error {
		return sameHost(peer.NewContext(context.Background(), &peer.Peer{Addr: a}))
	}
	require.NoError(t, from(&net.UnixAddr{}))
	require.NoError(t, from(&net.TCPAddr{IP: net.IPv6loopback}))
	require.ErrorIs(t, from(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}), fault.Denied)
	require.ErrorIs(t, sameHost(context.Background()), fault.Denied)
}
