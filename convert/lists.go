package convert

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"unsafe"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/mtflight/mtflight/convert/h5type"
)

// array compiles an array type below outer axes, which arrays of arrays join.
func (c *compiler) array(t *h5type.Type, outer []int, at position) (*node, error) {
	dims := append([]int(nil), outer...)
	for t.Class == h5type.Array {
		count, ok := product(t.Dims)
		if !ok {
			return nil, unsupported("array%v of too many values", t.Dims)
		}
		dims = append(dims, t.Dims...)
		at = at.repeat(count, t.Base.Size, 0)
		t = t.Base
	}
	if len(dims) == 0 {
		return c.compile(t, at)
	}
	count, ok := product(dims)
	if _, few := product(slices.DeleteFunc(slices.Clone(dims), func(d int) bool { return d == 0 })); !ok || !few {
		return nil, unsupported("rows of more than %d values", math.MaxInt32)
	}
	base, err := c.compile(t, at)
	if err != nil {
		return nil, err
	}
	if c.opts.Tensors == "nested" {
		for i := len(dims) - 1; i >= 0; i-- {
			base = c.fixedList(base, dims[i], at)
		}
		return base, nil
	}
	out := c.fixedList(base, count, at)
	if len(dims) > 1 && !c.opts.Plain {
		out.dims = dims
	}
	return out, nil
}

// fixedList makes lists of count values each; for engines that do not know them, lists of any length.
func (c *compiler) fixedList(base *node, count int, at position) *node {
	item := field("item", base, nil)
	if c.opts.Plain {
		c.plan.spend(at, 8)
		return plainList(base, count, arrow.ListOfField(item))
	}
	typ := fixedListType(count, item)
	return &node{typ: typ, finish: func(f *finisher, s *store, n int) (arrow.ArrayData, error) {
		child, err := base.repeated(f, s, n, count)
		if err != nil {
			return nil, err
		}
		defer child.Release()
		return array.NewData(typ, n, []*buffer{nil}, []arrow.ArrayData{child}, 0, 0), nil
	}}
}

// repeated finishes n times count values.
func (b *node) repeated(f *finisher, s *store, n, count int) (arrow.ArrayData, error) {
	child, err := b.finish(f, s, n*count)
	if err != nil {
		return nil, lift(err, func(at int) int { return at / max(count, 1) })
	}
	return child, nil
}

func plainList(base *node, count int, typ arrow.DataType) *node {
	return &node{typ: typ, finish: func(f *finisher, s *store, n int) (arrow.ArrayData, error) {
		if int64(n)*int64(count) > math.MaxInt32 {
			return nil, errListTooLong()
		}
		if count == 0 { // no values bound how many lists there are
			if err := f.spend(4 * int64(n)); err != nil {
				return nil, err
			}
		}
		child, err := base.repeated(f, s, n, count)
		if err != nil {
			return nil, err
		}
		defer child.Release()
		offsets := newBuffer(f.mem, 4*(n+1))
		defer offsets.Release()
		for i, b := 0, offsets.Bytes(); i <= n; i++ {
			binary.LittleEndian.PutUint32(b[4*i:], uint32(i*count))
		}
		return array.NewData(typ, n, []*buffer{nil, offsets}, []arrow.ArrayData{child}, 0, 0), nil
	}}
}

// fixedListType allows lists of no values, which the format has and arrow.FixedSizeListOfField panics at. Its length is
// the type's first member; a test holds on to that.
func fixedListType(count int, item arrow.Field) *arrow.FixedSizeListType {
	typ := arrow.FixedSizeListOfField(int32(max(count, 1)), item)
	if count == 0 {
		*(*int32)(unsafe.Pointer(typ)) = 0
	}
	return typ
}

// tensorMetadata marks a field as a tensor as the canonical extension arrow.fixed_shape_tensor has it.
func tensorMetadata(dims []int) (keys, values []string) {
	shape, _ := json.Marshal(map[string][]int{"shape": dims})
	return []string{"ARROW:extension:name", "ARROW:extension:metadata"}, []string{"arrow.fixed_shape_tensor", string(shape)}
}
