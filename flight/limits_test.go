package flight

import (
	"context"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/flight/internal/admission"
	"github.com/mtflight/mtflight/flight/internal/wire"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// serveWithin is a server of the test files with limits, and where it is.
func serveWithin(t *testing.T, l Limits) string {
	t.Helper()
	target, _ := serveTight(t, l, 64<<20)
	return target
}

// serveTight is serveWithin with so much memory, and the engine.
func serveTight(t *testing.T, l Limits, memory int64) (string, *reader.Engine) {
	t.Helper()
	eng, err := reader.NewEngine(reader.Config{InProcess: true, Memory: memory, MaxWait: time.Hour})
	require.NoError(t, err)
	s, err := New(Config{Engine: eng, Roots: []string{"../testdata"}, Listen: []string{"grpc://127.0.0.1:0"}, Limits: l, Drain: time.Millisecond})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
		require.NoError(t, eng.Close())
	})
	return s.Addrs(ctx)[0].String(), eng
}

// byHand is a connection that speaks HTTP/2 by frames.
type byHand struct {
	t *testing.T
	net.Conn
	*http2.Framer
	next    uint32
	message string // of the last status
}

func dialByHand(t *testing.T, target string) *byHand {
	t.Helper()
	c, err := net.Dial("tcp", target)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(5*time.Minute)))
	_, err = c.Write([]byte(http2.ClientPreface))
	require.NoError(t, err)
	b := &byHand{t: t, Conn: c, Framer: http2.NewFramer(c, c), next: 1}
	b.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	require.NoError(t, b.WriteSettings())
	return b
}

// call begins a call that sends nothing yet.
func (b *byHand) call(method string, more ...hpack.HeaderField) uint32 {
	b.t.Helper()
	var block strings.Builder
	e := hpack.NewEncoder(&block)
	for _, f := range append([]hpack.HeaderField{{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "http"}, {Name: ":authority", Value: "x"},
		{Name: ":path", Value: "/arrow.flight.protocol.FlightService/" + method}, {Name: "content-type", Value: "application/grpc"}, {Name: "te", Value: "trailers"}}, more...) {
		f.Sensitive = true
		require.NoError(b.t, e.WriteField(f))
	}
	id := b.next
	b.next += 2
	require.NoError(b.t, b.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: []byte(block.String()), EndHeaders: true}))
	return id
}

// until reads frames up to one that is looked for.
func (b *byHand) until(is func(http2.Frame) bool) {
	b.t.Helper()
	for {
		f, err := b.ReadFrame()
		require.NoError(b.t, err)
		if is(f) {
			return
		}
	}
}

// status waits for the end of a stream: gRPC's status, or HTTP/2's code of a reset.
func (b *byHand) status(id uint32) (out string) {
	b.t.Helper()
	b.message = ""
	b.until(func(f http2.Frame) bool {
		switch f := f.(type) {
		case *http2.RSTStreamFrame:
			out = f.ErrCode.String()
			return f.StreamID == id
		case *http2.MetaHeadersFrame:
			for _, h := range f.Fields {
				switch h.Name {
				case "grpc-status":
					out = h.Value
				case "grpc-message":
					b.message = h.Value
				}
			}
			return f.StreamID == id && f.StreamEnded()
		}
		return false
	})
	return out
}

const ok, deadlineExceeded, exhausted = "0", "4", "8" // as statuses

func TestLimitsAreChecked(t *testing.T) {
	l, err := Limits{Streams: 7}.complete()
	require.NoError(t, err)
	require.Equal(t, 7, l.Streams)
	require.Equal(t, DefaultLimits().Header, l.Header)
	for _, wrong := range []Limits{{Streams: -1}, {Header: 1 << 40}, {Idle: -time.Second}} {
		_, err := wrong.complete()
		require.ErrorIs(t, err, fault.Invalid)
	}
}

