package client_test

import (
	"context"
	"encoding/binary"
	"net"
	"path/filepath"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"

	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/protocol"
)

// stream is a Flight server that sends the messages given.
type stream struct {
	other
	schema   *arrow.Schema
	messages []*arrowflight.FlightData
}

func (s *stream) GetFlightInfo(context.Context, *arrowflight.FlightDescriptor) (*arrowflight.FlightInfo, error) {
	return &arrowflight.FlightInfo{Schema: arrowflight.SerializeSchema(s.schema, memory.DefaultAllocator), TotalRecords: -1,
		Endpoint: []*arrowflight.FlightEndpoint{{Ticket: &arrowflight.Ticket{Ticket: []byte("any")}}}}, nil
}

func (s *stream) DoGet(_ *arrowflight.Ticket, out arrowflight.FlightService_DoGetServer) error {
	for _, m := range s.messages {
		if err := out.Send(m); err != nil {
			return err
		}
	}
	return nil
}

// recorded keeps what Arrow's stock writer sends.
type recorded struct{ all []*arrowflight.FlightData }

func (r *recorded) Send(d *arrowflight.FlightData) error {
	r.all = append(r.all, &arrowflight.FlightData{DataHeader: append([]byte{}, d.DataHeader...), AppMetadata: d.AppMetadata,
		DataBody: append([]byte{}, d.DataBody...)})
	return nil
}

// served gives a client of a server of that stream.
func (s *stream) served(t testing.TB) *client.Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	require.NoError(t, err)
	srv := grpc.NewServer()
	arrowflight.RegisterFlightServiceServer(srv, s)
	ended := make(chan error)
	go func() { ended <- srv.Serve(l) }()
	c, err := client.Open(context.Background(), "grpc+unix://"+path)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, c.Close())
		srv.Stop()
		require.NoError(t, <-ended)
	})
	return c
}

func written(t testing.TB, schema *arrow.Schema, records ...arrow.Record) []*arrowflight.FlightData {
	t.Helper()
	var r recorded
	w := arrowflight.NewRecordWriter(&r, ipc.WithSchema(schema))
	for _, rec := range records {
		require.NoError(t, w.Write(rec))
	}
	require.NoError(t, w.Close())
	return r.all
}

// categories is a record of a dictionary and of nested lists.
func categories(t testing.TB) arrow.Record {
	t.Helper()
	dict := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}
	schema := arrow.NewSchema([]arrow.Field{{Name: "c", Type: dict, Nullable: true}, {Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Float32)}}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i, v := range []string{"a", "b", "a", ""} {
		if v == "" {
			b.Field(0).AppendNull()
		} else {
			require.NoError(t, b.Field(0).(*array.BinaryDictionaryBuilder).AppendString(v))
		}
		b.Field(1).(*array.ListBuilder).Append(true)
		for k := range i {
			b.Field(1).(*array.ListBuilder).ValueBuilder().(*array.Float32Builder).Append(float32(k))
		}
	}
	return b.NewRecord()
}

// Dictionaries, lists and messages that have no batch, as any Flight server may send them.
func TestScanOfAnyStream(t *testing.T) {
	rec := categories(t)
	defer rec.Release()
	all := written(t, rec.Schema(), rec, rec)
	note := &arrowflight.FlightData{AppMetadata: []byte("only metadata")}
	all = append([]*arrowflight.FlightData{note, all[0], note}, all[1:]...)
	c := (&stream{schema: rec.Schema(), messages: append(all, note)}).served(t)
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	rows, err := c.Scan(context.Background(), protocol.Request{File: "a", Dataset: "/b"}, client.Allocator(mem))
	require.NoError(t, err)
	defer rows.Release()
	got := tableOf(t, rows)
	defer got.Release()
	want := array.NewTableFromRecords(rec.Schema(), []arrow.Record{rec, rec})
	defer want.Release()
	requireSame(t, want, got)
}

// A message that says more than it has is an error, not memory.
func TestScanOfHostileStream(t *testing.T) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, otherSchema)
	defer b.Release()
	b.Field(0).(*array.Int64Builder).AppendValues([]int64{1, 2, 3}, nil)
	rec := b.NewRecord()
	defer rec.Release()
	for name, change := range map[string]func(header []byte) []byte{
		"long":      func(h []byte) []byte { return replaced(h, 24, 1<<50) },
		"negative":  func(h []byte) []byte { return replaced(h, 24, 1<<63) },
		"cut":       func(h []byte) []byte { return h[:20] },
		"zeros":     func(h []byte) []byte { return make([]byte, len(h)) },
		"elsewhere": func(h []byte) []byte { return append([]byte{255, 255, 255, 127}, h[4:]...) },
	} {
		all := written(t, otherSchema, rec)
		last := all[len(all)-1]
		last.DataHeader = change(last.DataHeader)
		c := (&stream{schema: otherSchema, messages: all}).served(t)
		rows, err := c.Scan(context.Background(), protocol.Request{File: "a", Dataset: "/b"})
		require.NoError(t, err)
		require.False(t, rows.Next(), name)
		require.ErrorIs(t, rows.Err(), client.ErrDataLoss, name)
		rows.Release()
	}
}

// replaced writes a number wherever the header has another.
func replaced(header []byte, old, with uint64) []byte {
	for i := 0; i+8 <= len(header); i += 8 {
		if binary.LittleEndian.Uint64(header[i:]) == old {
			binary.LittleEndian.PutUint64(header[i:], with)
		}
	}
	return header
}
