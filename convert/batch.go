package convert

import (
	"errors"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/mtflight/mtflight/internal/fault"
)

// Batch is rows in the making. Put and Gather may be called from several goroutines at once, at disjoint positions;
// before Record every position must have been put. Positions count elements: row * ElemsPerRow + k.
type Batch struct {
	program  *Program
	finisher finisher
	store    *store // nil once recorded or released
	rows     int
	firstRow int64
}

var errFinished = errors.New("convert: batch was recorded or released already")

// NewBatch allocates room for rows. A resolver is needed if NeedsResolver says so; firstRow only names rows in errors.
// The caller owns the batch and has to Record or Release it. The memory is not zeroed. Sizes that no computer has make
// a batch whose Put, Gather and Record fail with fault.Precondition.
func (p *Program) NewBatch(mem memory.Allocator, rows int, r Resolver, firstRow int64) *Batch {
	b := &Batch{program: p, finisher: finisher{mem: mem, resolver: r, left: maxExpanded}, rows: rows, firstRow: firstRow}
	if p.fits(rows) {
		b.store = newStore(mem, p.plan, rows*p.perRow)
	}
	return b
}

// BatchOver is a batch of rows whose elements lie in buf as they do in the file, which Program.Untouched has to allow. It
// takes over buf; nil if the rows need another number of bytes, and buf is still the caller's.
func (p *Program) BatchOver(buf *memory.Buffer, rows int, firstRow int64) *Batch {
	if !p.Untouched() || !p.fits(rows) || buf.Len() != rows*p.perRow*p.plan.size {
		return nil
	}
	s := &store{plan: p.plan, bufs: []*memory.Buffer{buf}, n: rows * p.perRow}
	return &Batch{program: p, finisher: finisher{left: maxExpanded}, store: s, rows: rows, firstRow: firstRow}
}

func (b *Batch) open() error {
	switch {
	case b.store != nil:
		return nil
	case !b.program.fits(b.rows):
		return fault.New(fault.Precondition, "convert: a batch of %d rows is too large: ask for a smaller batch_rows", b.rows)
	}
	return errFinished
}

// Put converts elements first, first+srcStep, .. of e, n in all, to positions dst, dst+step, ... A srcStep of 0 repeats
// one element, as fill values are; both steps may be negative. Elements outside e or positions outside the batch are
// the caller's mistake and an error without a kind; nothing has been put then.
func (b *Batch) Put(dst, step int, e Elems, first, srcStep, n int) error {
	if err := b.open(); err != nil {
		return err
	}
	return b.store.put(e, run{dst: dst, step: step, first: first, srcStep: srcStep, n: n})
}

// Direct gives the bytes of positions dst to dst+n where elements are kept as they lie in the file, so that they can be
// read right there instead of Put; nil where they are not (see Program.Direct), or where the positions are outside.
func (b *Batch) Direct(dst, n int) []byte {
	if b.store == nil || !b.program.Direct() || dst < 0 || n < 0 || n > b.store.n-dst {
		return nil
	}
	size := b.program.plan.size
	return b.store.bufs[0].Bytes()[dst*size : (dst+n)*size]
}

// Gather converts element src[i] of e to position dst[i]. Errors are as Put's.
func (b *Batch) Gather(e Elems, dst, src []int32) error {
	if err := b.open(); err != nil {
		return err
	}
	return b.store.gather(e, dst, src)
}

// Record finishes the batch: packs truth values, strips and checks strings, reads variable-length data. The record is
// the caller's to release and takes the buffers with it; after an error they are given back. Invalid UTF-8 is
// fault.Precondition naming row, column and option; data that is not where it should be fault.DataLoss, or what the
// Resolver says; more than a batch may expand to fault.Exhausted.
func (b *Batch) Record() (arrow.Record, error) {
	if err := b.open(); err != nil {
		return nil, err
	}
	defer b.Release()
	columns := make([]arrow.Array, 0, len(b.program.columns))
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	for _, c := range b.program.columns {
		data, err := c.node.finish(&b.finisher, b.store, b.rows)
		if err != nil {
			return nil, located(err, c.asked, b.firstRow)
		}
		columns = append(columns, array.MakeFromData(data))
		data.Release()
	}
	return array.NewRecord(b.program.schema, columns, int64(b.rows)), nil
}

// Release gives the buffers back if Record has not taken them. It may be called again.
func (b *Batch) Release() {
	if b.store != nil {
		b.store.release()
		b.store = nil
	}
}
