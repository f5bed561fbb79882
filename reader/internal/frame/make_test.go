package frame

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
)

// from makes an array of JSON, with one value before it that a slice hides, so that offsets count.
func from(t *testing.T, mem memory.Allocator, typ arrow.DataType, hidden, json string) arrow.Array {
	t.Helper()
	all := "[" + hidden + strings.TrimPrefix(json, "[")
	if json != "[]" {
		all = "[" + hidden + "," + strings.TrimPrefix(json, "[")
	}
	a, _, err := array.FromJSON(mem, typ, strings.NewReader(all))
	require.NoError(t, err)
	defer a.Release()
	return array.NewSlice(a, 1, int64(a.Len()))
}

func str(s string) *string { return &s }

func levels(t *testing.T, typ arrow.DataType, json string) *Levels {
	a, _, err := array.FromJSON(memory.DefaultAllocator, typ, strings.NewReader(json))
	require.NoError(t, err)
	return newLevels(a)
}

func TestMake(t *testing.T) {
	ints, i8, text, boolean := arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int8, arrow.BinaryTypes.String, arrow.FixedWidthTypes.Boolean
	none := "-9223372036854775808"
	pair := func(t arrow.DataType) arrow.DataType { return arrow.FixedSizeListOf(2, t) }
	complexes := arrow.StructOf(arrow.Field{Name: "r", Type: arrow.PrimitiveTypes.Float64}, arrow.Field{Name: "i", Type: arrow.PrimitiveTypes.Float64})
	for name, k := range map[string]struct {
		column     Column
		raw        arrow.DataType
		hidden, in string
		typ, out   string
	}{
		"plain":          {Column{Item: -1}, ints, "9", "[1,2]", "int64", `[1 2]`},
		"whole list":     {Column{Item: -1}, pair(ints), "[8,9]", "[[1,2]]", "fixed_size_list<item: int64, nullable>[2]", `[[1 2]]`},
		"item":           {Column{Item: 1}, pair(ints), "[8,9]", "[[1,2],[3,4]]", "int64", `[2 4]`},
		"item of one":    {Column{}, arrow.FixedSizeListOf(1, ints), "[9]", "[[1],[3]]", "int64", `[1 3]`},
		"item of none":   {Column{}, ints, "9", "[1,3]", "int64", `[1 3]`},
		"float item":     {Column{Item: 1}, pair(arrow.PrimitiveTypes.Float32), "[8,9]", "[[1,2],[3,4]]", "float32", `[2 4]`},
		"byte item":      {Column{Item: 1}, pair(i8), "[8,9]", "[[1,2],[3,4]]", "int8", `[2 4]`},
		"bool item":      {Column{Item: 1}, pair(boolean), "[true,false]", "[[false,true],[true,false],[false,true]]", "bool", `[true false true]`},
		"text item":      {Column{Item: 1, As: Text, Null: str("nan")}, pair(text), `["x","nan"]`, `[["a","bc"],["","nan"],["d","é"]]`, "utf8", `["bc" (null) "é"]`},
		"complex item":   {Column{Item: 1}, pair(complexes), `[{"r":9,"i":9},{"r":9,"i":9}]`, `[[{"r":1,"i":2},{"r":3,"i":4}]]`, "struct<r: float64, i: float64>", `{[3] [4]}`},
		"timestamp":      {Column{As: Timestamp, Unit: arrow.Second, Zone: "UTC"}, ints, none, "[0," + none + ",60]", "timestamp[s, tz=UTC]", `[0 (null) 60]`},
		"duration":       {Column{As: Duration, Unit: arrow.Microsecond, Item: 1}, pair(ints), "[8,9]", "[[1,2],[3," + none + "]]", "duration[us]", `[2 (null)]`},
		"date":           {Column{As: Date}, arrow.PrimitiveTypes.Int32, "0", "[719163,1,3652059]", "date32", `[0 -719162 2932896]`},
		"text":           {Column{As: Text, Null: str("")}, text, `""`, `["a","","b"]`, "utf8", `["a" (null) "b"]`},
		"no sentinel":    {Column{As: Text}, text, `""`, `["nan",""]`, "utf8", `["nan" ""]`},
		"categories":     {Column{As: Categories, Levels: levels(t, text, `["u","v"]`)}, i8, "7", "[1,-1,0]", "dictionary<values=utf8, indices=int8, ordered=false>", "{ dictionary: [\"u\" \"v\"]\n  indices: [1 (null) 0] }"},
		"null category":  {Column{As: Categories, Levels: levels(t, text, `["u",null,"v"]`), Ordered: true}, arrow.PrimitiveTypes.Int16, "7", "[1,2,-1,0]", "dictionary<values=utf8, indices=int16, ordered=true>", "{ dictionary: [\"u\" \"v\"]\n  indices: [(null) 1 (null) 0] }"},
		"coded":          {Column{As: Coded, Levels: levels(t, text, `["u","vw"]`)}, i8, "7", "[1,-1,0,1]", "utf8", `["vw" (null) "u" "vw"]`},
		"coded numbers":  {Column{As: Coded, Levels: levels(t, arrow.PrimitiveTypes.Float64, `[1.5,2.5]`)}, arrow.PrimitiveTypes.Uint8, "7", "[1,0]", "float64", `[2.5 1.5]`},
		"coded truth":    {Column{As: Coded, Levels: levels(t, boolean, `[false,true]`)}, i8, "7", "[1,0,-1]", "bool", `[true false (null)]`},
		"period":         {Column{As: Period, Freq: "M"}, ints, "7", "[1," + none + "]", "int64", `[1 (null)]`},
		"no rows":        {Column{As: Timestamp, Unit: arrow.Nanosecond, Type: ints}, arrow.PrimitiveTypes.Float64, "7", "[5]", "timestamp[ns]", `[]`},
		"no rows, plain": {Column{Type: text, Item: 3}, arrow.PrimitiveTypes.Float64, "7", "[5]", "utf8", `[]`},
		"no codes":       {Column{As: Categories, Levels: newLevels(emptyOf(nil))}, i8, "7", "[-1]", "dictionary<values=float64, indices=int8, ordered=false>", "{ dictionary: []\n  indices: [(null)] }"},
		"empty":          {Column{Item: 1}, pair(text), `["x","y"]`, "[]", "utf8", `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer mem.AssertSize(t, 0)
			raw := from(t, mem, k.raw, k.hidden, k.in)
			defer raw.Release()
			got, err := k.column.Make(mem, raw, nil)
			require.NoError(t, err)
			defer got.Release()
			require.Equal(t, k.typ, got.DataType().String())
			require.Equal(t, k.out, got.String())
			promised, err := k.column.TypeOf(k.raw)
			require.NoError(t, err)
			require.True(t, arrow.TypeEqual(promised, got.DataType()))
		})
	}
}

func TestMakeMasked(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	raw := from(t, mem, arrow.PrimitiveTypes.Int32, "9", "[1,2,3]")
	defer raw.Release()
	mask := from(t, mem, arrow.FixedWidthTypes.Boolean, "true", "[false,true,false]")
	defer mask.Release()
	got, err := Column{Masked: true}.Make(mem, raw, mask)
	require.NoError(t, err)
	defer got.Release()
	require.Equal(t, "[1 (null) 3]", got.String())
}

func TestMakeRefuses(t *testing.T) {
	ints, i8 := arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Int8
	for name, k := range map[string]struct {
		column Column
		raw    arrow.DataType
		in     string
		kind   error
	}{
		"code past the levels":    {Column{As: Categories, Levels: levels(t, ints, "[1]")}, i8, "[1]", fault.DataLoss},
		"code past the values":    {Column{As: Coded, Levels: levels(t, ints, "[1,null]")}, i8, "[2]", fault.DataLoss},
		"codes that are no codes": {Column{As: Categories, Levels: levels(t, ints, "[1]")}, arrow.PrimitiveTypes.Float64, "[1]", fault.Unsupported},
		"item past the block":     {Column{Item: 2}, arrow.FixedSizeListOf(2, ints), "[[1,2]]", fault.Unsupported},
		"item of no block":        {Column{Item: 1}, ints, "[1]", fault.Unsupported},
		"times of texts":          {Column{As: Timestamp}, arrow.BinaryTypes.String, `["a"]`, fault.Unsupported},
		"day before year 1":       {Column{As: Date}, ints, "[0]", fault.DataLoss},
		"lists of lists":          {Column{Item: 1}, arrow.FixedSizeListOf(2, arrow.ListOf(ints)), "[[[1],[2]]]", fault.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer mem.AssertSize(t, 0)
			raw, _, err := array.FromJSON(mem, k.raw, strings.NewReader(k.in))
			require.NoError(t, err)
			defer raw.Release()
			_, err = k.column.Make(mem, raw, nil)
			require.ErrorIs(t, err, k.kind)
		})
	}
}

// Values that no copy is needed for come in the buffers they lie in.
func TestMakeSharesBuffers(t *testing.T) {
	raw, _, err := array.FromJSON(memory.DefaultAllocator, arrow.FixedSizeListOf(1, arrow.PrimitiveTypes.Int64), strings.NewReader("[[1],[2]]"))
	require.NoError(t, err)
	got, err := Column{As: Timestamp, Unit: arrow.Second}.Make(nil, raw, nil)
	require.NoError(t, err)
	require.Same(t, raw.(*array.FixedSizeList).ListValues().Data().Buffers()[1], got.Data().Buffers()[1])
}
