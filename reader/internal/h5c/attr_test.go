package h5c

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader/internal/meta"
)

func TestAttributes(t *testing.T) {
	d, err := openFixture(t, "attrs.h5").Dataset("/d")
	require.NoError(t, err)
	want := map[string]string{
		"text":    `"grüße \"quoted\" <x>"`,
		"fixed":   `"abc  "`,
		"latin":   `{"base64":"5PY="}`,
		"texts":   `["a","","ccc"]`,
		"int":     `-9223372036854775808`,
		"uint":    `18446744073709551615`,
		"big":     `[1,-2]`,
		"floats":  `[1.5,"NaN","Infinity","-Infinity",1e+300]`,
		"single":  `0.1`,
		"half":    `0.5`,
		"long":    `0.25`,
		"bool":    `true`,
		"bools":   `[[true,false]]`,
		"enum":    `[2]`,
		"matrix":  `[[0,1,2],[3,4,5]]`,
		"array":   `[{"v":[1,2,3]}]`,
		"row":     `{"i":1,"s":"xy","f":0.5}`,
		"complex": `{"r":1,"i":-2}`,
		"ref":     `{"ref":"/d"}`,
		"noref":   `null`,
		"ragged":  `[[1,2],[]]`,
		"opaque":  `{"base64":"AAH/"}`,
		"null":    `null`,
		"none":    `[]`,
	}
	require.Len(t, d.Attrs.All, len(want))
	for i, a := range d.Attrs.All {
		require.Empty(t, a.Err, a.Name)
		require.JSONEq(t, want[a.Name], string(a.Value), a.Name)
		if i > 0 {
			require.Less(t, d.Attrs.All[i-1].Name, a.Name)
		}
	}
}

func attrNamed(t *testing.T, attrs meta.Attrs, name string) meta.Attr {
	for _, a := range attrs.All {
		if a.Name == name {
			return a
		}
	}
	t.Fatalf("no attribute %s", name)
	return meta.Attr{}
}

func TestAttributesOfGroupsAndTheirBounds(t *testing.T) {
	groups := treeOf(t, openFixture(t, "attrs.h5")).Groups
	require.JSONEq(t, `"root"`, string(attrNamed(t, groups[0].Attrs, "title").Value))
	require.Greater(t, len(attrNamed(t, groups[1].Attrs, "above").Value), 8000)
	require.JSONEq(t, `200`, string(attrNamed(t, groups[1].Attrs, "bits").Value))

	dense := treeOf(t, openFixture(t, "dense.h5")).Groups[1].Attrs
	require.Len(t, dense.All, 21)
	huge := attrNamed(t, dense, "huge")
	require.Contains(t, huge.Err, "160000 bytes")
	require.Nil(t, huge.Value)
	require.JSONEq(t, `19`, string(attrNamed(t, dense, "a19").Value))
}

func TestAttributeBudget(t *testing.T) {
	f := openFixture(t, "attrs.h5")
	d, err := f.Dataset("/d")
	require.NoError(t, err)
	_, id, err := f.openDataset("/d")
	require.NoError(t, err)
	r := resolver{id: id}
	defer r.close()
	budget := 200
	got := f.readAttrs(id, &budget)
	require.Less(t, len(got.All), len(d.Attrs.All))
	require.Contains(t, got.Err, "too many attributes")
}
