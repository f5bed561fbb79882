package convert

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/mtflight/mtflight/convert/h5type"
)

// rows compiles options.layout "rows": elements one after the other in one buffer, as NumPy would hold them.
func (p *Program) rows(c *compiler, s Source, chosen []Column) error {
	descr, size, err := rowOf(c, s, chosen)
	if err != nil {
		return err
	}
	if size > 0 && p.perRow > math.MaxInt32/size {
		return unsupported("rows of more than %d bytes", math.MaxInt32)
	}
	c.plan.bufs = []int{size}
	text, err := json.Marshal(arrayDescr(descr, s))
	if err != nil {
		return fmt.Errorf("rows: %w", err)
	}
	typ := &arrow.FixedSizeBinaryType{ByteWidth: size * p.perRow}
	n := &node{typ: typ, finish: func(_ *finisher, s *store, n int) (arrow.ArrayData, error) {
		return flat(typ, n, s.take(0)), nil
	}}
	name, meta := s.Name, [][2]string{{"hdf5.type", shortName(s.Type, nil)}, {"numpy.dtype", string(text)}}
	p.columns = []column{{field(name, n, meta), n, name}}
	return nil
}

// rowOf places one element's leaves and gives its descr and size.
func rowOf(c *compiler, s Source, chosen []Column) (descr any, size int, err error) {
	if s.Kind() != Table {
		return c.row(s.Type, position{})
	}
	members := make([]h5type.Member, len(chosen))
	for i, col := range chosen {
		members[i] = h5type.Member{Name: col.Name, Offset: col.offset, Type: col.Type}
	}
	return c.rowMembers(members, position{})
}

// arrayDescr adds the axes after the first, which those of an array type join.
func arrayDescr(descr any, s Source) any {
	if len(s.Inner) == 0 {
		return descr
	}
	if a, ok := descr.(subarray); ok {
		return subarray{a.base, append(slices.Clone(s.Inner), a.dims...)}
	}
	return subarray{descr, s.Inner}
}

// subarray is NumPy's type of several values: [descr, shape].
type subarray struct {
	base any
	dims []int
}

func (a subarray) MarshalJSON() ([]byte, error) { return json.Marshal([]any{a.base, a.dims}) }

// row places a type's leaves at a position and gives its descr and its bytes in NumPy's packed, native row.
func (c *compiler) row(t *h5type.Type, at position) (descr any, size int, err error) {
	switch t.Class {
	case h5type.Compound:
		if !t.IsComplexPair() {
			return c.rowMembers(t.Members, at)
		}
		return c.rowComplex(t, at)
	case h5type.Complex:
		return c.rowComplex(t, at)
	case h5type.Array:
		return c.rowArray(t, at)
	}
	v, code, err := c.rowValue(t)
	if err != nil {
		return nil, 0, err
	}
	c.plan.place(at, v)
	return code, v.out, nil
}

func (c *compiler) rowMembers(members []h5type.Member, at position) (any, int, error) {
	fields, size := make([][]any, len(members)), 0
	for i, m := range members {
		descr, n, err := c.row(m.Type, at.member(m.Offset, size))
		if err != nil {
			return nil, 0, err
		}
		fields[i] = []any{m.Name, descr}
		if a, ok := descr.(subarray); ok {
			fields[i] = []any{m.Name, a.base, a.dims}
		}
		if size += n; size > math.MaxInt32 {
			return nil, 0, unsupported("rows of more than %d bytes", math.MaxInt32)
		}
	}
	return fields, size, nil
}

// rowComplex is NumPy's complex, or a struct of two float16, of which it has none.
func (c *compiler) rowComplex(t *h5type.Type, at position) (any, int, error) {
	descr, size, err := c.rowMembers(parts(t), at)
	if err != nil || size == 4 {
		return descr, size, err
	}
	return fmt.Sprintf("<c%d", size), size, nil
}

