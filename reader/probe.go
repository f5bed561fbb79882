package reader

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
	"github.com/mtflight/mtflight/reader/where"
)

// probe looks, in the workers, at each decoded chunk for rows that match a condition, and takes their elements along.
type probe struct {
	columns *convert.Program // the condition's
	inputs  []operand        // of the condition
	whole   *convert.Program // an element as bytes; nil: nothing is taken along
	full    atomic.Bool      // there is no more room for them
	enough  *enough          // nil: all matches are wanted
	tally   *tally           // of columns: statistics of whole chunks are noted
	noting  bool             // there are such to note, and each row comes once
	scratch sync.Pool        // of *look
}

// look is what one worker needs to look at a part of a chunk.
type look struct {
	eval     *where.Eval
	vectors  []where.Vector
	set      []byte
	dst, src []int32
	meters   []chunkstats.Meter // of the condition's columns
}

func (q *search) newProbe(columns *convert.Program, seq sequence, limit int64, keep bool) (*probe, error) {
	c := q.where
	b := &probe{columns: columns, enough: newEnough(limit), tally: q.newTally(columns), inputs: c.inputs}
	_, listed := seq.(rowList) // maybe with repeats
	b.noting = !listed && b.tally.table != nil
	b.scratch.New = func() any {
		return &look{eval: c.program.NewEval(), vectors: make([]where.Vector, len(c.inputs)), meters: make([]chunkstats.Meter, len(c.columns))}
	}
	if !keep {
		return b, nil
	}
	var err error
	b.whole, err = wholeElement(q.scan.program.ElemSize())
	return b, err
}

// visit looks at a chunk's elements for every batch that wants them.
func (b *probe) visit(v visit, e convert.Elems, fill bool) error {
	l := b.scratch.Get().(*look)
	defer b.scratch.Put(l)
	news := b.noting && v.whole && !b.tally.complete(v.chunk)
	for i := range l.meters {
		l.meters[i].Reset()
	}
	for _, t := range v.targets {
		if err := b.examine(l, v.fills[t.fill], v.resolver, e, fill, news, t.runs); err != nil {
			return err
		}
	}
	if news {
		b.tally.put(v.chunk, l.meters)
	}
	return nil
}

func (b *probe) past(place int64) bool { return b.enough.reached(place) }

func (b *probe) keeps() bool { return b.whole != nil }

func (b *probe) examine(l *look, f *fill, r convert.Resolver, e convert.Elems, fill, news bool, runs []run) error {
	if err := b.match(l, f, r, e, fill, news, runs); err != nil {
		return err
	}
	found := l.collect(f.Row, runs, fill)
	if len(found.hits) == 0 {
		return nil
	}
	if b.whole != nil && !b.full.Load() && e.N <= math.MaxInt32 {
		rows := b.whole.NewBatch(f.lease, len(l.src), nil, 0)
		defer rows.Release()
		if err := rows.Gather(e, l.dst, l.src); err != nil {
			return err
		}
		var err error
		if found.rows, err = rows.Record(); err != nil {
			return err
		}
	}
	f.found(found)
	b.enough.add(found.hits)
	return nil
}

// match sets l.set for the elements of runs, one after the other. news: they are metered.
func (b *probe) match(l *look, f *fill, r convert.Resolver, e convert.Elems, fill, news bool, runs []run) error {
	n := int64(0)
	for _, r := range runs {
		n += r.n
	}
	batch := b.columns.NewBatch(f.lease, int(n), r, f.Row+runs[0].dst)
	defer batch.Release()
	at := int64(0)
	for _, r := range runs {
		if fill {
			r.src, r.step = 0, 0
		}
		if err := batch.Put(int(at), 1, e, int(r.src), int(r.step), int(r.n)); err != nil {
			return err
		}
		at += r.n
	}
	rec, err := batch.Record()
	if err != nil {
		return err
	}
	defer rec.Release()
	for i := range l.meters {
		if news && b.tally.classes[i] != chunkstats.None {
			l.meters[i].Take(rec.Column(i), 0, int(n))
		}
	}
	l.set = slices.Grow(l.set[:0], int(n))[:n]
	l.ask(b.inputs, rec)
	return nil
}

// ask evaluates the condition for the rows of a record, in pieces where elements are taken out of lists.
func (l *look) ask(inputs []operand, rec arrow.Record) {
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
func (l *look) collect(row int64, runs []run, fill bool) (out find) {
	l.dst, l.src = l.dst[:0], l.src[:0]
	set := l.set
	if n := bytes.Count(set, []byte{1}); n > 0 {
		out.hits = make([]int64, 0, n)
	}
	for _, r := range runs {
		for i := next(set[:r.n], 0); i < r.n; i = next(set[:r.n], i+1) {
			src := r.src + i*r.step
			if fill {
				src = 0
			}
			l.dst, l.src = append(l.dst, int32(len(out.hits))), append(l.src, int32(src))
			out.hits = append(out.hits, row+r.dst+i)
		}
		set = set[r.n:]
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

// keep takes the rows of a fill along; false when there is no room, or some were not taken.
func (b *probe) keep(k *elements, f *fill) bool {
	for _, p := range f.finds {
		if p.rows == nil {
			return false
		}
		rows := p.rows.Column(0).(*array.FixedSizeBinary)
		size := rows.DataType().(*arrow.FixedSizeBinaryType).ByteWidth
		if !k.append(rows.Data().Buffers()[1].Bytes()[:rows.Len()*size]) {
			return false
		}
	}
	return true
}
