package convert

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/mtflight/mtflight/convert/h5type"
)

// compound becomes a struct; a complex number's parts are r and i, whatever the file calls them.
func (c *compiler) compound(t *h5type.Type, at position) (*node, error) {
	children := make([]*node, len(t.Members))
	fields := make([]arrow.Field, len(t.Members))
	for i, m := range parts(t) {
		child, err := c.compile(m.Type, at.member(m.Offset, 0))
		if err != nil {
			return nil, err
		}
		children[i], fields[i] = child, field(m.Name, child, nil)
	}
	return structOf(arrow.StructOf(fields...), children), nil
}

// parts are the members under the names that Arrow sees. A complex type is the compound that it converts to.
func parts(t *h5type.Type) []h5type.Member {
	if t.Class == h5type.Complex {
		return []h5type.Member{{Name: "r", Type: t.Base}, {Name: "i", Offset: t.Base.Size, Type: t.Base}}
	}
	out := make([]h5type.Member, len(t.Members))
	for i, m := range t.Members {
		out[i] = h5type.Member{Name: m.Name, Offset: m.Offset, Type: m.Type}
	}
	if t.IsComplexPair() {
		out[0].Name, out[1].Name = "r", "i"
	}
	return out
}

func (c *compiler) complex(t *h5type.Type, at position) (*node, error) {
	if t.Base.Order == h5type.VAX {
		return nil, unsupported("complex numbers of VAX floats")
	}
	pair := &h5type.Type{Class: h5type.Compound, Size: t.Size, Members: parts(t)}
	return c.compound(pair, at)
}

func structOf(typ arrow.DataType, children []*node) *node {
	return &node{typ: typ, finish: func(f *finisher, s *store, n int) (arrow.ArrayData, error) {
		data := make([]arrow.ArrayData, 0, len(children))
		defer func() {
			for _, d := range data {
				d.Release()
			}
		}()
		for _, c := range children {
			d, err := c.finish(f, s, n)
			if err != nil {
				return nil, err
			}
			data = append(data, d)
		}
		return array.NewData(typ, n, []*buffer{nil}, data, 0, 0), nil
	}}
}
