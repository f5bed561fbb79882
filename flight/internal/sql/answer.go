package sql

import (
	"iter"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/protocol"
)

// Answer is batches, as a reader.Run has them. One goroutine uses it and releases it at the end.
type Answer struct {
	schema *arrow.Schema
	next   func() (arrow.Record, error, bool)
	stop   func()
	close  func() // what the batches come from; nil: nothing
	now    arrow.Record
	block  protocol.Block
	err    error
}

func newAnswer(schema *arrow.Schema, all records) *Answer {
	a := &Answer{schema: schema}
	a.next, a.stop = iter.Pull2(all)
	return a
}

// Schema is that of all batches.
func (a *Answer) Schema() *arrow.Schema { return a.schema }

// Next goes on to the next batch; the one before is released.
func (a *Answer) Next() bool {
	if a.now != nil {
		a.now.Release()
		a.block.Block, a.block.Row = a.block.Block+1, a.block.Row+a.block.Rows
	}
	record, err, ok := a.next()
	a.now, a.err = record, err
	if !ok || err != nil {
		a.now = nil
		return false
	}
	a.block.Rows = record.NumRows()
	return true
}

// Record is the current batch, valid until Next or Release.
func (a *Answer) Record() arrow.Record { return a.now }

// Block says where the current batch stands.
func (a *Answer) Block() protocol.Block { return a.block }

// Err is what ended the batches early.
func (a *Answer) Err() error { return a.err }

// Release ends what makes the batches.
func (a *Answer) Release() {
	if a.now != nil {
		a.now.Release()
		a.now = nil
	}
	a.stop()
	if a.close != nil {
		a.close()
		a.close = nil
	}
}
