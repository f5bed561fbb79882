package cells

import (
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
)

func TestCells(t *testing.T) {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	all, short := Whole, Style{Digits: 3, Most: 2}
	pair := arrow.StructOf(arrow.Field{Name: "n", Type: arrow.PrimitiveTypes.Int8, Nullable: true},
		arrow.Field{Name: "s", Type: arrow.BinaryTypes.String})
	for _, c := range []struct {
		typ               arrow.DataType
		json, full, brief string
	}{
		{arrow.PrimitiveTypes.Float64, `0.123456`, "0.123456", "0.123"},
		{arrow.PrimitiveTypes.Int32, `null`, "", ""},
		{arrow.BinaryTypes.String, `"a b"`, "a b", "a b"},
		{arrow.ListOf(arrow.PrimitiveTypes.Float64), `["NaN", 1.5, null]`, "[NaN,1.5,null]", "[NaN,1.5,…]"},
		{arrow.FixedSizeListOf(2, pair), `[{"n": 1, "s": "x\""}, {"n": null, "s": ""}]`,
			`[{"n":1,"s":"x\""},{"n":null,"s":""}]`, `[{"n":1,"s":"x\""},{"n":null,"s":""}]`},
	} {
		a, _, err := array.FromJSON(mem, c.typ, strings.NewReader("["+c.json+"]"))
		require.NoError(t, err)
		require.Equal(t, c.full, all.Text(a, 0))
		require.Equal(t, c.brief, short.Text(a, 0))
		a.Release()
	}
}
