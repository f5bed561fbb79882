package sparse

import (
	"context"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// sides are the datasets that are read side by side.
const sides = 3

// batch is some rows of a run, from their planning until they are the caller's.
type batch struct {
	run      *Run
	block    rows.Block
	of       []stretch
	elements rows.Pieces // the stretches end to end
	held     int64       // of the runs' budget
	lease    *bufpool.Lease
	parts    [2]*fill.Run // of indices and values; nil: there are none
}

func newBatch(r *Run, at rows.Block, of []stretch) *batch {
	b := &batch{run: r, block: at, of: of}
	b.block.Rows = int64(len(of))
	for _, s := range of {
		if s.n > 0 {
			b.elements = b.elements.Add(rows.Run{Src: s.lo, Step: 1, N: s.n})
		}
	}
	return b
}

// datasets are those that it takes elements of.
func (b *batch) datasets() [2]Part { return [2]Part{b.run.plan.Index, b.run.plan.Value} }

// start begins to read the elements; false if there is no room just now. What all of it takes is acquired in one step.
func (b *batch) start(wait bool) (bool, error) {
	scans := b.scans()
	if ok, err := b.hold(scans, wait); !ok {
		return false, err
	}
	if b.elements.Len() == 0 {
		return true, nil
	}
	for i, s := range scans {
		b.parts[i] = s.Run(b.run.ctx, nil)
		if err := b.parts[i].Prefetch(); err != nil {
			err = b.datasets()[i].Explain(err)
			b.close()
			return false, err
		}
	}
	return true, nil
}

// scans are those of the elements, each in one batch.
func (b *batch) scans() (out [2]*fill.Scan) {
	for i, part := range b.datasets() {
		s := part.Scan().WithReservation(b.run.reserved, sides)
		s.Rows, s.Size, s.Aligned, s.Passes, s.ReadAhead = b.elements, max(1, b.elements.Len()), false, rows.Once(), 1
		s.MaxWorkers = b.run.plan.Rows.MaxWorkers
		out[i] = s
	}
	return out
}

// hold reserves what the batch takes; false if that is not free just now.
func (b *batch) hold(scans [2]*fill.Scan, wait bool) (bool, error) {
	offsets := offsetBytes*(b.block.Rows+1) + 64
	if b.run.reserved == nil {
		n := offsets
		for _, s := range scans {
			n += s.BatchBytes(b.elements.Len()) + s.ScratchBytes(int(b.elements.Len()/s.ChunkRows())+2*len(b.elements))
		}
		n = min(n, b.run.budget.Limit())
		if ok, err := acquire(b.run.ctx, b.run.budget, n, wait); !ok {
			return false, err
		}
		b.held = n
	}
	var err error
	if mem := b.run.memory(); wait {
		b.lease, err = mem.Lease(b.run.ctx, offsets)
	} else {
		b.lease = mem.TryLease(offsets)
	}
	if b.lease == nil {
		b.close()
	}
	return b.lease != nil, err
}

// acquire takes bytes of a budget; false if they are not free just now.
func acquire(ctx context.Context, of *bufpool.Budget, n int64, wait bool) (bool, error) {
	if !wait {
		return of.TryAcquire(n), nil
	}
	err := of.Acquire(ctx, n)
	return err == nil, err
}

// close gives back what the batch holds, but what finish has given to the caller.
func (b *batch) close() {
	for i, part := range b.parts {
		if part != nil {
			part.Close()
			b.parts[i] = nil
		}
	}
	if b.lease != nil {
		b.lease.Close()
		b.lease = nil
	}
	b.run.budget.Return(b.held)
	b.held = 0
}

// finish waits for the elements, checks their indices and makes a record of them.
func (b *batch) finish() (*fill.Batch, error) {
	var columns [2]arrow.Array // of the parts' batches
	for i, part := range b.parts {
		if part == nil {
			columns[i] = array.MakeArrayOfNull(memory.DefaultAllocator, b.datasets()[i].Schema().Field(0).Type, 0)
			defer columns[i].Release()
			continue
		}
		f, err := part.Next()
		if err != nil {
			return nil, b.datasets()[i].Explain(err)
		}
		if f == nil || f.Rows != b.elements.Len() {
			return nil, b.run.failed(fault.New(fault.Changed, "the file changed while it was read: ask again"))
		}
		columns[i] = f.Record.Column(0)
	}
	if err := b.check(columns[0]); err != nil {
		return nil, b.run.failed(err)
	}
	f := &fill.Batch{Batch: rows.Batch{Block: b.block}, Lease: b.lease}
	f.Record = b.record(columns)
	b.lease.Close()
	b.lease = nil
	return f, nil
}

// check refuses indices beyond the matrix.
func (b *batch) check(indices arrow.Array) error {
	minor := b.run.plan.Matrix.Minor()
	at := outside(indices, minor)
	if at < 0 {
		return nil
	}
	element := rows.RowAt(b.elements)(int64(at))
	return fault.New(fault.DataLoss, "element %d has the index %s, the matrix has %d", element, indices.ValueStr(at), minor)
}

// record is the rows as lists, over the buffers of the parts' columns.
func (b *batch) record(columns [2]arrow.Array) arrow.Record {
	schema := b.run.plan.Schema
	list := schema.Field(0).Type.(*arrow.ListType)
	elements := array.NewData(list.Elem(), int(b.elements.Len()), []*memory.Buffer{nil}, []arrow.ArrayData{columns[0].Data(), columns[1].Data()}, 0, 0)
	defer elements.Release()
	offsets := b.offsets()
	defer offsets.Release()
	data := array.NewData(list, len(b.of), []*memory.Buffer{nil, offsets}, []arrow.ArrayData{elements}, 0, 0)
	defer data.Release()
	lists := array.NewListData(data)
	defer lists.Release()
	return array.NewRecord(schema, []arrow.Array{lists}, b.block.Rows)
}

// offsets are where each row's elements begin and end in the batch: the matrix's pointers, from 0 on.
func (b *batch) offsets() *memory.Buffer {
	buf := memory.NewResizableBuffer(b.lease)
	buf.Resize(offsetBytes * (len(b.of) + 1))
	out := arrow.Int32Traits.CastFromBytes(buf.Bytes())
	at := int32(0) // a batch has below 2^30 elements: cut
	for i, s := range b.of {
		out[i] = at
		at += int32(s.n)
	}
	out[len(b.of)] = at
	return buf
}
