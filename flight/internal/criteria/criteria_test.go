package criteria

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

func TestCriteria(t *testing.T) {
	for _, text := range []string{"{", "[]", `{"nope": 1}`, `{"file": 1}`, `{"kind": "sofa"}`, `{"file": "a", "file": "b"}`, "{} x"} {
		_, err := Parse([]byte(text))
		require.ErrorIs(t, err, fault.Invalid, text)
	}
	c, err := Parse([]byte(`{"dataset": "/g/*", "kind": "table"}`))
	require.NoError(t, err)
	require.False(t, c.TakesBroken())
	require.True(t, c.Takes(reader.Info{Path: "/g/t", Kind: "table"}))
	require.False(t, c.Takes(reader.Info{Path: "/g/t", Kind: "array"}))
	require.False(t, c.Takes(reader.Info{Path: "/h/t", Kind: "table"}))
	require.False(t, c.Takes(reader.Info{Path: "/g/_i_t/x/sorted", Kind: "table"}))
	c, err = Parse(nil)
	require.NoError(t, err)
	require.True(t, c.TakesBroken())
	require.True(t, c.Takes(reader.Info{Path: "/g/t", Kind: "unsupported"}))
}

func TestChosen(t *testing.T) {
	tree := &reader.Tree{Groups: []reader.GroupInfo{{Path: "/g"}, {Path: "/g/_i_t"}, {Path: "/g/_i_t/x"}, {Path: "/g/_i_t/y"}, {Path: "/g/_i_u/z"}}}
	require.Len(t, Criteria{}.Chosen(tree).Groups, 1)
}

// TestWithoutAttributes: what is listed is the same, and the tree that others have keeps them.
func TestWithoutAttributes(t *testing.T) {
	some := json.RawMessage(`{"a":1}`)
	tree := &reader.Tree{Groups: []reader.GroupInfo{{Path: "/g", Attributes: some}}, Datasets: []reader.Info{{Path: "/d", Kind: "array", Attributes: some}}}
	for text, want := range map[string]json.RawMessage{"": some, `{"attributes": true}`: some, `{"attributes": false}`: nil} {
		c, err := Parse([]byte(text))
		require.NoError(t, err)
		out := c.Chosen(tree)
		require.Equal(t, want, out.Groups[0].Attributes)
		require.Equal(t, want, out.Datasets[0].Attributes)
	}
	require.Equal(t, some, tree.Groups[0].Attributes)
	require.Equal(t, some, tree.Datasets[0].Attributes)
}

func TestCriteriaOfFrames(t *testing.T) {
	c, err := Parse([]byte(`{"file":"a","frames":true}`))
	require.NoError(t, err)
	require.True(t, c.Frames)
	_, err = Parse([]byte(`{"frames":"yes"}`))
	require.ErrorIs(t, err, fault.Invalid)
}
