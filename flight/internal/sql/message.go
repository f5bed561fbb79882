package sql

import (
	"bytes"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// message is one of IPC's: its body refers to the record's buffers.
type message struct {
	head []byte
	body parts
}

// parts are the slices that a writer is given.
type parts [][]byte

func (p *parts) Write(b []byte) (int, error) {
	*p = append(*p, b)
	return len(b), nil
}

// messages collects what ipc.Writer makes.
type messages struct{ all []message }

// Start is part of ipc.PayloadWriter.
func (m *messages) Start() error { return nil }

// Close is part of ipc.PayloadWriter.
func (m *messages) Close() error { return nil }

// WritePayload is part of ipc.PayloadWriter.
func (m *messages) WritePayload(p ipc.Payload) error {
	meta := p.Meta()
	defer meta.Release()
	one := message{head: bytes.Clone(meta.Bytes())}
	err := p.SerializeBody(&one.body)
	m.all = append(m.all, one)
	return err
}

// encode makes the message of a schema, and that of a record if there is one.
func encode(schema *arrow.Schema, record arrow.Record) ([]message, error) {
	var m messages
	w := ipc.NewWriterWithPayloadWriter(&m, ipc.WithSchema(schema), ipc.WithAllocator(memory.NewGoAllocator()))
	if record != nil {
		if err := w.Write(record); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return m.all, err
}
