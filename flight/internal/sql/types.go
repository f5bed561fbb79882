package sql

import (
	"encoding/json"
	"strings"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/flight/flightsql/schema_ref"
	pb "github.com/apache/arrow/go/v15/arrow/flight/gen/flight"
	"github.com/apache/arrow/go/v15/arrow/memory"
)

// typeName is what SQL calls a type; options.plain leaves these.
func typeName(t arrow.DataType) string {
	switch t := t.(type) {
	case *arrow.ListType:
		return typeName(t.Elem()) + "[]"
	case *arrow.TimestampType:
		return timestampName(t)
	}
	if name, ok := typeNames[t.ID()]; ok {
		return name
	}
	return strings.ToUpper(t.String())
}

var typeNames = map[arrow.Type]string{
	arrow.BOOL: "BOOLEAN", arrow.INT8: "TINYINT", arrow.INT16: "SMALLINT", arrow.INT32: "INTEGER", arrow.INT64: "BIGINT",
	arrow.UINT8: "UTINYINT", arrow.UINT16: "USMALLINT", arrow.UINT32: "UINTEGER", arrow.UINT64: "UBIGINT",
	arrow.FLOAT32: "FLOAT", arrow.FLOAT64: "DOUBLE", arrow.STRING: "VARCHAR", arrow.LARGE_STRING: "VARCHAR",
	arrow.BINARY: "BLOB", arrow.LARGE_BINARY: "BLOB", arrow.FIXED_SIZE_BINARY: "BLOB", arrow.DATE32: "DATE", arrow.DURATION: "INTERVAL",
}

func timestampName(t *arrow.TimestampType) string {
	if t.TimeZone != "" {
		return "TIMESTAMP WITH TIME ZONE"
	}
	return map[arrow.TimeUnit]string{arrow.Second: "TIMESTAMP_S", arrow.Millisecond: "TIMESTAMP_MS", arrow.Microsecond: "TIMESTAMP", arrow.Nanosecond: "TIMESTAMP_NS"}[t.Unit]
}

// xdbc is a type as ODBC and JDBC number them.
type xdbc struct {
	Name      string  `json:"type_name"`
	Type      int     `json:"data_type"`
	Size      int     `json:"column_size"`
	Prefix    *string `json:"literal_prefix"`
	Suffix    *string `json:"literal_suffix"`
	Nullable  int     `json:"nullable"`
	Case      bool    `json:"case_sensitive"`
	Search    int     `json:"searchable"`
	Unsigned  bool    `json:"unsigned_attribute"`
	Fixed     bool    `json:"fixed_prec_scale"`
	Increment bool    `json:"auto_increment"`
	Local     string  `json:"local_type_name"`
	SQLType   int     `json:"sql_data_type"`
	Radix     *int    `json:"num_prec_radix"`
}

var types = []xdbc{
	{Name: "BOOLEAN", Type: -7, Size: 1}, {Name: "TINYINT", Type: -6, Size: 3}, {Name: "BIGINT", Type: -5, Size: 19}, {Name: "BLOB", Type: -4, Size: 1 << 30},
	{Name: "INTEGER", Type: 4, Size: 10}, {Name: "SMALLINT", Type: 5, Size: 5}, {Name: "FLOAT", Type: 7, Size: 7}, {Name: "DOUBLE", Type: 8, Size: 15},
	{Name: "VARCHAR", Type: 12, Size: 1 << 30}, {Name: "DATE", Type: 91, Size: 10}, {Name: "TIMESTAMP", Type: 93, Size: 29},
	{Name: "UTINYINT", Type: 5, Size: 3, Unsigned: true}, {Name: "USMALLINT", Type: 4, Size: 5, Unsigned: true},
	{Name: "UINTEGER", Type: -5, Size: 10, Unsigned: true}, {Name: "UBIGINT", Type: 3, Size: 20, Unsigned: true},
}

const (
	nullable   = 1
	searchable = 3
)

// typeInfo are the types of columns, those of one number where it is asked for.
func typeInfo(c *pb.CommandGetXdbcTypeInfo) records {
	quote, ten, out := "'", 10, []xdbc{}
	for _, t := range types {
		if c.DataType != nil && int(*c.DataType) != t.Type {
			continue
		}
		t.Nullable, t.Search, t.Local, t.SQLType = nullable, searchable, t.Name, t.Type
		switch t.Name {
		case "VARCHAR", "BLOB", "DATE", "TIMESTAMP":
			t.Prefix, t.Suffix, t.Case = &quote, &quote, t.Name == "VARCHAR"
		case "BOOLEAN":
		default:
			t.Radix = &ten
		}
		out = append(out, t)
	}
	text, _ := json.Marshal(out) // texts and numbers
	return fixed(schema_ref.XdbcTypeInfo, string(text))
}

func fromJSON(schema *arrow.Schema, text string) (arrow.Record, error) {
	r, _, err := array.RecordFromJSON(memory.NewGoAllocator(), schema, strings.NewReader(text))
	return r, err
}
