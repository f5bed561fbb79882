package rpc

import (
	"fmt"

	"google.golang.org/grpc/mem"
)

// sent is a message that the client sends, received one that it gets.
type (
	sent     interface{ append(b []byte) []byte }
	received interface{ parse(message []byte) error }
)

// codec is grpc's encoding.CodecV2 for this package's messages.
type codec struct{}

// Name is the content subtype: the bytes are protobuf's.
func (codec) Name() string { return "proto" }

// Marshal gives the body of a Data by reference: it must stay as it is.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(sent)
	if !ok {
		return nil, fmt.Errorf("rpc: %T is not sent", v)
	}
	out := mem.BufferSlice{mem.SliceBuffer(m.append(nil))}
	if d, ok := m.(*Data); ok && len(d.Body) > 0 {
		out = append(out, mem.SliceBuffer(d.Body))
	}
	return out, nil
}

// Unmarshal keeps the message of a Data in a buffer of gRPC's pool until it is freed: batches are large.
func (codec) Unmarshal(message mem.BufferSlice, v any) error {
	m, ok := v.(received)
	if !ok {
		return fmt.Errorf("rpc: %T is not received", v)
	}
	d, ok := m.(*Data)
	if !ok {
		return m.parse(message.Materialize())
	}
	d.Free()
	d.buffer = message.MaterializeToBuffer(mem.DefaultBufferPool())
	return d.parse(d.buffer.ReadOnlyData())
}
