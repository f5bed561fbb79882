package frame

import (
	"encoding/json"

	"github.com/apache/arrow/go/v15/arrow"
)

// The "pandas" metadata of a schema, as pyarrow documents it (docs: "Storing pandas Objects in Apache Arrow").
type (
	pandasMetadata struct {
		IndexColumns  []string       `json:"index_columns"`
		ColumnIndexes []pandasColumn `json:"column_indexes"`
		Columns       []pandasColumn `json:"columns"`
		Creator       struct {
			Library string `json:"library"`
			Version string `json:"version"`
		} `json:"creator"`
		PandasVersion string `json:"pandas_version"`
	}
	pandasColumn struct {
		Name      *string        `json:"name"`
		FieldName *string        `json:"field_name"`
		Pandas    string         `json:"pandas_type"`
		Numpy     string         `json:"numpy_type"`
		Metadata  map[string]any `json:"metadata"`
	}
)

// Metadata is the schema's "pandas" entry for these columns and their fields, so that to_pandas restores the frame.
func (f *Frame) Metadata(columns []Column, fields []arrow.Field) string {
	m := pandasMetadata{IndexColumns: []string{}, Columns: []pandasColumn{}, ColumnIndexes: f.columnIndexes()}
	m.Creator.Library, m.Creator.Version, m.PandasVersion = "mtflight", "1", "3.0.0"
	for i, c := range columns {
		p := c.pandas(fields[i].Type)
		p.FieldName = &fields[i].Name
		if !c.Label.None() {
			name := c.Label.Text()
			p.Name = &name
		}
		if c.Index {
			m.IndexColumns = append(m.IndexColumns, c.Name)
		}
		m.Columns = append(m.Columns, p)
	}
	b, _ := json.Marshal(m) // texts only
	return string(b)
}

// columnIndexes describes the labels of the columns, one entry a level.
func (f *Frame) columnIndexes() []pandasColumn {
	var labels []Label
	for _, c := range f.Columns {
		if !c.Index {
			labels = append(labels, c.Label)
		}
	}
	out := make([]pandasColumn, levelsOf(labels))
	for k := range out {
		out[k].Pandas, out[k].Numpy = labelTypes(labels, k)
		if len(labels) == 0 && (f.Labels == "int64" || f.Labels == "float64") {
			out[k].Pandas, out[k].Numpy = f.Labels, f.Labels
		}
		if out[k].Pandas == "unicode" {
			out[k].Metadata = map[string]any{"encoding": "UTF-8"}
		}
		if k < len(f.Names) && !f.Names[k].None() {
			name := f.Names[k].Text()
			out[k].Name, out[k].FieldName = &name, &name
		}
	}
	return out
}

func levelsOf(labels []Label) int {
	if len(labels) > 0 {
		if parts, ok := labels[0].Value.([]Label); ok {
			return len(parts)
		}
	}
	return 1
}

// labelTypes is the type of a level of the labels, if they have one in common.
func labelTypes(labels []Label, level int) (pandas, numpy string) {
	for _, l := range labels {
		if parts, ok := l.Value.([]Label); ok && level < len(parts) {
			l = parts[level]
		}
		t := l.pandasType()
		if pandas != "" && pandas != t {
			return "unicode", "object"
		}
		pandas = t
	}
	switch pandas {
	case "int64", "float64":
		return pandas, pandas
	case "datetime":
		return pandas, "datetime64[ns]"
	}
	return "unicode", "object"
}

func (l Label) pandasType() string {
	switch l.Value.(type) {
	case string:
		return "unicode"
	case int64:
		return "int64"
	case float64:
		return "float64"
	case bool:
		return "bool"
	case []Label:
		return "tuple"
	case nil:
		return "empty"
	}
	return "datetime"
}

// pandasOwn are pandas' dtypes with a mask, by Arrow type.
var pandasOwn = map[arrow.Type]string{
	arrow.INT8: "Int8", arrow.INT16: "Int16", arrow.INT32: "Int32", arrow.INT64: "Int64", arrow.UINT8: "UInt8",
	arrow.UINT16: "UInt16", arrow.UINT32: "UInt32", arrow.UINT64: "UInt64", arrow.FLOAT32: "Float32",
	arrow.FLOAT64: "Float64", arrow.BOOL: "boolean", arrow.STRING: "string",
}

// pandas is what a column of an Arrow type was in pandas.
func (c Column) pandas(t arrow.DataType) pandasColumn {
	name := t.Name()
	p := pandasColumn{Pandas: name, Numpy: name}
	switch t := t.(type) {
	case *arrow.StringType:
		p.Pandas, p.Numpy = "unicode", "object"
	case *arrow.BinaryType:
		p.Pandas, p.Numpy = "bytes", "object"
	case *arrow.TimestampType:
		p.Pandas, p.Numpy = "datetime", "datetime64["+t.Unit.String()+"]"
		if t.TimeZone != "" {
			p.Pandas, p.Metadata = "datetimetz", map[string]any{"timezone": t.TimeZone}
		}
	case *arrow.DurationType:
		p.Pandas, p.Numpy = "timedelta", "timedelta64["+t.Unit.String()+"]"
	case *arrow.Date32Type:
		p.Pandas, p.Numpy = "date", "object"
	case *arrow.DictionaryType:
		p.Pandas, p.Numpy = "categorical", t.IndexType.Name()
		p.Metadata = map[string]any{"num_categories": c.Levels.length(), "ordered": t.Ordered}
	case *arrow.FixedSizeListType, *arrow.ListType, *arrow.StructType, *arrow.FixedSizeBinaryType:
		p.Pandas, p.Numpy = "object", "object"
	case *arrow.Float32Type:
		p.Pandas, p.Numpy = "float32", "float32"
	case *arrow.Float64Type:
		p.Pandas, p.Numpy = "float64", "float64"
	case *arrow.Float16Type:
		p.Pandas, p.Numpy = "float16", "float16"
	}
	if c.As == Period {
		p.Pandas, p.Numpy = "object", "period["+c.Freq+"]"
	}
	if own := pandasOwn[t.ID()]; c.Masked && own != "" {
		p.Numpy = own
	}
	return p
}

func (l *Levels) length() int {
	if l == nil {
		return 0 // an enumeration's
	}
	return l.Values.Len()
}

// Field is the column's field over a raw one.
func (c Column) Field(raw arrow.Field) (arrow.Field, error) {
	t, err := c.TypeOf(raw.Type)
	if err != nil {
		return arrow.Field{}, err
	}
	f := arrow.Field{Name: c.Name, Type: t, Nullable: true}
	if c.As == Plain && arrow.TypeEqual(t, raw.Type) {
		f.Metadata = raw.Metadata
	} else if t.ID() == arrow.STRUCT {
		f.Metadata = arrow.NewMetadata([]string{"complex"}, []string{"true"})
	}
	if c.As == Period { // pandas registers the type
		freq, _ := json.Marshal(map[string]string{"freq": c.Freq})
		f.Metadata = arrow.NewMetadata([]string{"ARROW:extension:name", "ARROW:extension:metadata"}, []string{"pandas.period", string(freq)})
	}
	return f, nil
}
