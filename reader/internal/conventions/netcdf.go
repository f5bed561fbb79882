package conventions

import (
	"encoding/json"
	"math"
	"path"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// maxMissing bounds the values of a dataset that stand for none.
const maxMissing = 64

// MissingValues are the numbers that the attributes _FillValue and missing_value name (NetCDF Users Guide, "Attribute
// Conventions"): int64, uint64 or float64.
func MissingValues(attrs meta.Attrs) (out []any, err error) {
	for _, name := range []string{"_FillValue", "missing_value"} {
		v, err := attrs.Value(name)
		if err != nil {
			return nil, fault.New(fault.DataLoss, "options.netcdf: %w", err)
		}
		for _, v := range valuesOf(v) {
			if n, ok := jsonNumber(v); ok {
				out = append(out, n)
			}
		}
		if len(out) > maxMissing {
			return nil, fault.New(fault.Unsupported, "options.netcdf: attribute %q: over %d values that stand for none", name, maxMissing)
		}
	}
	return out, nil
}

// valuesOf are the elements of a list, or what is none.
func valuesOf(v json.RawMessage) (list []json.RawMessage) {
	if json.Unmarshal(v, &list) == nil {
		return list
	}
	return []json.RawMessage{v}
}

// jsonNumber is a number as an attribute's value has it; floats that JSON has no form for are texts.
func jsonNumber(v json.RawMessage) (any, bool) {
	var signed int64
	var unsigned uint64
	var float float64
	var text string
	switch {
	case string(v) == "null":
		return nil, false
	case json.Unmarshal(v, &signed) == nil:
		return signed, true
	case json.Unmarshal(v, &unsigned) == nil:
		return unsigned, true
	case json.Unmarshal(v, &float) == nil:
		return float, true
	case json.Unmarshal(v, &text) == nil:
		f, ok := map[string]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)}[text]
		return f, ok
	}
	return nil, false
}

// Dimensions names the axes of a dataset by their dimension scales (HDF5 Dimension Scale Specification); "" is an axis without
// one, nil a dataset without any. name is the dataset's own, as which a scale of one axis knows it.
func Dimensions(attrs meta.Attrs, axes int, name string) []string {
	var lists [][]struct {
		Ref string `json:"ref"`
	}
	v, _ := attrs.Value("DIMENSION_LIST") // these names are only shown
	if json.Unmarshal(v, &lists) == nil && len(lists) == axes {
		out := make([]string, len(lists))
		for i, scales := range lists {
			if len(scales) > 0 && scales[0].Ref != "" {
				out[i] = path.Base(scales[0].Ref)
			}
		}
		return out
	}
	if class, _ := attrs.Text("CLASS"); class == "DIMENSION_SCALE" && axes == 1 {
		return []string{name}
	}
	return nil
}
