package stage

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
)

// Kinds of IPC messages (Message.fbs, MessageHeader).
const (
	ipcSchema     = 1
	ipcDictionary = 2
	ipcBatch      = 3
)

// message is an encapsulated IPC message (Columnar.rst, "Encapsulated message format") in pieces: its flatbuffer, which
// is its own, and its buffers, which are the record's, each followed by padding.
type message struct {
	kind   byte
	header []byte
	pieces [][]byte
}

// messages collects what an ipc.Writer encodes; it is the writer's ipc.PayloadWriter.
type messages struct{ all []message }

// encode gives the messages of a stream of one record, or of none (nil): schema, dictionaries, batch.
func encode(schema *arrow.Schema, rec arrow.Record) ([]message, error) {
	m := &messages{}
	w := ipc.NewWriterWithPayloadWriter(m, ipc.WithSchema(schema), ipc.WithAllocator(memory.NewGoAllocator()))
	if rec != nil {
		if err := w.Write(rec); err != nil {
			return nil, fault.New(fault.Unsupported, "stage: encode a batch: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fault.New(fault.Unsupported, "stage: encode a schema: %w", err)
	}
	return m.all, nil
}

// Start is part of ipc.PayloadWriter.
func (m *messages) Start() error { return nil }

// Close is part of ipc.PayloadWriter.
func (m *messages) Close() error { return nil }

// WritePayload is part of ipc.PayloadWriter. The pieces stay valid with the record, or are of Go's heap.
func (m *messages) WritePayload(p ipc.Payload) error {
	meta := p.Meta()
	defer meta.Release()
	out := message{header: append([]byte(nil), meta.Bytes()...)}
	out.kind = out.header[field(out.header, root(out.header), 1)]
	if err := p.SerializeBody(&out); err != nil {
		return err
	}
	m.all = append(m.all, out)
	return nil
}

// Write takes one piece of a body.
func (m *message) Write(b []byte) (int, error) {
	m.pieces = append(m.pieces, b)
	return len(b), nil
}

func (m *message) bodySize() int64 {
	n := int64(0)
	for _, p := range m.pieces {
		n += int64(len(p))
	}
	return n
}

// alignedSize is the body's where each piece begins at a multiple of 64.
func (m *message) alignedSize() int64 {
	n := int64(0)
	for _, p := range m.pieces {
		n += round(int64(len(p)), align)
	}
	return n
}

const prefix = 8 // continuation and length before the flatbuffer

// headSize is the size of prefix and header, so that the body is aligned.
func (m *message) headSize() int64 { return round(prefix+int64(len(m.header)), align) }

// size is the message's when it is written in one piece.
func (m *message) size() int64 { return m.headSize() + m.bodySize() }

// writeHead writes prefix and header padded with zeros to fill dst.
func (m *message) writeHead(dst []byte) {
	binary.LittleEndian.PutUint32(dst, 0xFFFFFFFF)
	binary.LittleEndian.PutUint32(dst[4:], uint32(len(dst)-prefix))
	clear(dst[prefix+copy(dst[prefix:], m.header):])
}

// write writes the whole message to dst, which is of its size.
func (m *message) write(dst []byte) {
	m.writeHead(dst[:m.headSize()])
	dst = dst[m.headSize():]
	for _, p := range m.pieces {
		dst = dst[copy(dst, p):]
	}
}

// place writes a record batch around its buffers: the header into r.mem[head:body], what lies elsewhere behind what is
// used; end is where the body ends then. False: there is not room enough, and nothing was changed but r.used.
func (m *message) place(r *region, head, body int64) (end int64, ok bool) {
	if prefix+int64(len(m.header)) > body-head {
		return 0, false
	}
	table := child(m.header, root(m.header), 2)
	offsets := make([]int64, 0, 16)
	first, n := vector(m.header, table, 2)
	next := 0
	for i := range n {
		length := int64(binary.LittleEndian.Uint64(m.header[first+16*i+8:]))
		if length == 0 {
			offsets = append(offsets, 0)
			continue
		}
		at := r.hold(m.pieces[next], body)
		if at < 0 {
			return 0, false
		}
		offsets = append(offsets, at-body)
		if next++; length%8 != 0 {
			next++ // padding
		}
	}
	for i, at := range offsets {
		binary.LittleEndian.PutUint64(m.header[first+16*i:], uint64(at))
	}
	end = max(body, round(r.used, align))
	if at := field(m.header, root(m.header), 3); at != 0 {
		binary.LittleEndian.PutUint64(m.header[at:], uint64(end-body))
	} else if end > body {
		return 0, false // no length was encoded: the batch is empty, but for bytes that nobody refers to
	}
	m.writeHead(r.mem[head:body])
	return end, true
}

// hold gives the place of a buffer that lies in the region behind body, or is copied there; -1 if there is no room.
func (r *region) hold(b []byte, body int64) int64 {
	if at := r.offset(b); at >= body {
		return at
	}
	dst := r.Get(len(b))
	if dst == nil {
		return -1
	}
	copy(dst, b)
	return r.offset(dst)
}

// Positions in a flatbuffer that arrow has just encoded, so that they need no check.

func root(b []byte) int { return int(binary.LittleEndian.Uint32(b)) }

// field is the position of a table's field, 0 where it has its default.
func field(b []byte, table, slot int) int {
	vtable := table - int(int32(binary.LittleEndian.Uint32(b[table:])))
	entry := 4 + 2*slot
	if entry >= int(binary.LittleEndian.Uint16(b[vtable:])) {
		return 0
	}
	if offset := int(binary.LittleEndian.Uint16(b[vtable+entry:])); offset != 0 {
		return table + offset
	}
	return 0
}

func child(b []byte, table, slot int) int {
	at := field(b, table, slot)
	return at + int(binary.LittleEndian.Uint32(b[at:]))
}

// vector is the first element of a field and their number; none where it has its default.
func vector(b []byte, table, slot int) (first, n int) {
	if field(b, table, slot) == 0 {
		return 0, 0
	}
	at := child(b, table, slot)
	return at + 4, int(binary.LittleEndian.Uint32(b[at:]))
}

// headRoom is enough for the header of any record batch of a schema: 16 bytes a node, 16 a buffer, of which an array has
// up to 3, and what is around.
func headRoom(s *arrow.Schema) int64 {
	n := 0
	for _, f := range s.Fields() {
		n += arrays(f.Type)
	}
	return round(256+64*int64(n), align)
}

func arrays(t arrow.DataType) int {
	n := 1
	if nested, ok := t.(arrow.NestedType); ok {
		for _, f := range nested.Fields() {
			n += arrays(f.Type)
		}
	}
	return n
}

// hasDictionary tells whether dictionaries come before the batches.
func hasDictionary(t arrow.DataType) bool {
	if t.ID() == arrow.DICTIONARY {
		return true
	}
	if nested, ok := t.(arrow.NestedType); ok {
		for _, f := range nested.Fields() {
			if hasDictionary(f.Type) {
				return true
			}
		}
	}
	return false
}
