package convert

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/mtflight/mtflight/convert/h5type"
)

// words are the names of an enumeration: each once, in the type's order, and where the values find them.
type words struct {
	names []string
	place map[int64]int32 // of equal values the first name counts
}

func wordsOf(t *h5type.Type) words {
	w := words{place: make(map[int64]int32, len(t.Values))}
	seen := map[string]int32{}
	for i := range t.Values {
		v := t.EnumInt(i)
		if _, ok := w.place[v]; ok {
			continue
		}
		name := t.Values[i].Name
		if _, ok := seen[name]; !ok {
			seen[name] = int32(len(w.names))
			w.names = append(w.names, name)
		}
		w.place[v] = seen[name]
	}
	return w
}

// EnumNames are the values of an enumeration's names, of unsigned ones the bits; of equal names the first counts.
func EnumNames(t *h5type.Type) map[string]int64 {
	out := make(map[string]int64, len(t.Values))
	for i := range t.Values {
		name := t.Values[i].Name
		if _, ok := out[name]; !ok {
			out[name] = t.EnumInt(i)
		}
	}
	return out
}

const nameless = -1

// indices is how values become places among the words.
func (w words) indices(t *h5type.Type) value {
	load := loader(t.Base)
	find := func(v []byte) int32 {
		if at, ok := w.place[load(v)]; ok {
			return at
		}
		return nameless
	}
	if t.Size == 1 {
		find = table(find)
	}
	k := func(dst, src []byte, n int) {
		for i := range n {
			binary.LittleEndian.PutUint32(dst[4*i:], uint32(find(src[i*t.Size:])))
		}
	}
	return value{size: t.Size, out: 4, kind: converted, convert: k}
}

// table asks about all values of a byte beforehand.
func table(find func(v []byte) int32) func(v []byte) int32 {
	var all [256]int32
	for i := range all {
		all[i] = find([]byte{byte(i)})
	}
	return func(v []byte) int32 { return all[v[0]] }
}

// enum becomes a dictionary, or text where plain types are asked, or integers.
func (c *compiler) enum(t *h5type.Type, at position) (*node, error) {
	if t.Base.Class != h5type.Integer {
		return nil, unsupported("enum over something that is not an integer")
	}
	if _, err := wider(t.Base); err != nil {
		return nil, err
	}
	if t.IsBoolEnum() {
		return c.boolean(t.Base, at), nil
	}
	if c.opts.Enum == "int" {
		return c.integer(t.Base, at)
	}
	w := wordsOf(t)
	buf := c.plan.column(at, w.indices(t))
	if c.opts.Plain {
		c.plan.spend(at, 5)
		return w.textNode(buf), nil
	}
	c.plan.spend(at, 1)
	return w.dictionaryNode(buf), nil
}

// dictionaryNode shares one dictionary among all batches, in memory of Go's.
func (w words) dictionaryNode(buf int) *node {
	typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	dict := w.array()
	return &node{typ: typ, finish: func(f *finisher, s *store, n int) (arrow.ArrayData, error) {
		index := s.take(buf)
		defer index.Release()
		valid, nulls := validity(f.mem, n, index.Bytes(), func(i int) bool {
			return binary.LittleEndian.Uint32(index.Bytes()[4*i:]) < uint32(len(w.names))
		})
		if valid != nil {
			defer valid.Release()
		}
		return array.NewDataWithDictionary(typ, n, []*buffer{valid, index}, nulls, 0, dict), nil
	}}
}

// array is the words as Arrow has them, in plain Go memory that needs no release.
func (w words) array() *array.Data {
	offsets, all := make([]byte, 4, 4*len(w.names)+4), []byte{}
	for _, n := range w.names {
		all = append(all, n...)
		offsets = binary.LittleEndian.AppendUint32(offsets, uint32(len(all)))
	}
	buffers := []*buffer{nil, memory.NewBufferBytes(offsets), memory.NewBufferBytes(all)}
	return array.NewData(arrow.BinaryTypes.String, len(w.names), buffers, nil, 0, 0)
}

func (w words) textNode(buf int) *node {
	typ := arrow.BinaryTypes.String
	return &node{typ: typ, finish: func(f *finisher, s *store, n int) (arrow.ArrayData, error) {
		index := s.take(buf)
		defer index.Release()
		at := func(i int) uint32 { return binary.LittleEndian.Uint32(index.Bytes()[4*i:]) }
		out := newText(f, n)
		defer out.release()
		for i := range n {
			var name string
			if at(i) < uint32(len(w.names)) {
				name = w.names[at(i)]
			}
			if err := out.add(f, i, []byte(name)); err != nil {
				return nil, failed(i, err)
			}
		}
		out.valid, _ = validity(f.mem, n, nil, func(i int) bool { return at(i) < uint32(len(w.names)) })
		return out.finish(typ, n), nil
	}}
}

// validity is a bitmap of n values and its number of nulls; without nulls there is none. The slots below nulls are
// cleared: engines convert them before they look at the bitmap. Texts have none, and are empty there.
func validity(mem memory.Allocator, n int, slots []byte, valid func(i int) bool) (*buffer, int) {
	var bits *buffer
	nulls, width := 0, len(slots)/max(n, 1)
	for i := range n {
		if valid(i) {
			continue
		}
		clear(slots[i*width : (i+1)*width])
		if bits == nil {
			bits = newBuffer(mem, (n+7)/8)
			ones(bits.Bytes(), n)
		}
		bits.Bytes()[i/8] &^= 1 << (i % 8)
		nulls++
	}
	return bits, nulls
}

// ones sets n bits of a bitmap, and none after.
func ones(bits []byte, n int) {
	for i := range bits {
		bits[i] = 0xff
	}
	if n%8 != 0 {
		bits[len(bits)-1] = 1<<(n%8) - 1
	}
}
