package collection

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/spell"
	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/internal/ptindex"
	"github.com/mtflight/mtflight/reader/internal/rows"
)

// Rows of several files are sorted by their keys in memory, each with the number of its row; the rows are then read in that order.

// keyBytes is about what a key takes beside its text.
const keyBytes = 40

// keyRequest asks a file for the keys of its rows, as values that have an order.
func (p *plan) keyRequest(m member) reader.Request {
	q := p.request(m)
	q.Fields = []string{p.req.SortBy}
	q.Options = reader.Request{}.Options
	q.Options.Strings, q.Options.Enum = "binary", "int"
	return q
}

// keySchema is the one type of the keys of all files.
func (p *plan) keySchema(ctx context.Context) (arrow.DataType, error) {
	var t arrow.DataType
	of := ""
	for _, i := range p.variants() {
		m := p.members[i]
		q := p.keyRequest(m)
		q.Where, q.Vars = nil, nil
		one, err := open(ctx, p.eng, m, q)
		if err != nil {
			return nil, err
		}
		f := one.Schema().Field(0)
		if t == nil {
			t, of = f.Type, m.loc.Name
			continue
		}
		u, ok := unified(t, f.Type)
		if !ok {
			return nil, fault.New(fault.Precondition, "sort_by: column %s is %s in %s and %s in %s: no type holds the values of both exactly", spell.Quote(p.req.SortBy), t, of, f.Type, m.loc.Name)
		}
		t = u
	}
	return t, nil
}

// key is a row with what it is sorted by: text, or a number as bits that have its order.
type key struct {
	text   []byte
	number uint64
	row    int64
}

// sorted is the rows of the result: filtered, sorted, sliced, paged.
func (p *plan) sorted(ctx context.Context) (rows.Sequence, error) {
	t, err := p.keySchema(ctx)
	if err != nil {
		return nil, err
	}
	s := &sorter{plan: p, ctx: ctx, of: t}
	defer s.end()
	for i := range p.members {
		if err := s.file(i); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(s.keys, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.number, b.number), bytes.Compare(a.text, b.text), cmp.Compare(a.row, b.row))
	})
	at, err := rows.Slice(p.req.Start, p.req.Stop, p.req.Step, int64(len(s.keys)))
	if err != nil {
		return nil, err
	}
	page, ok := rows.PageOf(p.req).Of(at).(rows.Span)
	if !ok {
		return rows.List{}, nil
	}
	out := make(rows.List, page.N)
	for i := range out {
		out[i] = s.keys[page.Start+int64(i)*page.Step].row
	}
	return out, nil
}

// sorter gathers keys, in memory of the engine's budget.
type sorter struct {
	*plan
	ctx  context.Context
	of   arrow.DataType
	keys []key
	held int64
}

func (s *sorter) end() { s.eng.Release(s.held) }

// hold takes memory for keys.
func (s *sorter) hold(n int64) error {
	_, all := s.eng.Memory()
	if s.held+n > all/2 {
		return fault.New(fault.Exhausted, "sort_by: the keys of all files take more than %d MiB, half of --memory: ask for fewer rows by where, or for each file", all>>21)
	}
	if err := s.eng.Acquire(s.ctx, n); err != nil {
		return err
	}
	s.held += n
	return nil
}

// file adds the keys of a file's rows.
func (s *sorter) file(i int) error {
	m := s.members[i]
	q := s.keyRequest(m)
	if s.none(i) {
		return nil
	}
	if q.Where != nil {
		found, err := s.matches(q, m)
		if err != nil || len(found) == 0 {
			return err
		}
		q.Coordinates, q.Where, q.Vars, q.Index = found, nil, nil, ""
	}
	run, err := start(s.ctx, s.eng, m, q)
	if err != nil {
		return err
	}
	defer run.Release()
	at := int64(0)
	for run.Next() {
		r := run.Record()
		if err := s.add(r.Column(0), m, q.Coordinates, at); err != nil {
			return named(m.loc, err)
		}
		at += r.NumRows()
	}
	return named(m.loc, run.Err())
}

func (s *sorter) matches(q reader.Request, m member) (found []int64, err error) {
	p, err := open(s.ctx, s.eng, m, q)
	if err != nil {
		return nil, err
	}
	err = p.Matches(s.ctx, func(some []int64) error {
		if err := s.hold(8 * int64(len(some))); err != nil {
			return err
		}
		found = append(found, some...)
		return nil
	})
	if err == nil {
		s.learn(m, p)
	}
	return found, named(m.loc, err)
}

// add adds the keys of some rows: those from at on, or of found.
func (s *sorter) add(a arrow.Array, m member, found []int64, at int64) error {
	if err := s.hold(int64(a.Len()) * keyBytes); err != nil {
		return err
	}
	mem, _ := s.eng.Buffers()
	lease, err := mem.Lease(s.ctx, int64(a.Len())*16)
	if err != nil {
		return err
	}
	defer lease.Close()
	data, err := cast(lease, a.Data(), s.of)
	if err != nil {
		return err
	}
	defer data.Release()
	same := array.MakeFromData(data)
	defer same.Release()
	value, err := keysOf(same)
	if err != nil {
		return err
	}
	for i := range same.Len() {
		k := value(i)
		if found != nil {
			k.row = m.first + found[at+int64(i)]
		} else {
			k.row = m.first + at + int64(i)
		}
		if k.text != nil {
			if err := s.hold(int64(len(k.text))); err != nil {
				return err
			}
			k.text = bytes.Clone(k.text)
		}
		s.keys = append(s.keys, k)
	}
	return nil
}

// keysOf gives the key of a place in an array, numbers as in one file: -0 is 0, NaN comes last.
func keysOf(a arrow.Array) (func(i int) key, error) {
	switch a := a.(type) {
	case *array.Binary:
		return func(i int) key { return key{text: a.Value(i)} }, nil
	case *array.Boolean:
		return func(i int) key {
			if a.Value(i) {
				return key{number: 1}
			}
			return key{}
		}, nil
	}
	switch a.DataType().ID() {
	case arrow.INT8:
		return wholes[int8](a), nil
	case arrow.INT16:
		return wholes[int16](a), nil
	case arrow.INT32:
		return wholes[int32](a), nil
	case arrow.INT64, arrow.TIMESTAMP, arrow.DURATION:
		return wholes[int64](a), nil
	case arrow.UINT8:
		return unsigned[uint8](a), nil
	case arrow.UINT16:
		return unsigned[uint16](a), nil
	case arrow.UINT32:
		return unsigned[uint32](a), nil
	case arrow.UINT64:
		return unsigned[uint64](a), nil
	case arrow.FLOAT16:
		return reals(halves(valuesOf[uint16](a.Data()))), nil
	case arrow.FLOAT32:
		return reals(valuesOf[float32](a.Data())), nil
	case arrow.FLOAT64:
		return reals(valuesOf[float64](a.Data())), nil
	}
	return nil, fault.New(fault.Unsupported, "sort_by: keys of type %s are not sorted over several files", a.DataType())
}

func wholes[T number](a arrow.Array) func(i int) key {
	v := valuesOf[T](a.Data())
	return func(i int) key { return key{number: ptindex.OfInt(int64(v[i]))} }
}

func unsigned[T number](a arrow.Array) func(i int) key {
	v := valuesOf[T](a.Data())
	return func(i int) key { return key{number: uint64(v[i])} }
}

func reals[T float32 | float64](v []T) func(i int) key {
	return func(i int) key { return key{number: ptindex.OfFloat(float64(v[i]))} }
}
