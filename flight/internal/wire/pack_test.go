package wire

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/peer"

	"github.com/mtflight/mtflight/internal/bufpool"
)

// packing is an ipc.PayloadWriter whose batches a Packer has packed: an ipc.MessageReader then.
type packing struct {
	packer   *Packer
	record   arrow.Record
	messages []*ipc.Message
	bytes    int
	packed   []bool // by batch
}

func (p *packing) Start() error { return nil }
func (p *packing) Close() error { return nil }

func (p *packing) WritePayload(l ipc.Payload) error {
	meta := l.Meta()
	defer meta.Release()
	var body Body
	if err := l.SerializeBody(&body); err != nil {
		return err
	}
	header := meta.Bytes()
	if IPCType(header) == IPCRecordBatch {
		var held Held
		header, held = p.packer.Pack(header, &body, p.record)
		defer held.Release()
		p.packed = append(p.packed, held != Held(p.record))
		p.bytes += body.Size
	}
	b := bytes.Join(body.all, nil)
	p.messages = append(p.messages, ipc.NewMessage(memory.NewBufferBytes(bytes.Clone(header)), memory.NewBufferBytes(b)))
	return nil
}

func (p *packing) Message() (m *ipc.Message, err error) {
	m, p.messages = p.messages[0], p.messages[1:]
	return m, nil
}
func (p *packing) Retain()  {}
func (p *packing) Release() {}

var packedSchema = arrow.NewSchema([]arrow.Field{
	{Name: "same", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "noise", Type: arrow.PrimitiveTypes.Uint64, Nullable: true},
	{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "flag", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int16), Nullable: true},
	{Name: "word", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}, Nullable: true},
}, nil)

func packedRecord(mem memory.Allocator, n int, r *rand.Rand) arrow.Record {
	b := array.NewRecordBuilder(mem, packedSchema)
	defer b.Release()
	for i := range n {
		if b.Field(0).(*array.Int64Builder).Append(int64(i / 100)); i%5 == 0 {
			b.Field(2).AppendNull()
		} else {
			b.Field(2).(*array.StringBuilder).Append(strings.Repeat("ab", r.IntN(5)))
		}
		b.Field(1).(*array.Uint64Builder).Append(r.Uint64())
		b.Field(3).(*array.BooleanBuilder).Append(i%3 == 0)
		l := b.Field(4).(*array.ListBuilder)
		l.Append(true)
		l.ValueBuilder().(*array.Int16Builder).AppendValues([]int16{1, 2, 3}[:r.IntN(4)], nil)
		_ = b.Field(5).(*array.BinaryDictionaryBuilder).AppendString([]string{"x", "y"}[i%2])
	}
	return b.NewRecord()
}

// TestPackedBatches: a reader of Arrow gets the same, from fewer bytes, and the budget all of its own back.
func TestPackedBatches(t *testing.T) {
	for _, codec := range []string{"lz4", "zstd"} {
		mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
		budget := &bufpool.Memory{Budget: bufpool.NewBudget(64<<20, time.Second), Pool: bufpool.NewPool(64 << 20)}
		p := &packing{packer: NewPacker(context.Background(), codec, budget)}
		w := ipc.NewWriterWithPayloadWriter(p, ipc.WithSchema(packedSchema))
		var want []arrow.Record
		for k, n := range []int{5000, 1, 0, 20_000, 7, 5000} {
			rec := packedRecord(mem, n, rand.New(rand.NewPCG(1, uint64(k))))
			want, p.record = append(want, rec), rec
			require.NoError(t, w.Write(rec))
		}
		require.NoError(t, w.Close())
		require.Zero(t, budget.Budget.Used(), codec)
		require.True(t, p.packed[0] && p.packed[3] && p.packed[5], codec)
		require.False(t, p.packed[2], "nothing shrinks")
		require.Less(t, p.bytes, 30_000*(8+8+8+4+4)*3/4)
		r, err := ipc.NewReaderFromMessageReader(p)
		require.NoError(t, err)
		for _, rec := range want {
			require.True(t, r.Next(), "%v", r.Err())
			require.True(t, array.RecordEqual(rec, r.Record()), "%s: %d rows", codec, rec.NumRows())
			rec.Release()
		}
		r.Release()
		mem.AssertSize(t, 0)
	}
}

// TestPackedIfThereIsMemory: who waits for memory comes before, and batches go as they are.
func TestPackedIfThereIsMemory(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	budget := &bufpool.Memory{Budget: bufpool.NewBudget(1<<20, time.Second), Pool: bufpool.NewPool(1 << 20)}
	rec := packedRecord(mem, 5000, rand.New(rand.NewPCG(1, 1)))
	defer rec.Release()
	p := &packing{packer: NewPacker(context.Background(), "zstd", budget), record: rec}
	w := ipc.NewWriterWithPayloadWriter(p, ipc.WithSchema(packedSchema))
	require.NoError(t, w.Write(rec))
	require.NoError(t, w.Close())
	require.Equal(t, []bool{false}, p.packed)
	require.Zero(t, budget.Budget.Used())
}

func TestNotPackedOnOneHost(t *testing.T) {
	ctx := peer.NewContext(context.Background(), &peer.Peer{Addr: &net.UnixAddr{Name: "@", Net: "unix"}})
	require.Nil(t, NewPacker(ctx, "zstd", nil))
	require.Nil(t, NewPacker(context.Background(), "", nil))
	require.NotNil(t, NewPacker(context.Background(), "lz4", nil))
}
