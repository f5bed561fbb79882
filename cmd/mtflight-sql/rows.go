package main

import (
	"encoding/json"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/mtflight/mtflight/internal/sqlwire"
)

// next is one more batch, the caller's own; nil at the end.
func (s *scan) next() (arrow.RecordBatch, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil, s.err
	}
	f := <-s.came
	if f.Kind == sqlwire.End {
		s.over = true
		var why sqlwire.Failure
		if err := json.Unmarshal(f.Payload, &why); err != nil {
			why = sqlwire.Failure{Kind: "internal", Message: err.Error()}
		}
		if why.Kind != "" {
			s.err = failure{why}
			now.broken = s.err
		}
		return nil, s.err
	}
	r, err := s.decode(f.Payload)
	if err == nil {
		err = s.link.send(sqlwire.More, s.id)
	}
	return r, err
}

// decode takes a batch out of a message; of no columns it is its number of rows.
func (s *scan) decode(payload []byte) (arrow.RecordBatch, error) {
	head, body, err := sqlwire.Split(payload)
	if err != nil {
		return nil, err
	}
	if s.schema.NumFields() == 0 {
		var n int64
		err := json.Unmarshal(body, &n)
		return array.NewRecordBatch(s.schema, nil, n), err
	}
	r, err := ipc.NewReaderFromMessageReader(&oneMessage{schema: s.schema, head: head, body: body}, ipc.WithAllocator(memory.NewGoAllocator()))
	if err != nil {
		return nil, err
	}
	defer r.Release()
	b, err := r.Read()
	if err != nil {
		return nil, err
	}
	b.Retain()
	return b, nil
}

// oneMessage reads a schema and one batch.
type oneMessage struct {
	schema     *arrow.Schema
	head, body []byte
	step       int
}

func (m *oneMessage) Message() (*ipc.Message, error) {
	m.step++
	switch m.step {
	case 1:
		p := ipc.GetSchemaPayload(m.schema, memory.NewGoAllocator())
		defer p.Release()
		meta := p.Meta()
		defer meta.Release()
		return ipc.NewMessage(memory.NewBufferBytes(append([]byte(nil), meta.Bytes()...)), memory.NewBufferBytes(nil)), nil
	case 2:
		return ipc.NewMessage(memory.NewBufferBytes(m.head), memory.NewBufferBytes(m.body)), nil
	}
	return nil, io.EOF
}

func (m *oneMessage) Retain()  {}
func (m *oneMessage) Release() {}
