package wire

import (
	"encoding/binary"
	"math"
)

// flatbuf reads a flatbuffer of a client, which is not trusted. Every access is bounded; one that fails gives zero and sets bad.
// (Arrow's own reader trusts the lengths of vectors and can be made to allocate any amount.) It is for the few tables
// of Message.fbs and Schema.fbs that are needed here; positions are byte offsets, 0 stands for "absent".
type flatbuf struct {
	b   []byte
	bad bool
}

// bytes gives n bytes at a position, zeros if they are not there.
func (f *flatbuf) bytes(at, n int) []byte {
	if at < 0 || n < 0 || n > 16 || at > len(f.b)-n {
		f.bad = true
		return make([]byte, 16)[:min(max(n, 0), 16)]
	}
	return f.b[at : at+n]
}

func (f *flatbuf) u8(at int) byte    { return f.bytes(at, 1)[0] }
func (f *flatbuf) u16(at int) int    { return int(binary.LittleEndian.Uint16(f.bytes(at, 2))) }
func (f *flatbuf) u32(at int) int    { return int(binary.LittleEndian.Uint32(f.bytes(at, 4))) }
func (f *flatbuf) i32(at int) int    { return int(int32(binary.LittleEndian.Uint32(f.bytes(at, 4)))) }
func (f *flatbuf) i64(at int) int64  { return int64(binary.LittleEndian.Uint64(f.bytes(at, 8))) }
func (f *flatbuf) follow(at int) int { return at + f.u32(at) }

// field is the position of a table's field, 0 if the table has it not.
func (f *flatbuf) field(table, slot int) int {
	vtable := table - f.i32(table)
	entry := 4 + 2*slot
	if entry+2 > f.u16(vtable) {
		return 0
	}
	if offset := f.u16(vtable + entry); offset != 0 {
		return table + offset
	}
	return 0
}

// child is the table that a field refers to, 0 if absent.
func (f *flatbuf) child(table, slot int) int {
	if at := f.field(table, slot); at != 0 {
		return f.follow(at)
	}
	return 0
}

// vector is the position of a field's first element and their number, of the given size each.
func (f *flatbuf) vector(table, slot, size int) (first, n int) {
	at := f.child(table, slot)
	if at == 0 {
		return 0, 0
	}
	first, n = at+4, f.u32(at)
	if f.bad || first > len(f.b) || n > (len(f.b)-first)/size {
		f.bad = true
		return 0, 0
	}
	return first, n
}

func (f *flatbuf) u8Field(table, slot int) byte {
	if at := f.field(table, slot); at != 0 {
		return f.u8(at)
	}
	return 0
}

func (f *flatbuf) i32Field(table, slot int) int {
	if at := f.field(table, slot); at != 0 {
		return f.i32(at)
	}
	return 0
}

func (f *flatbuf) i64Field(table, slot int) int64 {
	if at := f.field(table, slot); at != 0 {
		return f.i64(at)
	}
	return 0
}

// Types of IPC messages (Message.fbs, MessageHeader).
const (
	ipcNone        = 0
	IPCSchema      = 1
	IPCRecordBatch = 3
)

// ipcMessage gives the type and the header table of an IPC message.
func ipcMessage(b []byte) (f *flatbuf, kind byte, header int) {
	f = &flatbuf{b: b}
	root := f.follow(0)
	kind, header = f.u8Field(root, 1), f.child(root, 2)
	if f.bad || header == 0 {
		return f, ipcNone, 0
	}
	return f, kind, header
}

// IPCType is the type of a message of our own encoder.
func IPCType(b []byte) byte {
	_, kind, _ := ipcMessage(b)
	return kind
}

// The types of columns that can be sent (Schema.fbs, Type).
const (
	ipcInt  = 2
	ipcBool = 6
)

// ColumnType is what a schema message says of its only column.
type ColumnType struct {
	Columns int
	Name    string
	kind    byte // Type
	bits    int  // of an Int
	signed  bool // of an Int
	odd     bool // dictionary-encoded, nested or of the other byte order
}

func (c ColumnType) Int64() bool   { return !c.odd && c.kind == ipcInt && c.bits == 64 && c.signed }
func (c ColumnType) Boolean() bool { return !c.odd && c.kind == ipcBool }

// ReadSchema reads a schema message of one column; false if it is none.
func ReadSchema(b []byte) (c ColumnType, ok bool) {
	f, kind, schema := ipcMessage(b)
	if kind != IPCSchema {
		return c, false
	}
	first, n := f.vector(schema, 1, 4)
	if c.Columns = n; n != 1 {
		return c, !f.bad
	}
	col := f.follow(first)
	start, length := f.vector(col, 0, 1)
	c.Name = string(f.b[start:min(start+length, len(f.b))])
	c.kind = f.u8Field(col, 2)
	_, children := f.vector(col, 5, 4)
	c.odd = f.child(col, 4) != 0 || children > 0 || f.u8Field(schema, 0) != 0
	if t := f.child(col, 3); t != 0 && c.kind == ipcInt {
		c.bits, c.signed = f.i32Field(t, 0), f.u8Field(t, 1) != 0
	}
	return c, !f.bad
}

// RowsSent is a record batch message of one column: places in its body.
type RowsSent struct {
	Rows, Nulls    int
	Validity       []byte // one bit a row; nil: all valid
	Values         []byte
	Compressed, OK bool
}

// ReadBatch reads a record batch message of one flat column whose values have the given bits.
func ReadBatch(b, body []byte, bits int64) (r RowsSent) {
	f, kind, batch := ipcMessage(b)
	if kind != IPCRecordBatch {
		return r
	}
	nodes, n := f.vector(batch, 1, 16)
	buffers, m := f.vector(batch, 2, 16)
	r.Compressed = f.child(batch, 3) != 0
	if f.bad || n != 1 || m != 2 || r.Compressed {
		return r
	}
	rows, nulls := f.i64(nodes), f.i64(nodes+8)
	if rows != f.i64Field(batch, 0) || rows < 0 || rows > math.MaxInt32 || rows*bits > 8*int64(len(body)) {
		return r
	}
	r.Rows, r.Nulls, r.OK = int(rows), int(min(max(nulls, -1), rows)), true
	r.Validity = f.within(body, buffers)
	r.Values = f.within(body, buffers+16)
	short := len(r.Validity) > 0 && 8*len(r.Validity) < r.Rows
	r.OK = !f.bad && !short && int64(len(r.Values))*8 >= rows*bits
	return r
}

// within is the part of the body that the Buffer struct at a position describes.
func (f *flatbuf) within(body []byte, at int) []byte {
	offset, length := f.i64(at), f.i64(at+8)
	if offset < 0 || length < 0 || offset > int64(len(body)) || length > int64(len(body))-offset {
		f.bad = true
		return nil
	}
	return body[offset : offset+length]
}
