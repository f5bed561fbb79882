package convert

import (
	"github.com/apache/arrow/go/v15/arrow"
	"github.com/mtflight/mtflight/convert/h5type"
)

// field is a node under a name; keys of meta come before those that its type needs.
func field(name string, n *node, meta [][2]string) arrow.Field {
	var keys, values []string
	for _, kv := range meta {
		keys, values = append(keys, kv[0]), append(values, kv[1])
	}
	if n.dims != nil {
		k, v := tensorMetadata(n.dims)
		keys, values = append(keys, k...), append(values, v...)
	}
	f := arrow.Field{Name: name, Type: n.typ, Nullable: true}
	if len(keys) > 0 {
		f.Metadata = arrow.NewMetadata(keys, values)
	}
	return f
}

// shortName is what hdf5.type says.
func shortName(t *h5type.Type, inner []int) string {
	switch {
	case len(inner) > 0:
		return "array"
	case t.IsComplexPair():
		return "complex"
	case t.Class == h5type.VarLen && t.VarString:
		return "string"
	}
	return [...]string{"integer", "float", "time", "string", "bitfield", "opaque", "compound", "reference", "enum",
		"vlen", "array", "complex"}[t.Class]
}

// columnMetadata describes a column's type: hdf5.type, complex, lossy.
func columnMetadata(t *h5type.Type, inner []int) [][2]string {
	meta := [][2]string{{"hdf5.type", shortName(t, inner)}}
	for t.Class == h5type.Array {
		t = t.Base
	}
	number := t
	if isPair(t) {
		meta = append(meta, [2]string{"complex", "true"})
		number = parts(t)[0].Type
	}
	if number.Class == h5type.Float && isLossy(number) {
		meta = append(meta, [2]string{"lossy", "true"})
	}
	return meta
}