func TestMoreConnectionsThanMayBe(t *testing.T) {
	target := serveWithin(t, Limits{Connections: 2})
	watching := dialServer(t, target)
	w, err := grpc_health_v1.NewHealthClient(watching).Watch(context.Background(), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	_, err = w.Recv()
	require.NoError(t, err)
	idle := dialByHand(t, target)
	idle.until(func(f http2.Frame) bool { return f.Header().Type == http2.FrameSettings })
	one := dialServer(t, target)
	_, err = grpc_health_v1.NewHealthClient(one).Check(context.Background(), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err, "the idle one goes")
	for err == nil {
		_, err = idle.ReadFrame()
	}
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	w2, err := grpc_health_v1.NewHealthClient(one).Watch(context.Background(), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	_, err = w2.Recv()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_, err = grpc_health_v1.NewHealthClient(dialServer(t, target)).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
	require.Equal(t, codes.Unavailable, status.Code(err), "all have calls")
}

func TestMoreStreamsThanMayBe(t *testing.T) {
	b := dialByHand(t, serveWithin(t, Limits{Streams: 2}))
	b.call("DoGet")
	b.call("DoGet")
	require.Equal(t, http2.ErrCodeRefusedStream.String(), b.status(b.call("DoGet")))
}

func TestLongHeaders(t *testing.T) {
	b := dialByHand(t, serveWithin(t, Limits{}))
	require.Equal(t, http2.ErrCodeFrameSize.String(), b.status(b.call("DoGet", hpack.HeaderField{Name: "x", Value: strings.Repeat("y", 15<<10)}, hpack.HeaderField{Name: "y", Value: strings.Repeat("y", 1<<10)})))
}

// TestMessagesThatDoNotCome: neither a first one nor, of an exchange, a later one.
func TestMessagesThatDoNotCome(t *testing.T) {
	target := serveWithin(t, Limits{ReceiveTimeout: 100 * time.Millisecond})
	b := dialByHand(t, target)
	require.Equal(t, deadlineExceeded, b.status(b.call("DoGet")))
	require.Equal(t, deadlineExceeded, b.status(b.call("GetSchema")))
	stream, err := arrowflight.NewClientFromConn(dialServer(t, target), nil).DoExchange(context.Background())
	require.NoError(t, err)
	if err = stream.Send(&arrowflight.FlightData{FlightDescriptor: &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: []byte(`{"file": "tables.h5", "dataset": "/events"}`)}}); err != io.EOF { // the first was late here
		require.NoError(t, err)
	}
	_, err = stream.Recv()
	require.Equal(t, codes.DeadlineExceeded, status.Code(err))
	var watch grpc_health_v1.Health_WatchClient
	for tries := 0; ; tries++ { // it may be late, too
		watch, err = grpc_health_v1.NewHealthClient(dialServer(t, target)).Watch(context.Background(), &grpc_health_v1.HealthCheckRequest{})
		require.NoError(t, err)
		if _, err = watch.Recv(); err == nil || tries == 100 {
			break
		}
	}
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(watch.Context(), 300*time.Millisecond)
	defer cancel()
	<-ctx.Done()
	require.NoError(t, watch.Context().Err(), "what has sent all may wait")
}

func TestConnectionsEnd(t *testing.T) {
	for _, l := range []Limits{{Idle: 50 * time.Millisecond}, {Age: 50 * time.Millisecond}} {
		b := dialByHand(t, serveWithin(t, l))
		b.until(func(f http2.Frame) bool { return f.Header().Type == http2.FrameGoAway })
	}
}

func TestNoReflection(t *testing.T) {
	r, err := grpc_reflection_v1.NewServerReflectionClient(dialServer(t, serveWithin(t, Limits{NoReflection: true}))).ServerReflectionInfo(context.Background())
	require.NoError(t, err)
	_, err = r.Recv()
	require.Equal(t, codes.Unimplemented, status.Code(err))
}

// TestReceivedIsBounded: messages that stop before their end hold no more than there is room for, and others are read beside them.
func TestReceivedIsBounded(t *testing.T) {
	target := serveWithin(t, Limits{Streams: 8, ReceiveTimeout: time.Hour})
	b := dialByHand(t, target)
	var ids []uint32
	for range 4 {
		ids = append(ids, b.call("DoGet"))
	}
	piece := make([]byte, 16<<10)
	copy(piece, []byte{0, 0, 0xff, 0, 0}) // of a message of almost 16 MiB
	ended, credit, all := map[uint32]bool{}, map[uint32]int{0: 65535}, 65535
	sent := 0
	for _, id := range ids {
		credit[id] = 64 << 10
	}
	for at := 0; at < len(ids) && len(ended) == 0; {
		id := ids[at]
		for credit[id] < len(piece) || all < len(piece) {
			b.until(func(f http2.Frame) bool {
				switch f := f.(type) {
				case *http2.WindowUpdateFrame:
					if f.StreamID == 0 {
						all += int(f.Increment)
					} else {
						credit[f.StreamID] += int(f.Increment)
					}
				case *http2.MetaHeadersFrame:
					ended[f.StreamID] = f.StreamEnded()
				case *http2.RSTStreamFrame:
					ended[f.StreamID] = true
				}
				return true
			})
			if len(ended) > 0 {
				break
			}
		}
		if len(ended) > 0 {
			break
		}
		require.NoError(t, b.WriteData(id, false, piece))
		copy(piece, make([]byte, 5))
		credit[id], all, sent = credit[id]-len(piece), all-len(piece), sent+len(piece)
		if sent%(15<<20) == 0 {
			at++
			copy(piece, []byte{0, 0, 0xff, 0, 0})
		}
	}
	require.Len(t, ended, 1)
	require.Greater(t, sent, receiveRoom-(1<<20))
	require.Less(t, sent, len(ids)*(15<<20), "not all of what was to be sent: how much is on its way by then is for the system to say")
	stream, err := arrowflight.NewClientFromConn(dialServer(t, target), nil).DoGet(context.Background(), &arrowflight.Ticket{Ticket: []byte(`{"file": "tables.h5", "dataset": "/events"}`)})
	require.NoError(t, err)
	_, err = stream.Recv()
	require.NoError(t, err)
	large := metadata.AppendToOutgoingContext(context.Background(), "x-request-id", "large")
	_, err = arrowflight.NewClientFromConn(dialServer(t, target), nil).GetSchema(large, &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorCMD, Cmd: make([]byte, maxReceive)})
	require.Equal(t, codes.ResourceExhausted, status.Code(err), "%v", err)
}

