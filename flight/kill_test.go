package flight

import (
	"context"
	"encoding/json"
	"math/rand"
	"runtime"
	"testing"
	"time"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
)

// A client that is killed in mid-stream, at random points, leaves nothing behind: no bytes, no goroutine, no file.
func TestKills(t *testing.T) {
	s := serveStaging(t, 0)
	rng := rand.New(rand.NewSource(1))
	endless := map[string]any{"file": "arrays.h5", "dataset": "/wave/zlib", "stream": map[string]any{"cyclic": true, "block_rows": 50}}
	before := 0
	for i := range 80 {
		if i == 8 { // every way has been gone, the pools of gRPC are made
			time.Sleep(200 * time.Millisecond)
			before = runtime.NumGoroutine()
		}
		c, conn := s.connect(t)
		ctx, cancel := context.WithCancel(context.Background())
		begun := [](func(context.Context, *testing.T, arrowflight.Client, map[string]any)){get1, exchange1, ring1, stage1}[i%4]
		begun(ctx, t, c, endless)
		time.Sleep(time.Duration(rng.Intn(8)) * time.Millisecond)
		if i%2 == 0 {
			cancel()
		}
		require.NoError(t, conn.Close())
		cancel()
	}
	deadline := time.Now().Add(time.Minute)
	used, _ := s.engine.Memory()
	for (used > 0 || runtime.NumGoroutine() > before) && time.Now().Before(deadline) {
		runtime.GC()
		time.Sleep(5 * time.Millisecond)
		used, _ = s.engine.Memory()
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), before)
	require.Zero(t, used)
	s.requireBalance(t)
}

// Each begins a stream of its kind and leaves it unread.

func get1(ctx context.Context, t *testing.T, c arrowflight.Client, request map[string]any) {
	ticket, err := json.Marshal(request)
	require.NoError(t, err)
	stream, err := c.DoGet(ctx, &arrowflight.Ticket{Ticket: ticket})
	require.NoError(t, err)
	_, err = stream.Recv()
	require.NoError(t, err)
}

func exchange1(ctx context.Context, t *testing.T, c arrowflight.Client, _ map[string]any) {
	rows := make([]int64, 5_000)
	in := onWire(t, `{"file": "tables.h5", "dataset": "/events", "stream": {"cyclic": true}}`, column64(memory.NewGoAllocator(), rows, nil))
	stream, err := c.DoExchange(ctx)
	require.NoError(t, err)
	for {
		m, err := in.Recv()
		if err != nil {
			break
		}
		require.NoError(t, stream.Send(m))
	}
	require.NoError(t, stream.CloseSend())
	_, err = stream.Recv()
	require.NoError(t, err)
}

func ring1(ctx context.Context, t *testing.T, c arrowflight.Client, request map[string]any) {
	action1(ctx, t, c, "ring", request)
}

func stage1(ctx context.Context, t *testing.T, c arrowflight.Client, _ map[string]any) {
	action1(ctx, t, c, "stage", map[string]any{"file": "tables.h5", "dataset": "/events"})
}

func action1(ctx context.Context, t *testing.T, c arrowflight.Client, kind string, request map[string]any) {
	body, err := json.Marshal(request)
	require.NoError(t, err)
	stream, err := c.DoAction(ctx, &arrowflight.Action{Type: kind, Body: body})
	require.NoError(t, err)
	_, err = stream.Recv()
	require.NoError(t, err)
}
