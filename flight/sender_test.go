package flight

import (
	"context"
	"fmt"
	"io"
	"math/rand"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"

	"github.com/mtflight/mtflight/flight/internal/admission"
	"github.com/mtflight/mtflight/flight/internal/catalog"
	"github.com/mtflight/mtflight/flight/internal/wire"
	"github.com/mtflight/mtflight/reader"
)

func TestMain(m *testing.M) {
	explainTime = time.Minute // where many tests run
	goleak.VerifyTestMain(m)
}

// poisoner overwrites what is freed, so that a buffer sent after its release shows.
type poisoner struct{ memory.Allocator }

func (p poisoner) Free(b []byte) {
	for i := range b {
		b[i] = 0xDB
	}
	p.Allocator.Free(b)
}

// counted is a poisoning allocator that says when everything has come back. Streams allocate and free in several
// goroutines.
type counted struct {
	mu sync.Mutex
	memory.Allocator
	size, most int
}

func newCounted() *counted { return &counted{Allocator: poisoner{memory.NewGoAllocator()}} }

func (c *counted) Allocate(n int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size += n
	c.most = max(c.most, c.size)
	return c.Allocator.Allocate(n)
}

func (c *counted) Reallocate(n int, b []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size += n - len(b)
	out := c.Allocator.Allocate(n)
	copy(out, b)
	c.Allocator.Free(b)
	return out
}

func (c *counted) Free(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.size -= len(b)
	c.Allocator.Free(b)
}

func (c *counted) used() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.size
}

// peak is the most that was in use at once.
func (c *counted) peak() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most
}

func (c *counted) requireEmpty(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		runtime.GC()
		return c.used() == 0
	}, time.Minute, 10*time.Millisecond, "bytes were never released")
}

// source makes batches of which every value tells its row.
type source struct {
	mem     memory.Allocator
	rows, n int // of a batch, batches
	next    int
	current arrow.Record
	err     error // after the last
}

var sourceSchema = arrow.NewSchema([]arrow.Field{
	{Name: "i", Type: arrow.PrimitiveTypes.Int64},
	{Name: "s", Type: arrow.BinaryTypes.String},
	{Name: "b", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "l", Type: arrow.FixedSizeListOf(3, arrow.PrimitiveTypes.Float32)},
	{Name: "d", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}},
}, nil)

func (s *source) Schema() *arrow.Schema { return sourceSchema }
func (s *source) Record() arrow.Record  { return s.current }
func (s *source) Err() error            { return s.err }
func (s *source) Block() reader.Block {
	return reader.Block{Block: int64(s.next - 1), Row: int64((s.next - 1) * s.rows), Rows: int64(s.rows)}
}

func (s *source) release() {
	if s.current != nil {
		s.current.Release()
		s.current = nil
	}
}

func (s *source) Next() bool {
	s.release()
	if s.next == s.n {
		return false
	}
	s.current = s.make(s.next * s.rows)
	s.next++
	return true
}

func (s *source) make(first int) arrow.Record {
	b := array.NewRecordBuilder(s.mem, sourceSchema)
	defer b.Release()
	for row := first; row < first+s.rows; row++ {
		b.Field(0).(*array.Int64Builder).Append(int64(row))
		b.Field(1).(*array.StringBuilder).Append(fmt.Sprint("row ", row))
		if row%7 == 0 {
			b.Field(2).AppendNull()
		} else {
			b.Field(2).(*array.BooleanBuilder).Append(row%2 == 0)
		}
		l := b.Field(3).(*array.FixedSizeListBuilder)
		l.Append(true)
		l.ValueBuilder().(*array.Float32Builder).AppendValues([]float32{float32(row), 0, -1}, nil)
		_ = b.Field(4).(*array.BinaryDictionaryBuilder).AppendString([]string{"a", "b", "c"}[row%3])
	}
	return b.NewRecord()
}

