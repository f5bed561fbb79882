package wire

import (
	"bytes"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
)

var wholeNumbers = arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64}}, nil)

// locked counts what several goroutines allocate and free.
type locked struct {
	mu sync.Mutex
	memory.Allocator
	size int
}

func (l *locked) Allocate(n int) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.size += n
	return l.Allocator.Allocate(n)
}

func (l *locked) Reallocate(n int, b []byte) []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.size += n - len(b)
	return l.Allocator.Reallocate(n, b)
}

func (l *locked) Free(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.size -= len(b)
}

func (l *locked) used() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size
}

// A message that gRPC drops without freeing it is released when it is collected.
func TestLeaseDropped(t *testing.T) {
	pool := &locked{Allocator: memory.NewGoAllocator()}
	l := newLedger()
	func() {
		b := array.NewInt64Builder(pool)
		defer b.Release()
		b.AppendValues(make([]int64, 50_000), nil)
		column := b.NewArray()
		defer column.Release()
		rec := array.NewRecord(wholeNumbers, []arrow.Array{column}, 50_000)
		p := Body{all: [][]byte{make([]byte, 8<<10), make([]byte, 10), make([]byte, 9<<10)}}
		require.Len(t, p.Slices([]byte("head"), rec, l, nil), 4)
		rec.Release()
	}()
	require.NotZero(t, pool.used())
	require.Eventually(t, func() bool {
		runtime.GC()
		return pool.used() == 0
	}, time.Minute, 10*time.Millisecond)
	require.Eventually(t, func() bool { l.mu.Lock(); defer l.mu.Unlock(); return len(l.leases) == 0 }, time.Minute, time.Millisecond)
}

func TestEncodeHead(t *testing.T) {
	for header := range 300 {
		for _, meta := range []string{"", "{}", `{"block":1}`} {
			for _, body := range []int{0, 8, 127, 128, 1 << 20} {
				h := make([]byte, header)
				for i := range h {
					h[i] = byte(i + 1)
				}
				head := EncodeHead(h, []byte(meta), body)
				require.Zero(t, len(head)%bodyAlign)
				var fd arrowflight.FlightData
				require.NoError(t, proto.Unmarshal(append(head, make([]byte, body)...), &fd))
				require.Equal(t, h, fd.DataHeader[:header])
				for _, b := range fd.DataHeader[header:] {
					require.Zero(t, b)
				}
				require.Equal(t, meta, string(fd.AppMetadata))
				require.Len(t, fd.DataBody, body)
			}
		}
	}
}

func FuzzIPCType(f *testing.F) {
	f.Add(arrowflight.SerializeSchema(wholeNumbers, memory.DefaultAllocator)[8:])
	f.Add([]byte{4, 0, 0, 0, 0, 0, 0, 0x80})
	f.Fuzz(func(t *testing.T, b []byte) { IPCType(b) })
}

func TestIPCType(t *testing.T) {
	require.EqualValues(t, IPCSchema, IPCType(arrowflight.SerializeSchema(wholeNumbers, memory.DefaultAllocator)[8:]))
	require.EqualValues(t, ipcNone, IPCType(nil))
}

// payload keeps the last message.
type payload struct {
	header []byte
	body   bytes.Buffer
}

func (p *payload) Start() error { return nil }
func (p *payload) Close() error { return nil }

func (p *payload) WritePayload(of ipc.Payload) error {
	p.header = bytes.Clone(of.Meta().Bytes())
	return of.SerializeBody(&p.body)
}

// A tail says of a batch once more what its header does, or that it has no rows.
func TestTail(t *testing.T) {
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int64)}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	list := b.Field(0).(*array.FixedSizeListBuilder)
	for i := range int64(1000) {
		list.Append(true)
		list.ValueBuilder().(*array.Int64Builder).AppendValues([]int64{i, -i}, nil)
	}
	record := b.NewRecord()
	defer record.Release()
	var m payload
	w := ipc.NewWriterWithPayloadWriter(&m, ipc.WithSchema(schema))
	require.NoError(t, w.Write(record))
	require.NoError(t, w.Close())
	for right, rows := range map[bool]int64{true: 1000, false: 0} {
		header := bytes.Clone(m.header)
		tail := NewTail(header, func() bool { return right })
		tail.decide()
		tail.right = func() bool { return !right }
		tail.decide() // once
		head := EncodeHead(header, []byte("place"), len(m.body.Bytes()))
		var got arrowflight.FlightData
		require.NoError(t, proto.Unmarshal(slices.Concat(head, m.body.Bytes(), tail.bytes), &got))
		require.Equal(t, "place", string(got.AppMetadata))
		require.Equal(t, m.body.Bytes(), got.DataBody)
		require.Len(t, got.DataHeader, len(header))
		f, kind, batch := ipcMessage(got.DataHeader)
		require.EqualValues(t, IPCRecordBatch, kind)
		require.Equal(t, rows, f.i64Field(batch, 0))
		nodes, n := f.vector(batch, 1, 16)
		require.Equal(t, 2, n)
		require.Equal(t, 2*rows, f.i64(nodes+16))
	}
}
