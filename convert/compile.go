package convert

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/mtflight/mtflight/convert/h5type"
)

// node is a compiled type: what it becomes, and how its values are finished from a store's buffers.
type node struct {
	typ  arrow.DataType
	dims []int // of a tensor, which is a mark on the field

	// finish makes n values of the buffers it owns in the store. Errors are *valueError.
	finish func(f *finisher, s *store, n int) (arrow.ArrayData, error)
}

// compiler turns types into a plan and nodes.
type compiler struct {
	opts       Options
	pytables   bool
	numpyText  bool // null-terminated strings are NumPy's
	offsetSize int
	missing    []any // numbers that become null
	plan       *plan
}

// compile adds the type at a position to the plan.
func (c *compiler) compile(t *h5type.Type, at position) (*node, error) {
	switch t.Class {
	case h5type.Integer:
		return c.integer(t, at)
	case h5type.Float:
		return c.float(t, at)
	case h5type.Bitfield:
		return c.bitfield(t, at)
	case h5type.Enum:
		return c.enum(t, at)
	case h5type.Time:
		return c.time(t, at)
	case h5type.String:
		return c.fixedString(t, at)
	case h5type.Opaque:
		return c.opaque(t, at)
	case h5type.Compound:
		return c.compound(t, at)
	case h5type.Complex:
		return c.complex(t, at)
	case h5type.Reference:
		return c.reference(t, at)
	case h5type.Array:
		return c.array(t, nil, at)
	case h5type.VarLen:
		return c.varLen(t, at)
	}
	return nil, unsupported("datatype class %d", t.Class)
}

// numbers is a node whose values are a buffer as it is.
func (c *compiler) numbers(typ arrow.DataType, v value, at position) *node {
	buf := c.plan.column(at, v)
	missing := c.missing
	if missing != nil {
		c.plan.spend(at, 1)
	}
	return &node{typ: typ, finish: func(f *finisher, s *store, n int) (arrow.ArrayData, error) {
		if missing != nil {
			return nullable(f.mem, typ, n, s.take(buf), missing), nil
		}
		return flat(typ, n, s.take(buf)), nil
	}}
}

// flat is data of one buffer without nulls, which it takes over.
func flat(typ arrow.DataType, n int, values *buffer) arrow.ArrayData {
	defer values.Release()
	return array.NewData(typ, n, []*buffer{nil, values}, nil, 0, 0)
}

func (c *compiler) integer(t *h5type.Type, at position) (*node, error) {
	v, err := integer(t)
	if err != nil {
		return nil, err
	}
	return c.numbers(intType(t, v.out), v, at), nil
}

func (c *compiler) float(t *h5type.Type, at position) (*node, error) {
	of := float
	if c.opts.Plain {
		of = floatOf16
	}
	v, err := of(t)
	if err != nil {
		return nil, err
	}
	return c.numbers(floatTypes[v.out], v, at), nil
}

// bitfield is unsigned; of 8 bits it is a truth value where PyTables wrote it.
func (c *compiler) bitfield(t *h5type.Type, at position) (*node, error) {
	if t.Size == 1 && c.pytables {
		return c.boolean(t, at), nil
	}
	return c.integer(t, at)
}
