package frame

import (
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
)

func TestPlain(t *testing.T) {
	half, ints := arrow.FixedWidthTypes.Float16, arrow.PrimitiveTypes.Int64
	pair := arrow.StructOf(arrow.Field{Name: "r", Type: half, Nullable: true}, arrow.Field{Name: "i", Type: half, Nullable: true})
	deep := arrow.StructOf(arrow.Field{Name: "n", Type: ints, Nullable: true}, arrow.Field{Name: "z", Type: pair, Nullable: true})
	for name, k := range map[string]struct {
		typ        arrow.DataType
		hidden, in string
		names      []string
		types, out []string
	}{
		"half":        {half, "9", "[1.5,null,2]", []string{"c"}, []string{"float32"}, []string{"[1.5,null,2]"}},
		"list":        {arrow.FixedSizeListOf(2, half), "[8,9]", "[[1,2],null,[3,null]]", []string{"c"}, []string{"list<item: float32, nullable>"}, []string{"[[1,2],null,[3,null]]"}},
		"lists":       {arrow.FixedSizeListOf(1, arrow.FixedSizeListOf(2, ints)), "[[8,9]]", "[[[1,2]],[[3,4]]]", []string{"c"}, []string{"list<item: list<item: int64, nullable>, nullable>"}, []string{"[[[1,2]],[[3,4]]]"}},
		"sequences":   {arrow.ListOf(half), "[8]", "[[1,2],[],[3]]", []string{"c"}, []string{"list<item: float32, nullable>"}, []string{"[[1,2],[],[3]]"}},
		"struct":      {deep, `{"n":9,"z":{"r":9,"i":9}}`, `[{"n":1,"z":{"r":2,"i":3}}]`, []string{"c.n", "c.z.r", "c.z.i"}, []string{"int64", "float32", "float32"}, []string{"[1]", "[2]", "[3]"}},
		"struct list": {arrow.FixedSizeListOf(1, pair), `[{"r":9,"i":9}]`, `[[{"r":2,"i":3}]]`, []string{"c"}, []string{"list<item: struct<r: float32, i: float32>, nullable>"}, []string{`[[{"r":2,"i":3}]]`}},
		"names":       {&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}, `"x"`, `["a",null,"b"]`, []string{"c"}, []string{"utf8"}, []string{`["a",null,"b"]`}},
		"zone":        {&arrow.TimestampType{Unit: arrow.Second, TimeZone: "-05:30"}, "0", "[0,null]", []string{"c"}, []string{"timestamp[s, tz=UTC]"}, []string{`["1970-01-01 00:00:00",null]`}},
		"as it is":    {ints, "9", "[1,null]", []string{"c"}, []string{"int64"}, []string{"[1,null]"}},
		"no rows":     {arrow.FixedSizeListOf(2, half), "[8,9]", "[]", []string{"c"}, []string{"list<item: float32, nullable>"}, []string{"[]"}},
	} {
		t.Run(name, func(t *testing.T) {
			mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
			defer mem.AssertSize(t, 0)
			raw := from(t, mem, k.typ, k.hidden, k.in)
			defer raw.Release()
			fields := PlainFields(arrow.Field{Name: "c", Type: k.typ})
			got, err := PlainArrays(mem, raw)
			require.NoError(t, err)
			require.Len(t, got, len(k.names))
			require.Len(t, fields, len(k.names))
			for i, a := range got {
				require.Equal(t, k.names[i], fields[i].Name)
				require.Equal(t, k.types[i], a.DataType().String())
				require.True(t, arrow.TypeEqual(fields[i].Type, a.DataType()))
				told, err := a.MarshalJSON() // String doesn't take a struct that has a bitmap where its members have none
				require.NoError(t, err)
				require.JSONEq(t, k.out[i], string(told))
				a.Release()
			}
		})
	}
}

func TestPlainZones(t *testing.T) {
	for zone, want := range map[string]string{
		"": "", "UTC": "UTC", "Europe/Berlin": "Europe/Berlin", "US/Pacific": "US/Pacific", "EST": "EST", "Etc/GMT+5": "Etc/GMT+5",
		"+01:00": "UTC", "-05:30": "UTC", "UTC+1": "UTC", "utc": "UTC", "europe/berlin": "UTC", "Foo/Bar": "UTC", "posix/UTC": "UTC",
		"Local": "UTC", "Factory": "UTC", "../UTC": "UTC", "right/Europe/Berlin": "UTC",
	} {
		require.Equal(t, want, plainZone(zone), zone)
	}
}