// ask sends a ticket.
func (b *byHand) ask(ticket string) uint32 {
	b.t.Helper()
	id := b.call("DoGet")
	require.NoError(b.t, b.WriteData(id, true, append([]byte{0, 0, 0, 0, byte(len(ticket) + 2), 10, byte(len(ticket))}, ticket...)))
	return id
}

const endless, oneRow = `{"file": "arrays.h5", "dataset": "/cube", "stream": {"cyclic": true}}`, `{"file": "arrays.h5", "dataset": "/cube", "limit": 1}`

// crowded is a server whose memory streams hold whose clients grant no credit, the first one for the longest.
func crowded(t *testing.T, l Limits) (target string, all []*byHand, ids []uint32) {
	t.Helper()
	target, eng := serveTight(t, l, 16<<20)
	for range 30 {
		b := dialByHand(t, target)
		all, ids = append(all, b), append(ids, b.ask(endless))
		if len(all) == 1 { // the first holds memory for sure, and takes no more
			got := 0
			b.until(func(f http2.Frame) bool {
				if f.Header().Type == http2.FrameData {
					got += int(f.Header().Length)
				}
				return got > 60<<10
			})
		}
	}
	require.Eventually(t, func() bool { return eng.Counters().BudgetWaiting > 0 }, time.Minute, time.Millisecond)
	return target, all, ids
}

func TestRowBesideStalledStreams(t *testing.T) {
	target, _, _ := crowded(t, Limits{StallTimeout: time.Hour}) // the others hold on
	for range 20 {
		b := dialByHand(t, target)
		require.Equal(t, ok, b.status(b.ask(oneRow)))
	}
}

// TestStalledStreamEnds though its client grants no credit, and its connection goes on.
func TestStalledStreamEnds(t *testing.T) {
	_, all, ids := crowded(t, Limits{StallTimeout: 300 * time.Millisecond})
	require.Equal(t, exhausted, all[0].status(ids[0]))
	require.Contains(t, all[0].message, "the client took nothing for 300ms while others waited: ask again from row 0 (block 0) on")
	require.NoError(t, all[0].WritePing(false, [8]byte{1}))
	all[0].until(func(f http2.Frame) bool { return f.Header().Type == http2.FramePing })
	require.NoError(t, all[0].WriteWindowUpdate(0, 1<<20), "for what was sent of the stream")
	answered(t, func() string { return all[0].status(all[0].ask(oneRow)) })
}

