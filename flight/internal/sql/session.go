package sql

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/sqlwire"
)

// session is one statement with its engine. One goroutine uses it and ends it.
type session struct {
	ctx     context.Context
	cancel  context.CancelFunc
	stop    func() bool
	service Service
	process *process
	tables  []*source
	scans   map[uint32]*feed
	told    []string // by EXPLAIN, of scans
	most    int64    // rows of the result; 0: all
	budget  Budget
	held    int64 // of it, for what was read last
	running sync.WaitGroup

	mu     sync.Mutex // of what is written to the engine, and of
	failed error      // what a scan could not give
}

// begin starts an engine with a statement.
func (h *Handler) begin(ctx context.Context, s sqlwire.Statement) (*session, error) {
	if h.engines.Path == "" {
		return nil, noEngine()
	}
	p, err := h.engines.start(ctx)
	if err != nil {
		return nil, err
	}
	c := &session{service: h.service, process: p, scans: map[uint32]*feed{}, most: h.engines.Rows, budget: h.engines.Budget}
	c.ctx, c.cancel = context.WithTimeoutCause(ctx, h.engines.Time, fault.New(fault.Exhausted,
		"the statement has run for %v, as long as it may (--sql-time): ask for less at once, and take its rows as they come", h.engines.Time))
	c.stop = context.AfterFunc(c.ctx, p.Kill)
	s.Threads = h.engines.Threads
	if err := c.tell(sqlwire.Ask, 0, s); err != nil {
		err = c.died(err)
		c.end()
		return nil, err
	}
	return c, nil
}

// end ends the engine and what fed it.
func (c *session) end() {
	c.cancel()
	c.process.Kill()
	c.running.Wait()
	c.stop()
	c.process.end()
	c.let()
}

// hold takes memory for what is read from the engine, in place of what was read before.
func (c *session) hold(n int64) error {
	c.let()
	err := c.budget.Acquire(c.ctx, n)
	if err == nil {
		c.held = n
	}
	return err
}

func (c *session) let() {
	c.budget.Release(c.held)
	c.held = 0
}

func (c *session) tell(kind sqlwire.Kind, scan uint32, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.write(kind, scan, text)
}

func (c *session) write(kind sqlwire.Kind, scan uint32, parts ...[]byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return sqlwire.Write(c.process.In, kind, scan, parts...)
}

// died says why the engine is away: the caller has left, or it has ended itself.
func (c *session) died(cause error) error {
	if c.ctx.Err() != nil {
		return context.Cause(c.ctx)
	}
	return c.process.died(cause)
}

// maxScans bounds those of a statement.
const maxScans = 1024

// next serves the engine until it has something of the result.
func (c *session) next() (f sqlwire.Frame, err error) {
	for {
		if f, err = sqlwire.Read(c.process.Out, c.hold); fault.Of(err) != nil { // there is no room for what it says
			return f, err
		} else if err != nil {
			return f, c.died(err)
		}
		switch f.Kind {
		case sqlwire.Names:
			err = c.resolve(f.Payload)
		case sqlwire.Scan:
			err = c.scan(f)
		case sqlwire.More:
			err = c.more(f.Scan)
		case sqlwire.Pushed:
			err = c.explain(f.Payload)
		case sqlwire.Columns, sqlwire.Batch, sqlwire.Done:
			return f, nil
		case sqlwire.Failed:
			return f, c.failure(f.Payload)
		default:
			err = fmt.Errorf("a frame of kind %d", f.Kind)
		}
		if err != nil && c.ctx.Err() != nil {
			return f, context.Cause(c.ctx)
		}
		if err != nil {
			return f, err
		}
	}
}

// failure is what ended the statement, of which the server may know more than the engine.
func (c *session) failure(payload []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil {
		return c.failed
	}
	var f sqlwire.Failure
	if err := json.Unmarshal(payload, &f); err != nil {
		return err
	}
	kinds := map[string]error{"invalid": fault.Invalid, "memory": fault.Exhausted, "unsupported": fault.Unsupported}
	if kind := kinds[f.Kind]; kind != nil {
		return fault.New(kind, "SQL: %s", f.Message)
	}
	return fmt.Errorf("the SQL engine: %s", f.Message)
}

// result waits for the columns of the result, and those of parameters.
func (c *session) result() (columns, parameters *arrow.Schema, err error) {
	f, err := c.next()
	if err != nil {
		return nil, nil, err
	}
	var r sqlwire.Result
	if err := json.Unmarshal(f.Payload, &r); err != nil || f.Kind != sqlwire.Columns {
		return nil, nil, fmt.Errorf("the SQL engine tells no columns: %w", err)
	}
	if columns, err = schemaOf(r.Schema); err != nil || r.Parameters == nil {
		return columns, nil, err
	}
	parameters, err = schemaOf(r.Parameters)
	return columns, parameters, err
}

func schemaOf(stream []byte) (*arrow.Schema, error) {
	r, err := ipc.NewReader(bytes.NewReader(stream), ipc.WithAllocator(memory.NewGoAllocator()))
	if err != nil {
		return nil, fmt.Errorf("the SQL engine's columns: %w", err)
	}
	defer r.Release()
	return r.Schema(), nil
}

// batches are the result's.
func (c *session) batches(schema *arrow.Schema) records {
	return func(yield func(arrow.Record, error) bool) {
		for rows := int64(0); ; {
			f, err := c.next()
			if err == nil && f.Kind == sqlwire.Done {
				if r := c.explained(schema); r != nil {
					yield(r, nil)
				}
				return
			}
			var r arrow.Record
			if err == nil {
				r, err = decode(schema, f.Payload)
			}
			if err == nil {
				if rows += r.NumRows(); c.most > 0 && rows > c.most {
					r.Release()
					r, err = nil, fault.New(fault.Exhausted, "the result has more than %d rows, which is as many as it may have (--sql-rows): add LIMIT, or ask for sums", c.most)
				}
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

func decode(schema *arrow.Schema, payload []byte) (arrow.Record, error) {
	head, body, err := sqlwire.Split(payload)
	if err != nil {
		return nil, fmt.Errorf("a batch of the SQL engine: %w", err)
	}
	r, err := ipc.NewReaderFromMessageReader(&oneMessage{schema: schema, head: head, body: body}, ipc.WithAllocator(memory.NewGoAllocator()))
	if err != nil {
		return nil, fmt.Errorf("a batch of the SQL engine: %w", err)
	}
	defer r.Release()
	record, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("a batch of the SQL engine: %w", err)
	}
	record.Retain()
	return record, nil
}

// oneMessage reads a schema and one batch.
type oneMessage struct {
	schema     *arrow.Schema
	head, body []byte
	step       int
}

// Message is part of ipc.MessageReader.
func (m *oneMessage) Message() (*ipc.Message, error) {
	m.step++
	switch m.step {
	case 1:
		all, err := encode(m.schema, nil)
		if err != nil {
			return nil, err
		}
		return ipc.NewMessage(memory.NewBufferBytes(all[0].head), memory.NewBufferBytes(nil)), nil
	case 2:
		return ipc.NewMessage(memory.NewBufferBytes(m.head), memory.NewBufferBytes(m.body)), nil
	}
	return nil, io.EOF
}

// Retain is part of ipc.MessageReader.
func (m *oneMessage) Retain() {}

// Release is part of ipc.MessageReader.
func (m *oneMessage) Release() {}
