package flight

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"google.golang.org/grpc"

	"github.com/mtflight/mtflight/flight/internal/wire"
	"github.com/mtflight/mtflight/internal/span"
	"github.com/mtflight/mtflight/reader"
)

// batches is the part of reader.Run that is sent.
type batches interface {
	Schema() *arrow.Schema
	Next() bool
	Record() arrow.Record
	Block() reader.Block
	Err() error
}

// sender writes record batches to one stream without copying their buffers. It is the ipc.PayloadWriter of its own
// ipc.Writer: that encodes the headers, the sender puts the recorded body buffers behind them. What the encoder itself
// allocates (rebased offsets of a sliced array) comes from Go's heap, so that it lives as long as gRPC refers to it.
type sender struct {
	stream interface{ SendMsg(m any) error }
	ledger *wire.Ledger
	writer *ipc.Writer
	packer *wire.Packer // nil: batches are sent as they are

	stalls *stalls
	ctx    context.Context // of the stream
	block  reader.Block    // of the record
	before *delivery       // what was sent last

	record arrow.Record // being written
	meta   []byte       // its app_metadata
	right  func() bool  // tells of a mapped one, once it has been written, whether it is right; nil: it is
	call   *call        // of the stream
	closed bool         // nothing is sent any more
	opened bool         // the schema was sent
}

// send sends every batch with its Block as app_metadata, or the bare schema if there is none. It returns what ended
// the stream early. The buffers of a record may be in use after it returns, held by the record's own reference count.
func (of *stalls) send(stream grpc.ServerStream, run batches, packer *wire.Packer) (err error) {
	c := callOf(stream.Context())
	s := &sender{stream: stream, ledger: wire.LedgerOf(stream.Context()), packer: packer, call: c, stalls: of, ctx: stream.Context()}
	s.writer = ipc.NewWriterWithPayloadWriter(s, ipc.WithSchema(run.Schema()), ipc.WithAllocator(memory.NewGoAllocator()))
	defer func() {
		s.closed = s.closed || err != nil
		if cerr := s.writer.Close(); err == nil { // sends the schema where no batch did
			err = cerr
		}
	}()
	if f, ok := run.(interface{ Follows() bool }); ok && f.Follows() { // a client waits for the schema first
		if err := s.open(run.Schema()); err != nil {
			return err
		}
	}
	mapped, _ := run.(interface{ Mapped() func() bool })
	for began := time.Now(); run.Next(); {
		ready := time.Now()
		if mapped != nil {
			s.right = mapped.Mapped()
		}
		_, one := span.Start(stream.Context(), "send")
		one.Note("rows", run.Record().NumRows())
		err := s.write(run.Record(), run.Block())
		one.End(err)
		if err != nil {
			return err
		}
		sent := time.Now()
		c.sent(run.Record().NumRows(), 0)
		c.waited(ready.Sub(began), sent.Sub(ready))
		began = sent
	}
	return run.Err()
}

// open sends the schema before there is a batch.
func (s *sender) open(schema *arrow.Schema) error {
	err := ipc.NewWriterWithPayloadWriter(s, ipc.WithSchema(schema), ipc.WithAllocator(memory.NewGoAllocator())).Close()
	s.opened = err == nil
	return err
}

func (s *sender) write(record arrow.Record, block reader.Block) (err error) {
	if s.meta, err = json.Marshal(block); err != nil {
		return fmt.Errorf("flight: encode a batch's place: %w", err)
	}
	s.record, s.block = record, block
	defer func() { s.record = nil }()
	return s.writer.Write(record)
}

// Start is part of ipc.PayloadWriter.
func (s *sender) Start() error { return nil }

// Close is part of ipc.PayloadWriter.
func (s *sender) Close() error { return nil }

// WritePayload sends a schema, a dictionary or a record batch.
func (s *sender) WritePayload(p ipc.Payload) error {
	if s.closed {
		return nil
	}
	meta := p.Meta()
	defer meta.Release()
	kind := wire.IPCType(meta.Bytes())
	if s.opened && kind == wire.IPCSchema {
		return nil
	}
	var body wire.Body
	if err := p.SerializeBody(&body); err != nil {
		return fmt.Errorf("flight: encode a batch: %w", err)
	}
	header, held, appMetadata := meta.Bytes(), wire.Held(s.record), []byte(nil)
	if kind == wire.IPCRecordBatch {
		header, held = s.packer.Pack(header, &body, s.record)
		defer held.Release()
		appMetadata = s.meta
	}
	head := wire.EncodeHead(header, appMetadata, body.Size)
	var tail *wire.Tail
	if s.right != nil && kind == wire.IPCRecordBatch {
		tail = wire.NewTail(meta.Bytes(), s.right)
	}
	m := &wire.Message{Slices: body.Slices(head, held, s.ledger, tail)}
	s.call.sent(0, int64(m.Slices.Len()))
	d := s.deliver(body.Way())
	s.stalls.begin(d)
	err := s.stream.SendMsg(m)
	s.stalls.end(d)
	s.closed = s.closed || err != nil
	return err
}

// deliver begins to look after a batch, which goes behind the one before.
func (s *sender) deliver(way *wire.Way) *delivery {
	d := &delivery{ctx: s.ctx, block: s.block, way: way}
	if b := s.before; b != nil && b.way != nil && !b.over() {
		d.after = b
	}
	if way != nil {
		s.before = d
	}
	return d
}
