package frame

import (
	"strings"
	"time"
	_ "time/tzdata" // the same zones on every machine

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// PlainFields are the fields of a column in types that every engine reads: a struct gives one a member, named a.b; lists
// keep structs inside.
func PlainFields(f arrow.Field) []arrow.Field {
	s, ok := f.Type.(*arrow.StructType)
	if !ok {
		f.Type, f.Metadata = plainType(f.Type), withoutExtension(f.Metadata)
		return []arrow.Field{f}
	}
	var out []arrow.Field
	for _, m := range s.Fields() {
		out = append(out, PlainFields(arrow.Field{Name: f.Name + "." + m.Name, Type: m.Type, Nullable: true, Metadata: f.Metadata})...)
	}
	return out
}

func withoutExtension(m arrow.Metadata) arrow.Metadata {
	var keys, values []string
	for i, k := range m.Keys() {
		if !strings.HasPrefix(k, "ARROW:extension:") {
			keys, values = append(keys, k), append(values, m.Values()[i])
		}
	}
	return arrow.NewMetadata(keys, values)
}

// Part is the column under the name of one of its PlainFields.
func (c Column) Part(name string) Column {
	if name != c.Name {
		c.Name, c.Label = name, Label{name}
	}
	return c
}

func plainType(t arrow.DataType) arrow.DataType {
	switch t := t.(type) {
	case *arrow.Float16Type:
		return arrow.PrimitiveTypes.Float32
	case *arrow.DictionaryType:
		return plainType(t.ValueType)
	case *arrow.FixedSizeListType:
		return plainList(t.ElemField())
	case *arrow.ListType:
		return plainList(t.ElemField())
	case *arrow.StructType:
		fields := t.Fields()
		for i := range fields {
			fields[i].Type = plainType(fields[i].Type)
		}
		return arrow.StructOf(fields...)
	case *arrow.TimestampType:
		return &arrow.TimestampType{Unit: t.Unit, TimeZone: plainZone(t.TimeZone)}
	}
	return t
}

func plainList(item arrow.Field) arrow.DataType {
	item.Type = plainType(item.Type)
	return arrow.ListOfField(item)
}

// plainZone is a zone that every engine knows: its name in the IANA data base. Others, such as offsets, become UTC, in
// which the values are anyway.
func plainZone(name string) string {
	if name == "" {
		return ""
	}
	area, _, _ := strings.Cut(name, "/")
	switch area {
	case "posix", "right", "SystemV", "Local", "Factory", "localtime", "posixrules":
		return "UTC"
	}
	if _, err := time.LoadLocation(name); err != nil || name[0] < 'A' || name[0] > 'Z' {
		return "UTC"
	}
	return name
}

// PlainArrays is a column's values for each of its PlainFields. They are the caller's to release.
func PlainArrays(mem memory.Allocator, a arrow.Array) ([]arrow.Array, error) {
	return plainArrays(mem, a.Data(), nil)
}

func plainArrays(mem memory.Allocator, data arrow.ArrayData, out []arrow.Array) ([]arrow.Array, error) {
	if data.DataType().ID() != arrow.STRUCT {
		made, err := plain(mem, data)
		if err != nil {
			return out, err
		}
		defer made.Release()
		return append(out, array.MakeFromData(made)), nil
	}
	for _, c := range data.Children() {
		member := array.NewSliceData(c, int64(data.Offset()), int64(data.Offset()+data.Len()))
		var err error
		out, err = plainArrays(mem, member, out)
		member.Release()
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// plain is data of its type's plainType.
func plain(mem memory.Allocator, data arrow.ArrayData) (arrow.ArrayData, error) {
	t := plainType(data.DataType())
	switch data.DataType().(type) {
	case *arrow.Float16Type:
		return wider(mem, data), nil
	case *arrow.DictionaryType:
		return named(mem, data)
	case *arrow.FixedSizeListType:
		return listed(mem, data, t)
	case *arrow.ListType, *arrow.StructType:
		return withPlainChildren(mem, data, t)
	}
	return typed(data, t), nil
}

// identity is every place of data.
func identity(data arrow.ArrayData) []int {
	at := make([]int, data.Len())
	for i := range at {
		at[i] = i
	}
	return at
}

// wider makes float32 of float16.
func wider(mem memory.Allocator, data arrow.ArrayData) arrow.ArrayData {
	n := data.Len()
	buf := newBuffer(mem, 4*n)
	defer buf.Release()
	out := arrow.Float32Traits.CastFromBytes(buf.Bytes())
	for i, v := range arrow.Float16Traits.CastFromBytes(values(data))[data.Offset() : data.Offset()+n] {
		out[i] = v.Float32()
	}
	valid := takeValid(mem, data, identity(data))
	if valid != nil {
		defer valid.Release()
	}
	return array.NewData(arrow.PrimitiveTypes.Float32, n, []*memory.Buffer{valid, buf}, nil, nulls(valid), 0)
}

// named is the values of a dictionary's indices.
func named(mem memory.Allocator, data arrow.ArrayData) (arrow.ArrayData, error) {
	d := array.NewDictionaryData(data)
	defer d.Release()
	at := make([]int, data.Len())
	for i := range at {
		if at[i] = -1; d.IsValid(i) {
			at[i] = d.GetValueIndex(i)
		}
	}
	chosen, err := take(mem, data.Dictionary(), at)
	if err != nil {
		return nil, err
	}
	defer chosen.Release()
	return plain(mem, chosen)
}

// listed makes lists of any length of those of one.
func listed(mem memory.Allocator, data arrow.ArrayData, t arrow.DataType) (arrow.ArrayData, error) {
	width := int(data.DataType().(*arrow.FixedSizeListType).Len())
	n, first := data.Len(), data.Offset()*width
	part := array.NewSliceData(data.Children()[0], int64(first), int64(first+n*width))
	defer part.Release()
	child, err := plain(mem, part)
	if err != nil {
		return nil, err
	}
	defer child.Release()
	offsets := newBuffer(mem, 4*(n+1))
	defer offsets.Release()
	for i, out := 0, arrow.Int32Traits.CastFromBytes(offsets.Bytes()); i <= n; i++ {
		out[i] = int32(i * width)
	}
	valid := takeValid(mem, data, identity(data))
	if valid != nil {
		defer valid.Release()
	}
	return array.NewData(t, n, []*memory.Buffer{valid, offsets}, []arrow.ArrayData{child}, nulls(valid), 0), nil
}

// withPlainChildren keeps lists of any length and structs as they are.
func withPlainChildren(mem memory.Allocator, data arrow.ArrayData, t arrow.DataType) (arrow.ArrayData, error) {
	children := make([]arrow.ArrayData, 0, len(data.Children()))
	defer func() { release(nil, children) }()
	for _, c := range data.Children() {
		made, err := plain(mem, c)
		if err != nil {
			return nil, err
		}
		children = append(children, made)
	}
	return array.NewData(t, data.Len(), data.Buffers(), children, nulls(data.Buffers()[0]), data.Offset()), nil
}
