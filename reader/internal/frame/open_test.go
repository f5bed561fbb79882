package frame

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader/internal/meta"
)

// source gives arrays by "path" or "path member".
type source map[string]arrow.Array

func (s source) Values(path, member string) (arrow.Array, error) {
	if a, ok := s[strings.TrimSuffix(path+" "+member, " ")]; ok {
		return a, nil
	}
	return nil, fault.New(fault.Unsupported, "no %s %s", path, member)
}

func (s source) Type(path, member string) (arrow.DataType, error) {
	a, err := s.Values(path, member)
	if err != nil {
		return nil, err
	}
	return a.DataType(), nil
}

func (s source) Unpickled(path string, use func(any) error) error {
	a, err := s.Values(path, "")
	if err != nil {
		return err
	}
	v, err := Unpickle(a.(*array.Binary).Value(0))
	if err != nil {
		return err
	}
	return use(v)
}

func binaryOf(b []byte) arrow.Array {
	out := array.NewBinaryBuilder(memory.DefaultAllocator, arrow.BinaryTypes.Binary)
	out.Append(b)
	return out.NewArray()
}

func (s source) Keep(path string, codes []int32) {
	b := array.NewInt32Builder(memory.DefaultAllocator)
	b.AppendValues(codes, nil)
	s[path] = b.NewArray()
}

func arr(typ arrow.DataType, values string) arrow.Array {
	a, _, err := array.FromJSON(memory.DefaultAllocator, typ, strings.NewReader(values))
	if err != nil {
		panic(err)
	}
	return a
}

// tree are the nodes of a file.
type tree struct {
	groups   map[string]*meta.Group
	datasets map[string]*meta.Dataset
}

func (n tree) Group(path string) (*meta.Group, error)     { return n.groups[path], nil }
func (n tree) Dataset(path string) (*meta.Dataset, error) { return n.datasets[path], nil }

func nodes(f *meta.File) tree {
	n := tree{map[string]*meta.Group{}, map[string]*meta.Dataset{}}
	for i, g := range f.Groups {
		n.groups[g.Path] = &f.Groups[i]
	}
	for i, d := range f.Datasets {
		n.datasets[d.Path] = &f.Datasets[i]
	}
	return n
}

