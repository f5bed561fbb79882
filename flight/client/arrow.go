package client

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"google.golang.org/grpc"

	"github.com/mtflight/mtflight/flight/client/internal/rpc"
	"github.com/mtflight/mtflight/internal/fault"
)

// messages are Arrow's messages of a stream of Data: an ipc.MessageReader. One is valid until the next.
type messages struct {
	stream     grpc.ClientStream
	data       rpc.Data
	message    *ipc.Message
	references atomic.Int64
}

func newMessages(stream grpc.ClientStream) *messages {
	m := &messages{stream: stream}
	m.references.Store(1)
	return m
}

// Message passes over data without one.
func (m *messages) Message() (*ipc.Message, error) {
	m.drop()
	for len(m.data.Header) == 0 {
		if err := m.stream.RecvMsg(&m.data); err != nil {
			return nil, err
		}
	}
	m.message = ipc.NewMessage(memory.NewBufferBytes(m.data.Header), memory.NewBufferBytes(m.data.Body))
	return m.message, nil
}

func (m *messages) drop() {
	if m.message != nil {
		m.message.Release()
		m.message = nil
	}
	m.data.Free()
}

func (m *messages) Retain() { m.references.Add(1) }

func (m *messages) Release() {
	if m.references.Add(-1) == 0 {
		m.drop()
	}
}

// bounded refuses to allocate what no batch has: Arrow's reader allocates as much as a message says before it looks whether
// it is there, and makes an error of a panic.
type bounded struct{ memory.Allocator }

func (b bounded) Allocate(size int) []byte {
	if size > maxResult {
		panic(fmt.Sprintf("a buffer of %d bytes, more than a batch has", size))
	}
	return b.Allocator.Allocate(size)
}

func (b bounded) Reallocate(size int, old []byte) []byte {
	if size > maxResult {
		panic(fmt.Sprintf("a buffer of %d bytes, more than a batch has", size))
	}
	return b.Allocator.Reallocate(size, old)
}

// schemaMessage is the schema of a FlightInfo, which is an IPC stream's beginning.
type schemaMessage []byte

const continuation = 0xFFFFFFFF // before the length of a message; those before Arrow 0.15 have none

func (s schemaMessage) Message() (*ipc.Message, error) {
	word := func() (n uint32) {
		if len(s) >= 4 {
			n, s = binary.LittleEndian.Uint32(s), s[4:]
		}
		return n
	}
	n := word()
	if n == continuation {
		n = word()
	}
	if n == 0 || uint64(n) > uint64(len(s)) {
		return nil, io.ErrUnexpectedEOF
	}
	return ipc.NewMessage(memory.NewBufferBytes(bytes.Clone(s[:n])), memory.NewBufferBytes(nil)), nil
}

func (schemaMessage) Retain()  {}
func (schemaMessage) Release() {}

func deserialize(schema []byte) (*arrow.Schema, error) {
	r, err := ipc.NewReaderFromMessageReader(schemaMessage(schema))
	if err != nil {
		return nil, fault.New(fault.DataLoss, "client: schema: %w", err)
	}
	defer r.Release()
	return r.Schema(), nil
}

// sender writes record batches to a stream, the first message with the command: an ipc.PayloadWriter.
type sender struct {
	stream  grpc.ClientStream
	command *rpc.Descriptor // nil: said already
}

func (s *sender) Start() error { return nil }
func (s *sender) Close() error { return nil }

func (s *sender) WritePayload(p ipc.Payload) error {
	header := p.Meta()
	defer header.Release()
	var body bytes.Buffer // of its own: gRPC keeps it
	if err := p.SerializeBody(&body); err != nil {
		return err
	}
	d := &rpc.Data{Descriptor: s.command, Header: header.Bytes(), Body: body.Bytes()}
	s.command = nil
	return s.stream.SendMsg(d)
}
