package collection

import (
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
)

// unified is the type that holds all values of both exactly; false where there is none.
func unified(a, b arrow.DataType) (arrow.DataType, bool) {
	if arrow.TypeEqual(a, b) {
		return a, true
	}
	if arrow.IsInteger(a.ID()) && arrow.IsInteger(b.ID()) {
		return integers(a, b)
	}
	if numeric(a) && numeric(b) {
		return floats(a, b)
	}
	if a.ID() != b.ID() {
		return nil, false
	}
	switch a := a.(type) {
	case *arrow.TimestampType:
		b := b.(*arrow.TimestampType)
		return &arrow.TimestampType{Unit: max(a.Unit, b.Unit), TimeZone: a.TimeZone}, a.TimeZone == b.TimeZone
	case *arrow.DurationType:
		return &arrow.DurationType{Unit: max(a.Unit, b.(*arrow.DurationType).Unit)}, true
	case *arrow.DictionaryType:
		b := b.(*arrow.DictionaryType)
		return merged, texts(a) && texts(b)
	case *arrow.ListType:
		f, ok := unifiedField(a.ElemField(), b.(*arrow.ListType).ElemField())
		return arrow.ListOfField(f), ok
	case *arrow.FixedSizeListType:
		f, ok := unifiedField(a.ElemField(), b.(*arrow.FixedSizeListType).ElemField())
		return arrow.FixedSizeListOfField(a.Len(), f), ok && a.Len() == b.(*arrow.FixedSizeListType).Len()
	case *arrow.StructType:
		return structs(a, b.(*arrow.StructType))
	}
	return nil, false
}

// merged is the type of dictionaries that were made one.
var merged = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}

func texts(d *arrow.DictionaryType) bool { return d.ValueType.ID() == arrow.STRING && !d.Ordered }

func numeric(t arrow.DataType) bool { return arrow.IsInteger(t.ID()) || arrow.IsFloating(t.ID()) }

func width(t arrow.DataType) int { return t.(arrow.FixedWidthDataType).BitWidth() }

// integers gives the wider of two, or the signed one with room for the unsigned one.
func integers(a, b arrow.DataType) (arrow.DataType, bool) {
	if arrow.IsUnsignedInteger(a.ID()) == arrow.IsUnsignedInteger(b.ID()) {
		if width(b) > width(a) {
			return b, true
		}
		return a, true
	}
	if arrow.IsUnsignedInteger(b.ID()) {
		a, b = b, a
	}
	switch max(2*width(a), width(b)) {
	case 16:
		return arrow.PrimitiveTypes.Int16, true
	case 32:
		return arrow.PrimitiveTypes.Int32, true
	case 64:
		return arrow.PrimitiveTypes.Int64, true
	}
	return nil, false
}

// floats gives the wider of two, and float64 for integers of up to 32 bits beside them.
func floats(a, b arrow.DataType) (arrow.DataType, bool) {
	if arrow.IsInteger(a.ID()) || arrow.IsInteger(b.ID()) {
		whole := a
		if arrow.IsInteger(b.ID()) {
			whole = b
		}
		return arrow.PrimitiveTypes.Float64, width(whole) <= 32
	}
	if width(b) > width(a) {
		return b, true
	}
	return a, true
}

func structs(a, b *arrow.StructType) (arrow.DataType, bool) {
	if len(a.Fields()) != len(b.Fields()) {
		return nil, false
	}
	fields := slices.Clone(a.Fields())
	for i, f := range fields {
		var ok bool
		if fields[i], ok = unifiedField(f, b.Field(i)); !ok || f.Name != b.Field(i).Name {
			return nil, false
		}
	}
	return arrow.StructOf(fields...), true
}

// unifiedField is a field for the values of both, with the metadata of the first. What says how values are to be understood has to be the same.
func unifiedField(a, b arrow.Field) (arrow.Field, bool) {
	t, ok := unified(a.Type, b.Type)
	a.Type, a.Nullable = t, a.Nullable || b.Nullable
	return a, ok && meaning(a.Metadata) == meaning(b.Metadata)
}

// meaning is the part of a field's metadata without which its values say something else.
func meaning(m arrow.Metadata) string {
	var out []string
	for i, key := range m.Keys() {
		if strings.HasPrefix(key, "ARROW:") || key == "numpy.dtype" || key == "complex" {
			out = append(out, key+"="+m.Values()[i])
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\x00")
}
