package arrow18

import (
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	array15 "github.com/apache/arrow/go/v15/arrow/array"
)

// Rows are v15's records, as client.Rows and reader.Run are.
type Rows interface {
	array15.RecordReader
	Err() error
}

// Reader is Rows in v18.
type Reader struct {
	rows       Rows
	schema     *arrow.Schema
	current    arrow.RecordBatch
	references atomic.Int64
}

var _ array.RecordReader = (*Reader)(nil)

// NewReader takes rows over: its last Release, or its error, releases them.
func NewReader(rows Rows) (*Reader, error) {
	s, err := Schema(rows.Schema())
	if err != nil {
		rows.Release()
		return nil, err
	}
	r := &Reader{rows: rows, schema: s}
	r.references.Store(1)
	return r, nil
}

// Schema is known before the first record.
func (r *Reader) Schema() *arrow.Schema { return r.schema }

// Next waits for the next record.
func (r *Reader) Next() bool {
	r.drop()
	if !r.rows.Next() {
		return false
	}
	r.current = record(r.schema, r.rows.Record())
	return true
}

func (r *Reader) drop() {
	if r.current != nil {
		r.current.Release()
		r.current = nil
	}
}

// RecordBatch is the current record, valid until Next or Release; Retain it to keep it longer.
func (r *Reader) RecordBatch() arrow.RecordBatch { return r.current }

// Record is RecordBatch.
func (r *Reader) Record() arrow.RecordBatch { return r.current }

// Err is what ended the rows early, nil at their end.
func (r *Reader) Err() error { return r.rows.Err() }

// Retain and Release count references.
func (r *Reader) Retain() { r.references.Add(1) }

// Release see Retain.
func (r *Reader) Release() {
	if r.references.Add(-1) == 0 {
		r.drop()
		r.rows.Release()
	}
}
