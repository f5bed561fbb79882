package parquet

import (
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/apache/arrow/go/v15/arrow"

	"github.com/mtflight/mtflight/internal/fault"
)

// unnumbered is the id of a field that has none.
const unnumbered = -1

// rootOf is the Parquet schema of an Arrow one.
func rootOf(s *arrow.Schema) (*schema.GroupNode, error) {
	fields, err := nodesOf(s.Fields())
	if err != nil {
		return nil, err
	}
	return schema.NewGroupNode("schema", parquet.Repetitions.Required, fields, unnumbered)
}

func nodesOf(fields []arrow.Field) (schema.FieldList, error) {
	nodes := make(schema.FieldList, len(fields))
	for i, f := range fields {
		var err error
		if nodes[i], err = nodeOf(f.Name, f); err != nil {
			return nil, err
		}
	}
	return nodes, nil
}

func repetition(nullable bool) parquet.Repetition {
	if nullable {
		return parquet.Repetitions.Optional
	}
	return parquet.Repetitions.Required
}

func nodeOf(name string, f arrow.Field) (schema.Node, error) {
	switch t := f.Type.(type) {
	case *arrow.StructType:
		if len(t.Fields()) == 0 {
			return nil, unsupported(f)
		}
		fields, err := nodesOf(t.Fields())
		if err != nil {
			return nil, err
		}
		return schema.NewGroupNode(name, repetition(f.Nullable), fields, unnumbered)
	case arrow.ListLikeType:
		if f.Type.ID() == arrow.MAP {
			return nil, unsupported(f)
		}
		element, err := nodeOf("element", t.ElemField())
		if err != nil {
			return nil, err
		}
		return schema.ListOfWithName(name, element, repetition(f.Nullable), unnumbered)
	}
	return leafOf(name, f)
}

func leafOf(name string, f arrow.Field) (schema.Node, error) {
	physical, logical, width, err := typeOf(f)
	if err != nil {
		return nil, err
	}
	return schema.NewPrimitiveNodeLogical(name, repetition(f.Nullable || f.Type.ID() == arrow.NULL), logical, physical, width, unnumbered)
}

var plain = schema.NoLogicalType{}

var integers = map[arrow.Type]schema.LogicalType{
	arrow.INT8: schema.NewIntLogicalType(8, true), arrow.UINT8: schema.NewIntLogicalType(8, false),
	arrow.INT16: schema.NewIntLogicalType(16, true), arrow.UINT16: schema.NewIntLogicalType(16, false),
	arrow.INT32: plain, arrow.UINT32: schema.NewIntLogicalType(32, false),
	arrow.DATE32: schema.DateLogicalType{}, arrow.NULL: schema.NullLogicalType{},
}

// typeOf is the Parquet type of a value that has no parts; width is that of a fixed_len_byte_array.
func typeOf(f arrow.Field) (physical parquet.Type, logical schema.LogicalType, width int, err error) {
	if logical, ok := integers[f.Type.ID()]; ok {
		return parquet.Types.Int32, logical, -1, nil
	}
	switch t := f.Type.(type) {
	case *arrow.BooleanType:
		return parquet.Types.Boolean, plain, -1, nil
	case *arrow.Int64Type, *arrow.DurationType: // a duration is what the Arrow schema says of the integers
		return parquet.Types.Int64, plain, -1, nil
	case *arrow.Uint64Type:
		return parquet.Types.Int64, schema.NewIntLogicalType(64, false), -1, nil
	case *arrow.Float16Type:
		return parquet.Types.FixedLenByteArray, schema.Float16LogicalType{}, arrow.Float16SizeBytes, nil
	case *arrow.Float32Type:
		return parquet.Types.Float, plain, -1, nil
	case *arrow.Float64Type:
		return parquet.Types.Double, plain, -1, nil
	case *arrow.StringType, *arrow.LargeStringType:
		return parquet.Types.ByteArray, schema.StringLogicalType{}, -1, nil
	case *arrow.BinaryType, *arrow.LargeBinaryType:
		return parquet.Types.ByteArray, plain, -1, nil
	case *arrow.FixedSizeBinaryType:
		if t.ByteWidth > 0 {
			return parquet.Types.FixedLenByteArray, plain, t.ByteWidth, nil
		}
	case *arrow.TimestampType:
		return parquet.Types.Int64, timestampOf(t), -1, nil
	case *arrow.DictionaryType:
		return typeOf(arrow.Field{Name: f.Name, Type: t.ValueType})
	}
	return 0, nil, 0, unsupported(f)
}

// timestampOf says that a time with a zone is an instant, one without the hands of a clock. Parquet has no seconds.
func timestampOf(t *arrow.TimestampType) schema.LogicalType {
	unit := map[arrow.TimeUnit]schema.TimeUnitType{arrow.Second: schema.TimeUnitMillis, arrow.Millisecond: schema.TimeUnitMillis,
		arrow.Microsecond: schema.TimeUnitMicros, arrow.Nanosecond: schema.TimeUnitNanos}[t.Unit]
	return schema.NewTimestampLogicalTypeForce(t.TimeZone != "", unit)
}

func unsupported(f arrow.Field) error {
	return fault.New(fault.Unsupported, "parquet: column %q: Parquet has no type for %s: choose other columns by --fields, or write .arrow", f.Name, f.Type)
}
