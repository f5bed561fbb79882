package arrow18

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	arrow15 "github.com/apache/arrow/go/v15/arrow"
	ipc15 "github.com/apache/arrow/go/v15/arrow/ipc"
	memory15 "github.com/apache/arrow/go/v15/arrow/memory"
)

// Schema is v15's schema in v18, with its metadata, by way of Arrow's own format. An extension type that v18 does not know is its
// storage, with the metadata that names it.
func Schema(s *arrow15.Schema) (*arrow.Schema, error) {
	var b bytes.Buffer
	if err := ipc15.NewWriter(&b, ipc15.WithSchema(s)).Close(); err != nil {
		return nil, fmt.Errorf("arrow18: schema: %w", err)
	}
	r, err := ipc.NewReader(&b)
	if err != nil {
		return nil, fmt.Errorf("arrow18: schema: %w", err)
	}
	defer r.Release()
	return r.Schema(), nil
}

// Record is a record in v18, over the same bytes. The caller releases it; r may be released before.
func Record(r arrow15.Record) (arrow.RecordBatch, error) {
	s, err := Schema(r.Schema())
	if err != nil {
		return nil, err
	}
	return record(s, r), nil
}

func record(s *arrow.Schema, r arrow15.Record) arrow.RecordBatch {
	columns := make([]arrow.Array, r.NumCols())
	for i := range columns {
		d := data(s.Field(i).Type, r.Column(i).Data())
		columns[i] = array.MakeFromData(d)
		d.Release()
		defer columns[i].Release()
	}
	return array.NewRecordBatch(s, columns, r.NumRows())
}

// data is an array's in v18, whose layout is v15's.
func data(t arrow.DataType, d arrow15.ArrayData) *array.Data {
	buffers := make([]*memory.Buffer, len(d.Buffers()))
	for i, b := range d.Buffers() {
		if b != nil {
			buffers[i] = lent(b)
			defer buffers[i].Release()
		}
	}
	storage := t
	if e, is := t.(arrow.ExtensionType); is {
		storage = e.StorageType()
	}
	if dictionary, is := storage.(*arrow.DictionaryType); is {
		values := data(dictionary.ValueType, d.Dictionary())
		defer values.Release()
		return array.NewDataWithDictionary(t, d.Len(), buffers, d.NullN(), d.Offset(), values)
	}
	var children []arrow.ArrayData
	for i, c := range d.Children() {
		child := data(storage.(arrow.NestedType).Fields()[i].Type, c)
		defer child.Release()
		children = append(children, child)
	}
	return array.NewData(t, d.Len(), buffers, children, d.NullN(), d.Offset())
}

// lent is a v18 buffer that has a reference to a v15 one.
func lent(b *memory15.Buffer) *memory.Buffer {
	b.Retain()
	return memory.NewBufferWithAllocator(slices.Clip(b.Bytes()), lender{b})
}

// lender frees a buffer by releasing the one it is lent from.
type lender struct{ from *memory15.Buffer }

func (l lender) Free([]byte) { l.from.Release() }

// Allocate and Reallocate serve who resizes a buffer, which nobody may do to bytes of an array.
func (l lender) Allocate(int) []byte           { panic("arrow18: a lent buffer has no other size") }
func (l lender) Reallocate(int, []byte) []byte { panic("arrow18: a lent buffer has no other size") }