// over are attributes of which the first of a name hides the others.
func over(first, rest meta.Attrs) (out meta.Attrs) {
	for _, a := range slices.Concat(first.All, rest.All) {
		if !slices.ContainsFunc(out.All, func(b meta.Attr) bool { return a.Name == b.Name }) {
			out.All = append(out.All, a)
		}
	}
	slices.SortFunc(out.All, func(a, b meta.Attr) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

func attrs(kv ...string) meta.Attrs {
	var out meta.Attrs
	for i := 0; i < len(kv); i += 2 {
		b, _ := json.Marshal(kv[i+1])
		if strings.HasPrefix(kv[i+1], "#") {
			b = []byte(kv[i+1][1:])
		}
		out.All = append(out.All, meta.Attr{Name: kv[i], Value: b})
	}
	return over(out, meta.Attrs{})
}

// oneTable is a frame in format "table" with an index, a block of two columns and a data column.
func oneTable(group, table meta.Attrs) (tree, source) {
	base := attrs("pandas_type", "frame_table", "table_type", "appendable_frame", "index_cols", "(lp0\n(I0\nVindex\np1\ntp2\na.",
		"values_cols", "(lp0\nVvalues_block_0\np1\naVs\np2\na.", "non_index_axes", "(lp0\n(I1\n(lp1\nVs\np2\naVa\np3\naVb\np4\natp11\na.",
		"levels", "#1", "nan_rep", "N.", "data_col_nan_rep", "#1")
	columns := attrs("index_kind", "integer", "values_block_0_kind", "(lp0\nVa\naVb\na.", "values_block_0_dtype", "float64",
		"s_kind", "(lp0\nVs\na.", "s_dtype", "bytes40", "s_nan_rep", "nan")
	f64 := arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Float64)
	return nodes(&meta.File{
			Groups:   []meta.Group{{Path: "/df", Attrs: over(group, base)}},
			Datasets: []meta.Dataset{{Path: "/df/table", Shape: []uint64{2}, Attrs: over(table, columns)}},
		}), source{"/df/table index": arr(arrow.PrimitiveTypes.Int64, "[1,2]"), "/df/table s": arr(arrow.BinaryTypes.String, `["x","nan"]`),
			"/df/table values_block_0": arr(f64, "[[1,2],[3,4]]")}
}

func openTable(t *testing.T, group, table meta.Attrs) (*Frame, error) {
	t.Helper()
	n, s := oneTable(group, table)
	return Open(n, "/df", s)
}

func names(f *Frame) (out []string) {
	for _, c := range f.Columns {
		out = append(out, c.Name)
	}
	return out
}

func TestOpenTable(t *testing.T) {
	f, err := openTable(t, meta.Attrs{}, meta.Attrs{})
	require.NoError(t, err)
	require.Equal(t, "pandas table", f.Format)
	require.Equal(t, []string{"s", "a", "b", "__index_level_0__"}, names(f))
	require.Equal(t, "nan", *f.Columns[0].Null)
	require.Equal(t, 1, f.Columns[2].Item)
	require.True(t, f.Columns[3].Index)
	require.JSONEq(t, `{"index_columns": ["__index_level_0__"], "pandas_version": "3.0.0", "creator": {"library": "mtflight", "version": "1"},
		"column_indexes": [{"name": null, "field_name": null, "pandas_type": "unicode", "numpy_type": "object", "metadata": {"encoding": "UTF-8"}}],
		"columns": [{"name": "b", "field_name": "b", "pandas_type": "float64", "numpy_type": "float64", "metadata": null},
			{"name": null, "field_name": "__index_level_0__", "pandas_type": "int64", "numpy_type": "int64", "metadata": null}]}`,
		f.Metadata(f.Columns[2:], []arrow.Field{{Name: "b", Type: arrow.PrimitiveTypes.Float64}, {Name: "__index_level_0__", Type: arrow.PrimitiveTypes.Int64}}))
}

// Attributes given first hide those of oneTable.
func TestOpenTableOtherwise(t *testing.T) {
	for name, k := range map[string]struct {
		group, table meta.Attrs
		want         []string // names
	}{
		"labels that need calls": {meta.Attrs{}, attrs("values_block_0_kind", "(lp0\ncos\nsystem\na."), []string{"values_block_0_0", "values_block_0_1", "s", "__index_level_0__"}},
		"no order":               {attrs("non_index_axes", "N."), meta.Attrs{}, []string{"a", "b", "s", "__index_level_0__"}},
		"another order's labels": {attrs("non_index_axes", "(lp0\n(I1\n(lp1\nVq\natp11\na."), meta.Attrs{}, []string{"a", "b", "s", "__index_level_0__"}},
		"index name":             {attrs("info", "(dp0\nVindex\n(dp1\nVindex_name\nVkey\nss."), meta.Attrs{}, []string{"s", "a", "b", "key"}},
		"index name of a column": {attrs("info", "(dp0\nVindex\n(dp1\nVindex_name\nVa\nss."), meta.Attrs{}, []string{"s", "a", "b", "__index_level_0__"}},
		"level":                  {attrs("levels", "(lp0\nVs\na."), meta.Attrs{}, []string{"a", "b", "s"}},
		"unnamed level":          {attrs("table_type", "appendable_multiframe", "levels", "(lp0\nVlevel_0\na.", "values_cols", "(lp0\nVlevel_0\na."), attrs("level_0_kind", "(lp0\nVlevel_0\na."), []string{"__index_level_0__"}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := openTable(t, k.group, k.table)
			require.NoError(t, err)
			require.Equal(t, k.want, names(f))
		})
	}
}

func TestOpenTableRefuses(t *testing.T) {
	for name, k := range map[string]struct {
		group, table meta.Attrs
		says         string
	}{
		"panel":                {attrs("table_type", "appendable_panel"), meta.Attrs{}, "appendable_panel"},
		"by columns":           {attrs("index_cols", "(lp0\n(I1\nVindex\np1\ntp2\na."), meta.Attrs{}, "by columns"},
		"cyclic index_cols":    {attrs("index_cols", "(lp0\ng0\na."), meta.Attrs{}, "index_cols"},
		"values_cols":          {attrs("values_cols", "(lp0\nI5\na."), meta.Attrs{}, "values_cols"},
		"two of a name":        {meta.Attrs{}, attrs("values_block_0_kind", "(lp0\nVa\naVa\na."), `"a"`},
		"level that is absent": {attrs("levels", "(lp0\nVq\na."), meta.Attrs{}, "levels"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openTable(t, k.group, k.table)
			require.ErrorIs(t, err, fault.Unsupported)
			require.ErrorContains(t, err, k.says)
		})
	}
	n, s := oneTable(meta.Attrs{}, meta.Attrs{})
	f, err := Open(n, "/df/table", s)
	require.NoError(t, err)
	require.Nil(t, f, "no group")
}

func TestColumnsRefused(t *testing.T) {
	for name, k := range map[string]struct {
		group, table meta.Attrs
		column, says string
	}{
		"objects":      {meta.Attrs{}, attrs("values_block_0_dtype", "object"), "a", "pickled"},
		"object index": {meta.Attrs{}, attrs("index_kind", "object"), "__index_level_0__", "pickled"},
		"odd unit":     {meta.Attrs{}, attrs("values_block_0_dtype", "datetime64[25s]"), "b", "datetime64[25s]"},
		"odd zone":     {attrs("info", "(dp0\nVvalues_block_0\n(dp1\nVtz\ncos\nsystem\n(Vls\ntRss."), attrs("values_block_0_dtype", "datetime64[ns]"), "a", "time zone"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := openTable(t, k.group, k.table)
			require.NoError(t, err)
			for _, c := range f.Columns {
				if c.Name == k.column {
					require.Contains(t, c.Reason, k.says)
				}
			}
		})
	}
}

