package client

import (
	"context"
	"errors"
	"io"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/bitutil"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"google.golang.org/grpc"

	"github.com/mtflight/mtflight/flight/client/internal/rpc"
	"github.com/mtflight/mtflight/protocol"
)

const (
	longList = 10_000  // coordinates that go by DoExchange, not in a ticket
	sendRows = 1 << 18 // rows of a batch sent
)

// exchange sends the coordinates or the mask of a request.
func (c *Client) exchange(ctx context.Context, s scan, r protocol.Request) (*Rows, error) {
	bare := resumable(r)
	bare.Coordinates, bare.Mask, bare.MaskRows, bare.Endpoints = nil, nil, 0, 1
	info, schema, err := c.info(ctx, bare)
	if err != nil {
		return nil, err
	}
	for _, e := range info.Endpoints { // a lost stream is not gone on with in another version of the file
		if t, err := protocol.ParseTicket(e.Ticket); err == nil {
			bare.State = t.State
		}
	}
	p := newPart(func(ctx context.Context, from *int64) (grpc.ClientStream, error) {
		command, err := protocol.FormatTicket(fromBlock(bare, from))
		if err != nil {
			return nil, err
		}
		stream, err := c.server.DoExchange(ctx)
		if err != nil {
			return nil, err
		}
		if err := sendRowsOf(stream, command, r); err != nil && !errors.Is(err, io.EOF) { // EOF: the answer says why
			return nil, err
		}
		return stream, nil
	}, bare.Stream.FromBlock)
	return c.start(ctx, s, schema, -1, []*part{p}), nil
}

func sendRowsOf(stream grpc.ClientStream, command []byte, r protocol.Request) error {
	of, n := arrow.DataType(arrow.PrimitiveTypes.Int64), len(r.Coordinates)
	if r.Mask != nil {
		of, n = arrow.FixedWidthTypes.Boolean, int(r.MaskRows)
	}
	schema := arrow.NewSchema([]arrow.Field{{Name: "rows", Type: of}}, nil)
	w := ipc.NewWriterWithPayloadWriter(&sender{stream, &rpc.Descriptor{Cmd: command}}, ipc.WithSchema(schema))
	b := array.NewRecordBuilder(memory.NewGoAllocator(), schema)
	defer b.Release()
	for first := 0; first < n; first += sendRows {
		last := min(first+sendRows, n)
		if r.Mask != nil {
			appendBits(b.Field(0).(*array.BooleanBuilder), r.Mask, first, last)
		} else {
			b.Field(0).(*array.Int64Builder).AppendValues(r.Coordinates[first:last], nil)
		}
		rec := b.NewRecord()
		err := w.Write(rec)
		rec.Release()
		if err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return stream.CloseSend()
}

func appendBits(b *array.BooleanBuilder, bits []byte, first, last int) {
	b.Reserve(last - first)
	for i := first; i < last; i++ {
		b.UnsafeAppend(bitutil.BitIsSet(bits, i))
	}
}
