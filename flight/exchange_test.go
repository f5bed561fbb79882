package flight

import (
	"errors"
	"io"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow/array"
	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// exchange sends the messages to the server and tells how many rows or which error come back.
func exchange(t *testing.T, c arrowflight.Client, messages []*arrowflight.FlightData) (rows int64, err error) {
	t.Helper()
	stream, err := c.DoExchange(t.Context())
	require.NoError(t, err)
	for _, m := range messages {
		if stream.Send(m) != nil {
			break // why is told by Recv
		}
	}
	require.NoError(t, stream.CloseSend())
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		if len(m.GetDataBody()) > 0 {
			rows++
		}
	}
}

// TestExchangeIsBounded sends masks longer than the dataset and more coordinates than a quarter of the memory is for.
func TestExchangeIsBounded(t *testing.T) {
	s := serveStaging(t, 0)
	c, _ := s.connect(t)
	mem := memory.NewGoAllocator()
	bb := array.NewBooleanBuilder(mem)
	bb.AppendValues(make([]bool, 4_000), nil)
	request := `{"file": "tables.h5", "dataset": "/events"}`
	_, err := exchange(t, c, onWire(t, request, bb.NewArray()).all) // 8,000 rows for 5,000
	require.Equal(t, codes.InvalidArgument, status.Code(err), err)
	require.ErrorContains(t, err, "5000")

	var many []*arrowflight.FlightData
	for range 3 { // half a million rows each
		m := onWire(t, request, column64(mem, make([]int64, 250_000), nil)).all
		many = append(many, m[min(len(many), 1):]...)
	}
	_, err = exchange(t, c, many)
	require.Equal(t, codes.ResourceExhausted, status.Code(err), err)
	require.ErrorContains(t, err, "ask in parts")
	require.Zero(t, s.sentRoom().Used())
	s.requireBalance(t)

	batches, err := exchange(t, c, onWire(t, request, column64(mem, []int64{5, -1}, nil)).all)
	require.NoError(t, err)
	require.Positive(t, batches)
}

// TestMessagesWaitForMemory: what a client sends to be read by an exchange lies where it is received, and counts there, until there is memory for it.
func TestMessagesWaitForMemory(t *testing.T) {
	s := serveStaging(t, 0)
	c, _ := s.connect(t)
	all := s.sentRoom().Limit()
	sent := onWire(t, `{"file": "tables.h5", "dataset": "/events"}`, column64(memory.NewGoAllocator(), make([]int64, 50_000), nil)).all
	stream, err := c.DoExchange(t.Context())
	require.NoError(t, err)
	require.NoError(t, stream.Send(sent[0]))
	require.Eventually(t, func() bool { return s.sentRoom().Used() > 0 }, time.Minute, time.Millisecond, "its request is read")
	rest := all - s.sentRoom().Used()
	require.NoError(t, s.sentRoom().Acquire(t.Context(), rest))
	before := s.sentRoom().Used()
	require.NoError(t, stream.Send(sent[1]))
	require.Eventually(t, func() bool {
		waits, _ := s.sentRoom().Waits()
		return waits == 1
	}, time.Minute, time.Millisecond)
	require.Greater(t, s.door.Held(), int64(8*50_000))
	require.Equal(t, before, s.sentRoom().Used())
	s.sentRoom().Return(all / 2)
	require.Eventually(t, func() bool { return s.door.Held() == 0 && s.sentRoom().Used()-before+all/2 == coordinateBytes*50_000 }, time.Minute, time.Millisecond,
		"what its rows take, and no more")
	require.NoError(t, stream.CloseSend())
	_, err = stream.Recv()
	require.NoError(t, err)
	s.sentRoom().Return(rest - all/2)
}
