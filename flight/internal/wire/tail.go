package wire

import "encoding/binary"

// Tail is the end of a message whose body is mapped from a file. What the kernel has taken of a mapping is what was in the file
// at that time, so whether it is right is known only then: the message's header is sent once more, behind the body, and a
// connection decides what it says when all that is before it has been written. Where the file is another one by then, it is the
// header of a batch without rows. (Of a field that comes twice protobuf takes the last one.)
type Tail struct {
	bytes   []byte
	right   func() bool
	decided bool
}

// leastHooked is more than what gRPC frees without a word.
const leastHooked = 2 << 10

// NewTail is the tail of a batch with this header. right tells, once the body has been written, whether it is what it should be.
func NewTail(header []byte, right func() bool) *Tail {
	b := make([]byte, 0, max(leastHooked, fieldSize(tagDataHeader, len(header))))
	b = binary.AppendUvarint(b, tagDataHeader)
	b = binary.AppendUvarint(b, uint64(len(header)))
	return &Tail{bytes: append(b, header...), right: right}
}

// Size is its bytes.
func (t *Tail) Size() int { return len(t.bytes) }

// holds tells whether bytes are some of it.
func (t *Tail) holds(e extent) bool {
	own := extentOf(t.bytes)
	return own.from <= e.from && e.to <= own.to
}

// decide says what the header is, once.
func (t *Tail) decide() {
	if t.decided {
		return
	}
	if t.decided = true; !t.right() {
		_, tag := binary.Uvarint(t.bytes)
		_, length := binary.Uvarint(t.bytes[tag:])
		emptyBatch(t.bytes[tag+length:])
	}
}

// emptyBatch makes the header of a batch that of one without rows, in place.
func emptyBatch(header []byte) {
	f, kind, batch := ipcMessage(header)
	if kind != IPCRecordBatch {
		return
	}
	if at := f.field(batch, 0); at != 0 {
		clear(f.bytes(at, 8))
	}
	for _, slot := range []int{1, 2} { // nodes: length and nulls; buffers: offset and length
		first, n := f.vector(batch, slot, 16)
		for i := range n {
			clear(f.bytes(first+16*i, 16))
		}
	}
}
