package h5type

import (
	"math"
	"slices"

	"github.com/mtflight/mtflight/internal/fault"
)

// compound reads n members. Version 1 gives each member up to 4 dimensions of its own, which become an Array.
func (c *cursor) compound(t *Type, version, n, depth int) {
	if !c.count(n) {
		return
	}
	for range n {
		m := Member{Name: c.name(version)}
		var dims []int
		switch version {
		case 1:
			m.Offset = c.size()
			dims = c.memberDims()
		case 2:
			m.Offset = c.size()
		default:
			m.Offset = c.int(offsetWidth(t.Size))
		}
		m.Type = c.parse(depth + 1)
		if c.err != nil {
			return
		}
		if len(dims) > 0 {
			m.Type = c.arrayOf(m.Type, dims)
		}
		t.Members = append(t.Members, m)
	}
	t.Members = slices.Clip(t.Members)
}

// memberDims reads the dimensions of a version 1 member. The permutation was never used by the library.
func (c *cursor) memberDims() []int {
	rank := c.int(1)
	c.take(3 + 4 + 4) // reserved, permutation, reserved
	var dims [4]int
	for i := range dims {
		dims[i] = int(c.uint(4) & math.MaxInt32) // unused ones may hold anything
	}
	if rank > len(dims) {
		c.fail(fault.DataLoss, "member with %d dimensions", rank)
		return nil
	}
	return slices.Clone(dims[:rank])
}

func (c *cursor) arrayOf(base *Type, dims []int) *Type {
	size, ok := product(base.Size, dims)
	if !ok {
		c.fail(fault.DataLoss, "array member %v of %d-byte elements has no valid size", dims, base.Size)
	}
	return &Type{Class: Array, Size: size, Dims: dims, Base: base}
}

// product is size times all dims; false if it exceeds MaxSize or is not positive.
func product(size int, dims []int) (int, bool) {
	n := int64(size)
	for _, d := range dims {
		if d <= 0 || int64(d) > MaxSize/n {
			return 0, false
		}
		n *= int64(d)
	}
	return int(n), true
}

// enum reads the base type, then all names, then all values.
func (c *cursor) enum(t *Type, version, n, depth int) {
	t.Base = c.parse(depth + 1)
	if !c.count(n) {
		return
	}
	for range n {
		t.Values = append(t.Values, EnumValue{Name: c.name(version)})
		if c.err != nil {
			return
		}
	}
	t.Values = slices.Clip(t.Values)
	for i := range t.Values {
		t.Values[i].Raw = slices.Clone(c.take(t.Base.Size))
	}
}

func (c *cursor) varLen(t *Type, flags uint32, depth int) {
	switch kind := flags & 15; kind {
	case 0:
	case 1:
		t.VarString = true
		t.text(flags >> 4)
	default:
		c.fail(fault.DataLoss, "variable-length kind %d is reserved", kind)
	}
	t.Base = c.parse(depth + 1)
}

// array reads the dimensions, before version 3 with reserved bytes and a permutation that was never used.
func (c *cursor) array(t *Type, version, depth int) {
	rank := c.int(1)
	if rank < 1 || rank > maxRank {
		c.fail(fault.DataLoss, "array of %d dimensions", rank)
		return
	}
	if version < 3 {
		c.take(3)
	}
	t.Dims = make([]int, rank)
	for i := range t.Dims {
		t.Dims[i] = c.size()
	}
	if version < 3 {
		c.take(4 * rank)
	}
	t.Base = c.parse(depth + 1)
}

// complex reads the type of the parts. Bit 0 says that both are equal, bits 1 and 2 are the form, 0 for rectangular.
func (c *cursor) complex(t *Type, flags uint32, depth int) {
	if flags > 7 {
		c.fail(fault.DataLoss, "complex type with reserved flags %#x", flags)
	}
	if flags != 1 {
		c.fail(fault.Unsupported, "complex type of unequal parts or another form than rectangular (flags %#x)", flags)
	}
	t.Base = c.parse(depth + 1)
}