func (c *compiler) rowArray(t *h5type.Type, at position) (any, int, error) {
	count, ok := product(t.Dims)
	if !ok {
		return nil, 0, unsupported("array%v of too many values", t.Dims)
	}
	size, err := c.rowSize(t.Base)
	if err != nil {
		return nil, 0, err
	}
	if size > 0 && count > math.MaxInt32/size {
		return nil, 0, unsupported("rows of more than %d bytes", math.MaxInt32)
	}
	descr, _, err := c.row(t.Base, at.repeat(count, t.Base.Size, size))
	if err != nil {
		return nil, 0, err
	}
	dims := t.Dims
	if a, ok := descr.(subarray); ok {
		descr, dims = a.base, append(slices.Clone(dims), a.dims...)
	}
	return subarray{descr, dims}, count * size, nil
}

// rowSize is the bytes that row gives.
func (c *compiler) rowSize(t *h5type.Type) (int, error) {
	switch t.Class {
	case h5type.Compound, h5type.Complex:
		size := 0
		for _, m := range parts(t) {
			n, err := c.rowSize(m.Type)
			if err != nil {
				return 0, err
			}
			size = min(size+n, math.MaxInt32+1)
		}
		return size, nil
	case h5type.Array:
		n, err := c.rowSize(t.Base)
		if count, ok := product(t.Dims); err == nil && ok && (count == 0 || n <= math.MaxInt32/count) {
			return n * count, nil
		}
		return math.MaxInt32 + 1, err
	}
	v, _, err := c.rowValue(t)
	return v.out, err
}

// rowValue is a value of the other classes, and its descr. Times are numbers as in PyTables, enumerations theirs.
func (c *compiler) rowValue(t *h5type.Type) (v value, code string, err error) {
	switch t.Class {
	case h5type.Integer:
		return rowInteger(t)
	case h5type.Float:
		v, err = float(t)
		return v, fmt.Sprintf("<f%d", v.out), err
	case h5type.Bitfield:
		if t.Size == 1 && c.pytables {
			return truth(t), "|b1", nil
		}
		return rowInteger(t)
	case h5type.Enum:
		return rowEnum(t)
	case h5type.Time:
		v, err = timeValue(t, true)
		return v, map[int]string{4: "<i4", 8: "<f8"}[v.out], err
	case h5type.String:
		return plainBytes(t.Size), fmt.Sprintf("|S%d", t.Size), nil
	case h5type.Opaque:
		return rowOpaque(t)
	case h5type.Reference:
		if t.RefKind == h5type.RefRegion {
			return plainBytes(t.Size), fmt.Sprintf("|V%d", t.Size), nil
		}
		return v, "", unsupported("object references have no NumPy type")
	case h5type.VarLen:
		return v, "", unsupported("variable-length data has no rows of one size (options.layout)")
	}
	return v, "", unsupported("datatype class %d", t.Class)
}

func rowInteger(t *h5type.Type) (value, string, error) {
	v, err := integer(t)
	letter, order := 'u', '<'
	if t.Signed {
		letter = 'i'
	}
	if v.out == 1 {
		order = '|'
	}
	return v, fmt.Sprintf("%c%c%d", order, letter, v.out), err
}

func rowEnum(t *h5type.Type) (value, string, error) {
	if t.Base.Class != h5type.Integer {
		return value{}, "", unsupported("enum over something that is not an integer")
	}
	if _, err := wider(t.Base); err != nil {
		return value{}, "", err
	}
	if t.IsBoolEnum() {
		return truth(t.Base), "|b1", nil
	}
	return rowInteger(t.Base)
}

func rowOpaque(t *h5type.Type) (value, string, error) {
	kind, unit, big, ok := numpyTime(t)
	if !ok {
		return plainBytes(t.Size), fmt.Sprintf("|V%d", t.Size), nil
	}
	order := h5type.LittleEndian
	if big {
		order = h5type.BigEndian
	}
	return ordered(8, order), fmt.Sprintf("<%c8[%s]", kind, unit), nil
}