func requireRows(t *testing.T, rec arrow.Record, first int) {
	t.Helper()
	i, s, b := rec.Column(0).(*array.Int64), rec.Column(1).(*array.String), rec.Column(2).(*array.Boolean)
	l, d := rec.Column(3).(*array.FixedSizeList), rec.Column(4).(*array.Dictionary)
	f := l.ListValues().(*array.Float32)
	for k := range int(rec.NumRows()) {
		row := first + k
		if i.Value(k) != int64(row) || s.Value(k) != fmt.Sprint("row ", row) || b.IsNull(k) != (row%7 == 0) ||
			!b.IsNull(k) && b.Value(k) != (row%2 == 0) || f.Value(3*k) != float32(row) || f.Value(3*k+2) != -1 ||
			d.Dictionary().(*array.String).Value(d.GetValueIndex(k)) != []string{"a", "b", "c"}[row%3] {
			require.Failf(t, "wrong row", "%d: %v", row, rec)
		}
	}
}

// sourceService answers every DoGet from a source.
type sourceService struct {
	arrowflight.BaseFlightServer
	source func() *source
}

func (s *sourceService) DoGet(_ *arrowflight.Ticket, stream arrowflight.FlightService_DoGetServer) error {
	src := s.source()
	defer src.release()
	return new(stalls).send(stream, src, nil)
}

// serveSource serves a source as the Server serves a run. The client's end of each connection is kept in conns.
func serveSource(t *testing.T, from func() *source) (dial func() arrowflight.Client, conns *[]net.Conn) {
	cat, err := catalog.New([]string{t.TempDir()})
	require.NoError(t, err)
	s := bounded(&Server{cfg: Config{Audit: zap.NewNop(), Limits: DefaultLimits()}, door: admission.NewDoor(time.Minute, receiveRoom), catalog: cat, guard: unguarded(t), log: zap.NewNop()})
	g := grpc.NewServer(s.options()...)
	arrowflight.RegisterFlightServiceServer(g, &sourceService{source: from})
	lis := bufconn.Listen(64 << 10)
	done := inBackground(func() { _ = g.Serve(lis) })
	t.Cleanup(func() { g.Stop(); <-done })
	conns = new([]net.Conn)
	return func() arrowflight.Client {
		c, err := arrowflight.NewClientWithMiddleware("passthrough:///x", nil, nil,
			grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(1<<30)),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
				conn, err := lis.DialContext(ctx)
				if err == nil {
					*conns = append(*conns, conn)
				}
				return conn, err
			}))
		require.NoError(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}, conns
}

// inBackground runs f in a goroutine and tells when it has ended.
func inBackground(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	return done
}

func get(t *testing.T, ctx context.Context, c arrowflight.Client, mem memory.Allocator) *arrowflight.Reader {
	t.Helper()
	stream, err := c.DoGet(ctx, &arrowflight.Ticket{Ticket: []byte("x")})
	require.NoError(t, err)
	rd, err := arrowflight.NewRecordReader(stream, ipc.WithAllocator(mem))
	require.NoError(t, err)
	return rd
}

func TestSend(t *testing.T) {
	for _, shape := range []struct{ rows, n int }{{0, 0}, {0, 1}, {1, 3}, {100, 3}, {5000, 2}, {200_000, 3}} {
		t.Run(fmt.Sprint(shape), func(t *testing.T) {
			pool := newCounted()
			dial, _ := serveSource(t, func() *source { return &source{mem: pool, rows: shape.rows, n: shape.n} })
			mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer mem.AssertSize(t, 0)
			rd := get(t, context.Background(), dial(), mem)
			require.True(t, rd.Schema().Equal(sourceSchema))
			n := 0
			for rd.Next() {
				time.Sleep(time.Millisecond) // the server runs ahead
				require.EqualValues(t, shape.rows, rd.Record().NumRows())
				require.JSONEq(t, fmt.Sprintf(`{"block": %d, "row": %d, "rows": %d, "cycle": 0}`, n, n*shape.rows, shape.rows),
					string(rd.LatestAppMetadata()))
				requireRows(t, rd.Record(), n*shape.rows)
				n++
			}
			require.NoError(t, rd.Err())
			require.Equal(t, shape.n, n)
			rd.Release()
			pool.requireEmpty(t)
		})
	}
}

