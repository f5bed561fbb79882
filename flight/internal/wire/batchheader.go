package wire

import (
	flatbuffers "github.com/google/flatbuffers/go"
)

// batchHeader is a record batch message of our own encoder (Message.fbs), whose body is put together anew.
type batchHeader struct {
	version byte
	rows    int64
	nodes   []place // lengths and nulls
	buffers []place
}

// place is one of the two structs of Message.fbs that have two numbers.
type place struct{ offset, length int64 }

// readBatchHeader is false of another message.
func readBatchHeader(b []byte) (h batchHeader, ok bool) {
	f, kind, batch := ipcMessage(b)
	if kind != IPCRecordBatch {
		return h, false
	}
	h.version = f.u8Field(f.follow(0), messageVersion)
	h.rows = f.i64Field(batch, batchRows)
	h.nodes, h.buffers = f.places(batch, batchNodes), f.places(batch, batchBuffers)
	return h, !f.bad
}

func (f *flatbuf) places(table, slot int) []place {
	first, n := f.vector(table, slot, 16)
	out := make([]place, n)
	for i := range out {
		out[i] = place{f.i64(first + 16*i), f.i64(first + 16*i + 8)}
	}
	return out
}

// room is what the buffers take at most behind their lengths.
func (h *batchHeader) room() (n int) {
	for _, p := range h.buffers {
		n += padded(lengthBytes + int(p.length))
	}
	return n
}

// padded is the place behind so many bytes at which a buffer may begin.
func padded(n int) int { return (n + 7) &^ 7 }

// Slots of the tables of Message.fbs.
const (
	messageVersion, messageType, messageHeader, messageBody = 0, 1, 2, 3
	batchRows, batchNodes, batchBuffers, batchCompression   = 0, 1, 2, 3
)

// header is the message with the codec that the buffers are compressed by, and so many bytes of body.
func (h *batchHeader) header(codec byte, body int) []byte {
	b := flatbuffers.NewBuilder(256 + 16*(len(h.nodes)+len(h.buffers)))
	nodes, buffers := vectorOf(b, h.nodes), vectorOf(b, h.buffers)
	b.StartObject(2) // method: of each buffer by itself, the only one there is
	b.PrependByteSlot(0, codec, codecLZ4)
	compression := b.EndObject()
	b.StartObject(4)
	b.PrependInt64Slot(batchRows, h.rows, 0)
	b.PrependUOffsetTSlot(batchNodes, nodes, 0)
	b.PrependUOffsetTSlot(batchBuffers, buffers, 0)
	b.PrependUOffsetTSlot(batchCompression, compression, 0)
	batch := b.EndObject()
	b.StartObject(5)
	b.PrependInt16Slot(messageVersion, int16(h.version), 0)
	b.PrependByteSlot(messageType, IPCRecordBatch, 0)
	b.PrependUOffsetTSlot(messageHeader, batch, 0)
	b.PrependInt64Slot(messageBody, int64(body), 0)
	b.Finish(b.EndObject())
	return b.FinishedBytes()
}

func vectorOf(b *flatbuffers.Builder, all []place) flatbuffers.UOffsetT {
	b.StartVector(16, len(all), 8)
	for i := len(all) - 1; i >= 0; i-- {
		b.Prep(8, 16)
		b.PrependInt64(all[i].length)
		b.PrependInt64(all[i].offset)
	}
	return b.EndVector(len(all))
}
