package wire

import (
	"encoding/binary"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// Message is a FlightData that is encoded already, its body by reference.
type Message struct{ Slices mem.BufferSlice }

// codec sends a message as it is and leaves everything else to protobuf.
type codec struct{ encoding.CodecV2 }

// NewCodec is gRPC's codec of protobuf that knows a Message too.
func NewCodec() encoding.CodecV2 { return codec{encoding.GetCodecV2(proto.Name)} }

// Marshal hands the slices of a message, with their references, to gRPC.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if m, ok := v.(*Message); ok {
		return m.Slices, nil
	}
	return c.CodecV2.Marshal(v)
}

// Tags of arrow.flight.protocol.FlightData, all length-delimited.
const (
	tagDataHeader  = 2<<3 | 2
	tagAppMetadata = 3<<3 | 2
	tagDataBody    = 1000<<3 | 2
)

// bodyAlign is where the body starts in the message: a receiver that has it in one piece can then use the column
// buffers in place.
const bodyAlign = 64

// Slices of no more than this are copied: that is cheaper than a reference, and gRPC drops the free hook of 1 KiB or
// less.
const copyLimit = 4 << 10

// EncodeHead is FlightData up to the first byte of its body of the given length. The IPC header is padded with zeros,
// which readers ignore, so that the body is aligned.
func EncodeHead(header, appMetadata []byte, body int) []byte {
	pad := 0
	for headSize(len(header)+pad, len(appMetadata), body)%bodyAlign != 0 {
		pad++
	}
	b := make([]byte, 0, headSize(len(header)+pad, len(appMetadata), body))
	b = binary.AppendUvarint(b, tagDataHeader)
	b = binary.AppendUvarint(b, uint64(len(header)+pad))
	b = append(b, header...)
	b = append(b, make([]byte, pad)...)
	if len(appMetadata) > 0 {
		b = binary.AppendUvarint(b, tagAppMetadata)
		b = binary.AppendUvarint(b, uint64(len(appMetadata)))
		b = append(b, appMetadata...)
	}
	b = binary.AppendUvarint(b, tagDataBody)
	return binary.AppendUvarint(b, uint64(body))
}

func headSize(header, appMetadata, body int) int {
	n := fieldSize(tagDataHeader, header) + varintSize(tagDataBody) + varintSize(body)
	if appMetadata > 0 {
		n += fieldSize(tagAppMetadata, appMetadata)
	}
	return n
}

func fieldSize(tag, length int) int { return varintSize(tag) + varintSize(length) + length }

func varintSize(v int) int {
	n := 1
	for v >>= 7; v > 0; v >>= 7 {
		n++
	}
	return n
}

// Body records what is written to it, without a copy.
type Body struct {
	all   [][]byte
	Size  int
	lease *lease // of what Slices has made
}

func (p *Body) Write(b []byte) (int, error) {
	p.all = append(p.all, b)
	p.Size += len(b)
	return len(b), nil
}

// pieces are what was written by where it begins in the body.
func (p *Body) pieces() map[int64][]byte {
	out, at := make(map[int64][]byte, len(p.all)), int64(0)
	for _, b := range p.all {
		out[at] = b
		at += int64(len(b))
	}
	return out
}

// Slices makes gRPC's slices of head and pieces: large pieces by reference, holding what they lie in by a lease; small ones
// copied behind what is before them. A tail, where there is one, comes last.
func (p *Body) Slices(head []byte, in Held, l *Ledger, t *Tail) mem.BufferSlice {
	var large [][]byte
	for _, b := range p.all {
		if len(b) > copyLimit {
			large = append(large, b)
		}
	}
	var h *hook
	if len(large) > 0 {
		h = l.retain(in, large, t)
		p.lease = h.lease
	}
	var out mem.BufferSlice
	for i, b := range p.all {
		if len(b) <= copyLimit {
			head = append(head, b...)
			continue
		}
		if len(head) > 0 {
			out, head = append(out, mem.SliceBuffer(head)), nil
		}
		out = append(out, mem.NewBuffer(&p.all[i], h))
	}
	if len(head) > 0 {
		out = append(out, mem.SliceBuffer(head))
	}
	if t != nil && h != nil {
		out = append(out, mem.NewBuffer(&t.bytes, h))
	}
	return out
}