// answered asks until there is an answer: where the machine stands still, who asks is sent away as one that takes nothing.
func answered(t *testing.T, ask func() string) {
	t.Helper()
	for range 100 {
		if said := ask(); said != exhausted {
			require.Equal(t, ok, said)
			return
		}
	}
	t.Fatal("there is no memory")
}

// TestClientThatReadsNothing is sent away: nobody gives up waiting, and what lies in the kernel for it holds its memory until its connection is closed.
func TestClientThatReadsNothing(t *testing.T) {
	target, eng := serveTight(t, Limits{StallTimeout: 300 * time.Millisecond}, 16<<20)
	for range 30 {
		b := dialByHand(t, target)
		require.NoError(t, b.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30}))
		require.NoError(t, b.WriteWindowUpdate(0, 1<<30))
		b.ask(endless)
	}
	require.Eventually(t, func() bool { return eng.Counters().BudgetWaiting > 0 }, time.Minute, time.Millisecond)
	answered(t, func() string {
		b := dialByHand(t, target)
		id := b.ask(`{"file": "tables.h5", "dataset": "/events"}`)
		require.NoError(t, b.WriteWindowUpdate(0, 1<<30))
		require.NoError(t, b.WriteWindowUpdate(id, 1<<30))
		return b.status(id)
	})
}

// TestConnectionsTakeTurns: where memory is short, one with many calls that wait does not keep another's waiting.
func TestConnectionsTakeTurns(t *testing.T) {
	s, _, _ := bareServer(t)
	b := bufpool.NewBudget(1, time.Minute)
	require.NoError(t, b.Acquire(context.Background(), 1))
	ended := make(chan string, 5)
	wait := func(name string, connection context.Context) {
		ctx, err := s.admit(connection, doGet)
		require.NoError(t, err)
		before, _ := b.Waits()
		go func() {
			if b.Acquire(ctx, 1) == nil {
				ended <- name
			}
		}()
		require.Eventually(t, func() bool { n, _ := b.Waits(); return n > before }, time.Minute, 100*time.Microsecond)
	}
	connection := func() context.Context {
		return wire.Connections{}.TagConn(context.Background(), &stats.ConnTagInfo{})
	}
	a, other := connection(), connection()
	for range 3 {
		wait("a", a)
	}
	wait("b", other)
	order := ""
	for range 4 {
		b.Return(1)
		order += <-ended
	}
	require.Equal(t, "abaa", order)
}

// TestCallsOfManyConnections: where as many calls run as may, the newest of who has the most ends for one of who has fewer.
func TestCallsOfManyConnections(t *testing.T) {
	s := serveStaging(t, 0)
	few := admission.NewShares(3)
	s.shares = func() *admission.Shares { return few }
	mine, _ := s.connect(t)
	const endless = `{"file": "arrays.h5", "dataset": "/cube", "stream": {"cyclic": true, "block_rows": 1}}` // which takes little
	ask := func(c arrowflight.Client, request string) arrowflight.FlightService_DoGetClient {
		stream, err := c.DoGet(t.Context(), &arrowflight.Ticket{Ticket: []byte(request)})
		require.NoError(t, err)
		_, err = stream.Recv()
		require.NoError(t, err)
		return stream
	}
	var all []arrowflight.FlightService_DoGetClient
	for range 3 {
		all = append(all, ask(mine, endless))
	}
	stream, err := mine.DoGet(t.Context(), &arrowflight.Ticket{Ticket: []byte(oneRow)})
	require.NoError(t, err)
	_, err = stream.Recv()
	require.Equal(t, codes.ResourceExhausted, status.Code(err), "none of its own")
	require.ErrorContains(t, err, "no one has more")
	other, _ := s.connect(t)
	ask(other, endless)
	for err = nil; err == nil; {
		_, err = all[2].Recv()
	}
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
	require.ErrorContains(t, err, "others came")
	for _, stream := range all[:2] {
		_, err = stream.Recv()
		require.NoError(t, err)
	}
}
