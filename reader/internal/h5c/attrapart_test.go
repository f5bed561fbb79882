package h5c

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader/internal/meta"
)

// TestAttributesBesideAnUnknownOne: libhdf5 1.10 lists none of them.
func TestAttributesBesideAnUnknownOne(t *testing.T) {
	f := openFixture(t, "apart.h5")
	d, err := f.Dataset("/d")
	require.NoError(t, err)
	tree := treeOf(t, f)
	for _, attrs := range [][]meta.Attr{d.Attrs, tree.Groups[0].Attrs, tree.Datasets[0].Attrs} {
		var names []string
		for _, a := range attrs {
			names = append(names, a.Name)
		}
		require.Equal(t, []string{"CLASS", "big", "late", "long", "named", "none", "ragged", "ref", "text", "texts", "unknown"}, names)
		for name, want := range map[string]string{"CLASS": `"TABLE"`, "big": `[[1,-2]]`, "named": `{"a":3,"b":0.5}`, "none": `null`,
			"ref": `{"ref":"/type"}`, "text": `"before"`, "late": `"grüße"`, "texts": `[["a",""],["ccc",""]]`} {
			a := attrNamed(t, attrs, name)
			require.Empty(t, a.Err, name)
			require.JSONEq(t, want, string(a.Value), name)
		}
		for name, why := range map[string]string{"unknown": "type stdref(1): ", "ragged": "variable length", "long": "more than 65536 bytes"} {
			a := attrNamed(t, attrs, name)
			require.Contains(t, a.Err, why)
			require.JSONEq(t, `null`, string(a.Value))
		}
	}
}

// TestAttributesApart compares what headers tell of attributes with what libhdf5 reads.
func TestAttributesApart(t *testing.T) {
	for _, name := range []string{"attrs.h5", "apart_v2.h5"} {
		f := openFixture(t, name)
		d, err := f.Dataset("/d")
		require.NoError(t, err)
		_, id, err := f.openDataset("/d")
		require.NoError(t, err)
		r := resolver{id: id}
		defer r.close()
		apart := f.attrsApart(id)
		defer apart.close()
		require.Len(t, apart.byName, len(d.Attrs))
		same := 0
		for _, a := range d.Attrs {
			in, ok := apart.byName[a.Name]
			require.True(t, ok, a.Name)
			budget := maxAttrs
			got, err := apart.value(in, &budget)
			if err != nil {
				require.ErrorContains(t, err, "variable length", a.Name)
				continue
			}
			require.JSONEq(t, string(a.Value), string(got), a.Name)
			same++
		}
		require.GreaterOrEqual(t, same, len(d.Attrs)-1)
	}
}

// TestAttributesInAHeap: whose list libhdf5 alone can make.
func TestAttributesInAHeap(t *testing.T) {
	f := openFixture(t, "dense.h5")
	r := resolver{File: f, name: "/many"}
	require.NoError(t, r.start())
	_, err := r.follow("/many")
	require.NoError(t, err)
	defer r.close()
	require.Nil(t, f.attrsApart(r.id))
}
