package match

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/convert"
	"github.com/mtflight/mtflight/reader/internal/chunkstats"
	"github.com/mtflight/mtflight/reader/internal/fill"
	"github.com/mtflight/mtflight/reader/internal/rows"
	"github.com/mtflight/mtflight/reader/internal/spill"
	"github.com/mtflight/mtflight/reader/where"
)

// probe is a fill.Visitor that finds the rows of each decoded chunk that match a condition, and keeps their elements.
type probe struct {
	columns *convert.Program // the condition's
	inputs  []operand        // of the condition
	whole   *convert.Program // an element as bytes; nil: none are kept
	full    atomic.Bool      // there is no more room for them
	enough  *enough          // nil: all matches are wanted
	tally   *tally           // of columns: those of whole chunks are noted
	noting  bool             // there are such to note, and each row comes once
	scratch sync.Pool        // of *probeScratch
}

// probeScratch is what one worker needs to look at a part of a chunk.
type probeScratch struct {
	eval     *where.Eval
	vectors  []where.Vector
	set      []byte
	dst, src []int32
	meters   []chunkstats.Meter // of the condition's columns
}

func (q *Search) newProbe(columns *convert.Program, seq rows.Sequence, limit int64, keep bool) (*probe, error) {
	c := q.Where
	b := &probe{columns: columns, enough: newEnough(limit), tally: q.newTally(columns), inputs: c.inputs}
	_, listed := seq.(rows.List) // maybe with repeats
	b.noting = !listed && b.tally.table != nil
	b.scratch.New = func() any {
		return &probeScratch{eval: c.program.NewEval(), vectors: make([]where.Vector, len(c.inputs)), meters: make([]chunkstats.Meter, len(c.Columns))}
	}
	if !keep {
		return b, nil
	}
	var err error
	b.whole, err = fill.ElementProgram(q.Scan.Program.ElemSize())
	return b, err
}

// Visit looks at a chunk's elements for every batch that wants them.
func (b *probe) Visit(v fill.Visit, e convert.Elems, fill bool) error {
	l := b.scratch.Get().(*probeScratch)
	defer b.scratch.Put(l)
	metered := b.noting && v.Whole() && !b.tally.complete(v.Chunk)
	for i := range l.meters {
		l.meters[i].Reset()
	}
	for _, t := range v.Targets {
		if err := b.examine(l, v.Batches[t.Batch], v.Resolver, e, fill, metered, t.Runs); err != nil {
			return err
		}
	}
	if metered {
		b.tally.put(v.Chunk, l.meters)
	}
	return nil
}

// VisitKept looks at the condition's columns of a whole batch.
func (b *probe) VisitKept(f *fill.Batch, columns arrow.Record) error {
	l := b.scratch.Get().(*probeScratch)
	defer b.scratch.Put(l)
	l.set = slices.Grow(l.set[:0], int(f.Rows))[:f.Rows]
	l.evaluate(b.inputs, columns)
	found := l.collect(f.Row, []rows.Run{{Step: 1, N: f.Rows}}, false)
	if len(found.Places) > 0 {
		f.AddMatches(found)
		b.enough.add(found.Places)
	}
	return nil
}

func (b *probe) Past(place int64) bool { return b.enough.reached(place) }

func (b *probe) Keeps() bool { return b.whole != nil }

func (b *probe) examine(l *probeScratch, f *fill.Batch, r convert.Resolver, e convert.Elems, fill, metered bool, runs []rows.Run) error {
	if err := b.match(l, f, r, e, fill, metered, runs); err != nil {
		return err
	}
	found := l.collect(f.Row, runs, fill)
	if len(found.Places) == 0 {
		return nil
	}
	if b.whole != nil && !b.full.Load() && e.N <= math.MaxInt32 {
		rows := b.whole.NewBatch(f.Lease, len(l.src), nil, 0)
		defer rows.Release()
		if err := rows.Gather(e, l.dst, l.src); err != nil {
			return err
		}
		var err error
		if found.Rows, err = rows.Record(); err != nil {
			return err
		}
	}
	f.AddMatches(found)
	b.enough.add(found.Places)
	return nil
}

// match sets l.set for the elements of runs, one after the other, and meters them.
func (b *probe) match(l *probeScratch, f *fill.Batch, r convert.Resolver, e convert.Elems, fill, metered bool, runs []rows.Run) error {
	n := int64(0)
	for _, r := range runs {
		n += r.N
	}
	batch := b.columns.NewBatch(f.Lease, int(n), r, f.Row+runs[0].Dst)
	defer batch.Release()
	at := int64(0)
	for _, r := range runs {
		if fill {
			r.Src, r.Step = 0, 0
		}
		if err := batch.Put(int(at), 1, e, int(r.Src), int(r.Step), int(r.N)); err != nil {
			return err
		}
		at += r.N
	}
	rec, err := batch.Record()
	if err != nil {
		return err
	}
	defer rec.Release()
	for i := range l.meters {
		if metered && b.tally.classes[i] != chunkstats.None {
			l.meters[i].Take(rec.Column(i), 0, int(n))
		}
	}
	l.set = slices.Grow(l.set[:0], int(n))[:n]
	l.evaluate(b.inputs, rec)
	return nil
}

// evaluate evaluates the condition for the rows of a record, in pieces where elements are taken out of lists.
func (l *probeScratch) evaluate(inputs []operand, rec arrow.Record) {
	n := int(rec.NumRows())
	whole, step := make([]where.Vector, len(inputs)), max(n, 1)
	for i, in := range inputs {
		if a := rec.Column(in.at); inLists(a) {
			step = listRows
		} else {
			whole[i] = vector(a, nil)
		}
	}
	for from := 0; from < n; from += step {
		to := min(n, from+step)
		for i, in := range inputs {
			l.vectors[i] = in.vector(rec.Column(in.at), whole[i], from, to)
		}
		l.eval.Eval(l.vectors, to-from, l.set[from:to])
	}
	clear(l.vectors)
}

// collect notes what is set: hits for the result, l.src and l.dst for gathering.
func (l *probeScratch) collect(row int64, runs []rows.Run, fill bool) (out fill.Match) {
	l.dst, l.src = l.dst[:0], l.src[:0]
	set := l.set
	if n := bytes.Count(set, []byte{1}); n > 0 {
		out.Places = make([]int64, 0, n)
	}
	for _, r := range runs {
		for i := next(set[:r.N], 0); i < r.N; i = next(set[:r.N], i+1) {
			src := r.Src + i*r.Step
			if fill {
				src = 0
			}
			l.dst, l.src = append(l.dst, int32(len(out.Places))), append(l.src, int32(src))
			out.Places = append(out.Places, row+r.Dst+i)
		}
		set = set[r.N:]
	}
	return out
}

// next is the first place from i on that is set, len(set) if none is.
func next(set []byte, i int64) int64 {
	for i+8 <= int64(len(set)) && binary.LittleEndian.Uint64(set[i:]) == 0 {
		i += 8
	}
	for ; i < int64(len(set)) && set[i] == 0; i++ {
	}
	return i
}

// keep appends the elements that matched in a batch; false when there is no room, or some were not kept.
func (b *probe) keep(k *spill.Elements, f *fill.Batch) bool {
	for _, p := range f.Matches {
		if p.Rows == nil {
			return false
		}
		rows := p.Rows.Column(0).(*array.FixedSizeBinary)
		size := rows.DataType().(*arrow.FixedSizeBinaryType).ByteWidth
		if !k.Append(rows.Data().Buffers()[1].Bytes()[:rows.Len()*size]) {
			return false
		}
	}
	return true
}