func TestSendSliced(t *testing.T) {
	pool := newCounted()
	s := &source{mem: pool, rows: 20_000}
	whole := s.make(0)
	slice := whole.NewSlice(4321, 19_876)
	whole.Release()
	var got []*arrowflight.FlightData
	snd := &sender{stalls: new(stalls), stream: recorder{func(m *wire.Message) {
		var fd arrowflight.FlightData
		require.NoError(t, proto.Unmarshal(m.Slices.Materialize(), &fd))
		got = append(got, &fd)
		m.Slices.Free()
	}}, ledger: wire.LedgerOf(context.Background()), call: new(call)}
	snd.writer = ipc.NewWriterWithPayloadWriter(snd, ipc.WithSchema(sourceSchema), ipc.WithAllocator(memory.NewGoAllocator()))
	require.NoError(t, snd.write(slice, reader.Block{}))
	require.NoError(t, snd.writer.Close())
	slice.Release()
	pool.requireEmpty(t)
	rd, err := arrowflight.NewRecordReader(&replay{got})
	require.NoError(t, err)
	defer rd.Release()
	require.True(t, rd.Next())
	requireRows(t, rd.Record(), 4321)
}

type recorder struct{ take func(*wire.Message) }

func (r recorder) SendMsg(m any) error { r.take(m.(*wire.Message)); return nil }

type replay struct{ all []*arrowflight.FlightData }

func (r *replay) Recv() (*arrowflight.FlightData, error) {
	if len(r.all) == 0 {
		return nil, io.EOF
	}
	m := r.all[0]
	r.all = r.all[1:]
	return m, nil
}

// RecvMsg is for a message that is decoded when there is room for it.
func (r *replay) RecvMsg(m any) error {
	u := m.(*wire.Unread)
	came, err := r.Recv()
	if err != nil {
		return err
	}
	if err := u.Room(proto.Size(came)); err != nil {
		return err
	}
	proto.Merge(u.Into.(proto.Message), came)
	return nil
}

// Clients that read slowly, cancel, or whose connection breaks: what they got is right, and everything comes back.
func TestSendToBadClients(t *testing.T) {
	pool := newCounted()
	dial, conns := serveSource(t, func() *source { return &source{mem: pool, rows: 50_000, n: 20} })
	rng := rand.New(rand.NewSource(1))
	for i := range 12 {
		c := dial()
		ctx, cancel := context.WithCancel(context.Background())
		rd := get(t, ctx, c, memory.NewGoAllocator())
		for n := range rng.Intn(4) {
			require.True(t, rd.Next())
			requireRows(t, rd.Record(), n*50_000)
		}
		switch i % 3 {
		case 0:
			cancel()
		case 1:
			(*conns)[len(*conns)-1].Close()
		case 2:
			go cancel()
			c.Close()
		}
		rd.Release()
		cancel()
		c.Close()
	}
	pool.requireEmpty(t)
	require.NotZero(t, pool.peak())
}

// A client that does not read stops the server: it does not run ahead by more than flow control allows.
func TestSendBackPressure(t *testing.T) {
	pool := newCounted()
	dial, _ := serveSource(t, func() *source { return &source{mem: pool, rows: 50_000, n: 100} })
	ctx, cancel := context.WithCancel(context.Background())
	rd := get(t, ctx, dial(), memory.NewGoAllocator())
	require.True(t, rd.Next())
	for before := 0; pool.peak() > before; time.Sleep(300 * time.Millisecond) {
		before = pool.peak()
	}
	require.Less(t, pool.peak(), 32<<20)
	cancel()
	rd.Release()
	pool.requireEmpty(t)
}

func TestSendError(t *testing.T) {
	pool := newCounted()
	dial, _ := serveSource(t, func() *source {
		return &source{mem: pool, rows: 50_000, n: 2, err: io.ErrUnexpectedEOF}
	})
	rd := get(t, context.Background(), dial(), memory.NewGoAllocator())
	require.True(t, rd.Next())
	require.True(t, rd.Next())
	require.False(t, rd.Next())
	require.ErrorContains(t, rd.Err(), "internal error (request ")
	rd.Release()
	pool.requireEmpty(t)
}