// FuzzOpen opens tables whose attributes are anything.
func FuzzOpen(f *testing.F) {
	f.Add("index_cols", "(lp0\n(I0\nVindex\np1\ntp2\na.", "values_block_0_kind", "(lp0\nVa\naVb\na.")
	f.Add("info", "(dp0\nVindex\n(dp1\nVtz\nVUTC\nss.", "index_kind", "datetime64[ns]")
	f.Add("levels", "(lp0\nVs\na.", "s_meta", "category")
	f.Add("non_index_axes", "(lp0\n(I1\n(lp1\n(Va\nI1\ntatp11\na.", "s_nan_rep", "")
	f.Add("values_cols", "(lp0\nVs\nVs\f\na.", "s_ki", "(lp0\n(Va\nI1\nta.")
	f.Add("values_cols", "(lp0\nVs\na.", "s_kind", "(lp0\n(Va\nI1\nta.")
	f.Fuzz(func(t *testing.T, group, value, column, other string) {
		n, s := oneTable(attrs(group, value), attrs(column, other))
		fr, err := Open(n, "/df", s)
		if err != nil {
			require.Error(t, fault.Of(err))
			return
		}
		fields := make([]arrow.Field, len(fr.Columns))
		for i, c := range fr.Columns {
			raw, err := s.Type(c.Path, c.Member)
			fields[i] = arrow.Field{Name: c.Name, Type: arrow.Null}
			if err != nil {
				continue
			}
			if made, err := c.TypeOf(raw); err == nil {
				fields[i].Type = made
				values, _ := s.Values(c.Path, c.Member)
				_, _ = c.Make(memory.DefaultAllocator, values, nil)
			}
		}
		require.True(t, json.Valid([]byte(fr.Metadata(fr.Columns, fields))))
	})
}

func TestTooManyColumns(t *testing.T) {
	n, s := oneTable(meta.Attrs{}, attrs("values_block_0_kind", "N."))
	wide := arrow.FixedSizeListOf(maxColumns+1, arrow.PrimitiveTypes.Float64)
	s["/df/table values_block_0"] = arr(wide, "[]")
	_, err := Open(n, "/df", s)
	require.ErrorContains(t, err, "more than 65536 columns")
}

// What decides columns and cannot be read ends the opening, with the names of object and attribute.
func TestUnreadable(t *testing.T) {
	broken := func(name string) meta.Attrs { return meta.Attrs{All: []meta.Attr{{Name: name, Err: "damaged"}}} }
	for _, name := range []string{"pandas_type", "table_type", "index_cols", "values_cols", "non_index_axes", "levels", "data_col_nan_rep", "info"} {
		_, err := openTable(t, broken(name), meta.Attrs{})
		require.ErrorIs(t, err, fault.DataLoss, name)
		require.ErrorContains(t, err, `attribute "`+name+`": damaged`)
	}
	for _, name := range []string{"index_kind", "values_block_0_kind", "values_block_0_dtype", "values_block_0_meta", "s_nan_rep"} {
		_, err := openTable(t, meta.Attrs{}, broken(name))
		require.ErrorIs(t, err, fault.DataLoss, name)
		require.ErrorContains(t, err, `/df/table: attribute "`+name+`": damaged`)
	}
	for _, name := range []string{"pandas_type", "table_type", "index_cols", "values_cols", "non_index_axes", "levels", "info"} {
		_, err := openTable(t, attrs(name, "#5"), meta.Attrs{})
		require.ErrorIs(t, err, fault.DataLoss, name)
		require.ErrorContains(t, err, `attribute "`+name+`" is no `)
	}
	for _, name := range []string{"index_kind", "values_block_0_kind", "values_block_0_dtype", "values_block_0_meta"} {
		_, err := openTable(t, meta.Attrs{}, attrs(name, "#5"))
		require.ErrorIs(t, err, fault.DataLoss, name)
		require.ErrorContains(t, err, `/df/table: attribute "`+name+`" is no `)
	}
	_, err := openTable(t, attrs("info", strings.Repeat("x", maxPickle)+"."), meta.Attrs{})
	require.ErrorIs(t, err, fault.Unsupported)
	require.ErrorContains(t, err, `attribute "info" has 1048577 bytes`)
	n, s := oneTable(meta.Attrs{}, meta.Attrs{})
	n.datasets["/df/table"].Attrs.Err = "the list breaks off"
	_, err = Open(n, "/df", s)
	require.ErrorContains(t, err, "/df/table: attributes: the list breaks off")
}
