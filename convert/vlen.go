package convert

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"sort"
	"unicode/utf8"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/mtflight/mtflight/convert/h5type"
	"github.com/mtflight/mtflight/internal/fault"
)

var errNoResolver = errors.New("convert: data lies elsewhere in the file and the batch has no resolver")

// pointers adds a buffer of what the elements hold: where their data is.
func (c *compiler) pointers(t *h5type.Type, at position) (int, error) {
	if err := c.checkOffsetSize(); err != nil {
		return 0, err
	}
	if t.Size < c.offsetSize+8 {
		return 0, unsupported("variable-length type of %d bytes", t.Size)
	}
	c.plan.resolver = true
	c.plan.spend(at, 4)
	return c.plan.column(at, plainBytes(t.Size)), nil
}

// payload is the data that element i points to, of elements of base bytes; nil where it points nowhere.
func (f *finisher) payload(b []byte, offsetSize, base int) (data []byte, length int, err error) {
	p := readPointer(b, offsetSize)
	if p.addr == 0 {
		return nil, 0, nil
	}
	if f.resolver == nil {
		return nil, 0, errNoResolver
	}
	data, err = f.resolver.Heap(p.addr, p.index)
	if err != nil {
		return nil, 0, err
	}
	if uint64(len(data)) != uint64(p.length)*uint64(base) {
		return nil, 0, fault.New(fault.DataLoss, "global heap object %d at %d has %d bytes, not %d of %d: the file is damaged",
			p.index, p.addr, len(data), p.length, base)
	}
	return data, int(p.length), nil
}

// varLen: strings become text, sequences lists.
func (c *compiler) varLen(t *h5type.Type, at position) (*node, error) {
	if t.VarString {
		return c.varString(t, at)
	}
	inside := &compiler{opts: c.opts, pytables: c.pytables, numpyText: c.numpyText, offsetSize: c.offsetSize, plan: &plan{size: t.Packed().Size}}
	base, err := inside.compile(t.Packed(), position{})
	if err != nil {
		return nil, err
	}
	buf, err := c.pointers(t, at)
	if err != nil {
		return nil, err
	}
	l := &list{typ: arrow.ListOfField(field("item", base, nil)), base: base, inside: inside.plan.seal(), buf: buf, size: t.Size, reserved: t.Base.Size, offsetSize: c.offsetSize}
	return &node{typ: l.typ, finish: l.finish}, nil
}

// list reads sequences one after the other into a store that grows by what is really there.
type list struct {
	typ              arrow.DataType
	base             *node
	inside           *plan
	buf              int
	size, offsetSize int
	reserved         int // bytes of the heap for an element
}

func (l *list) finish(f *finisher, s *store, n int) (arrow.ArrayData, error) {
	pointers := s.take(l.buf)
	defer pointers.Release()
	offsets := newBuffer(f.mem, 4*(n+1))
	defer offsets.Release()
	values := newStore(f.mem, l.inside, 0)
	defer values.release()
	end := offsets.Bytes()
	binary.LittleEndian.PutUint32(end, 0)
	for i := range n {
		if err := l.read(f, values, pointers.Bytes()[i*l.size:(i+1)*l.size]); err != nil {
			return nil, failed(i, err)
		}
		binary.LittleEndian.PutUint32(end[4*i+4:], uint32(values.n))
	}
	child, err := l.base.finish(f, values, values.n)
	if err != nil {
		return nil, lift(err, func(at int) int { // the list that holds the value
			return sort.Search(n-1, func(i int) bool { return int(binary.LittleEndian.Uint32(end[4*i+4:])) > at })
		})
	}
	defer child.Release()
	return array.NewData(l.typ, n, []*buffer{nil, offsets}, []arrow.ArrayData{child}, 0, 0), nil
}

// read appends one sequence.
func (l *list) read(f *finisher, values *store, pointer []byte) error {
	data, length, err := f.payload(pointer, l.offsetSize, l.reserved)
	if err != nil || length == 0 {
		return err
	}
	if err := f.spend(mulSat(int64(length), l.inside.out())); err != nil {
		return err
	}
	at := values.n
	if at+length > math.MaxInt32 {
		return errListTooLong()
	}
	values.grow(at + length)
	return values.put(Elems{Data: data, N: length, Size: l.inside.size}, run{dst: at, step: 1, srcStep: 1, n: length})
}

// varString ends at the first NUL, as C's strings that libhdf5 makes of them do.
func (c *compiler) varString(t *h5type.Type, at position) (*node, error) {
	cut := func(dst, v []byte) ([]byte, error) {
		if n := bytes.IndexByte(v, 0); n >= 0 {
			v = v[:n]
		}
		return v, nil
	}
	return c.texts(t, 1, c.stringType(), cut, at)
}

// texts are elements whose whole data is one text, in elements of base bytes. form gives the text of some data, maybe
// in the room of dst, which the next call may use again.
func (c *compiler) texts(t *h5type.Type, base int, typ arrow.DataType, form func(dst, v []byte) ([]byte, error), at position) (*node, error) {
	buf, err := c.pointers(t, at)
	if err != nil {
		return nil, err
	}
	size, offsetSize := t.Size, c.offsetSize
	return &node{typ: typ, finish: func(f *finisher, s *store, n int) (arrow.ArrayData, error) {
		pointers := s.take(buf)
		defer pointers.Release()
		out := newText(f, n)
		defer out.release()
		var room []byte
		for i := range n {
			v, _, err := f.payload(pointers.Bytes()[i*size:(i+1)*size], offsetSize, base)
			if err == nil {
				v, err = form(room[:0], v)
				room = v
			}
			if err == nil {
				err = checkText(typ, v)
			}
			if err == nil {
				err = out.add(f, i, v)
			}
			if err != nil {
				return nil, failed(i, err)
			}
		}
		return out.finish(typ, n), nil
	}}, nil
}

// pseudo are the atoms that PyTables makes of sequences of integers: strings, unicode strings, and pickles, which stay
// bytes.
func (c *compiler) pseudo(kind string, t *h5type.Type, inner []int, at position) (*node, error) {
	if t.Base.Class != h5type.Integer || len(inner) > 0 {
		return c.array(t, inner, at)
	}
	v, err := integer(t.Base)
	if err != nil {
		return nil, err
	}
	typ := c.stringType()
	if kind == "object" {
		typ = arrow.BinaryTypes.Binary
	}
	form := v.bytes
	if kind == "vlunicode" {
		load := loader(t.Base)
		form = func(dst, data []byte) ([]byte, error) { return runes(dst, data, t.Base.Size, load) }
	}
	return c.texts(t, t.Base.Size, typ, form, at)
}

// bytes are a sequence's elements as they are in memory.
func (v value) bytes(dst, data []byte) ([]byte, error) {
	if v.kind == copied {
		return append(dst, data...), nil
	}
	n := len(data) / v.size
	l := leaf{size: v.size, out: v.out, kind: v.kind, convert: v.convert}
	l.fold()
	dst = append(dst, make([]byte, n*v.out)...)
	l.put(dst, v.out, Elems{Data: data, N: n, Size: v.size}, run{step: 1, srcStep: 1, n: n})
	return dst, nil
}

// runes are UTF-8 of a sequence of code points.
func runes(dst, data []byte, size int, load func([]byte) int64) ([]byte, error) {
	for ; len(data) >= size; data = data[size:] {
		r := load(data)
		if r < 0 || r > utf8.MaxRune || !utf8.ValidRune(rune(r)) {
			return nil, fault.New(fault.Precondition, "%#x is no Unicode code point, so neither is it UTF-8 (options.strings)", r)
		}
		dst = utf8.AppendRune(dst, rune(r))
	}
	return dst, nil
}
