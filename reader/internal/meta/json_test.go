package meta

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAttributesAsJSON: there, unreadable and too large are told apart, whatever the names' bytes.
func TestAttributesAsJSON(t *testing.T) {
	got := (Attrs{All: []Attr{{Name: "a\xff", Err: "why"}, {Name: "b", Value: json.RawMessage("[1]")}, {Name: "c", Bytes: 20000}}, Err: "cut off"}).JSON()
	require.JSONEq(t, "{\"a\uFFFD\":{\"unreadable\":\"why\"},\"b\":[1],\"c\":{\"bytes\":20000},\"\":{\"unreadable\":\"cut off\"}}", string(got))
}

// A schema holds at most 256 KiB of attributes: the largest are told by their size.
func TestSchemaAttributes(t *testing.T) {
	var a Attrs
	for i := range 40 {
		v, _ := json.Marshal(strings.Repeat("x", 1000*(i%16+1)))
		a.All = append(a.All, Attr{Name: fmt.Sprintf("a%02d", i), Value: v})
	}
	var got map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(a.SchemaJSON(a.JSON()), &got))
	require.LessOrEqual(t, len(a.SchemaJSON(a.JSON())), maxSchemaAttributes)
	require.Len(t, got, 40)
	require.JSONEq(t, `{"bytes":16002}`, string(got["a15"]))
	require.Len(t, got["a00"], 1002)
	a.All = nil
	for i := range 300 {
		a.All = append(a.All, Attr{Name: strings.Repeat("n", 1000) + fmt.Sprint(i), Value: json.RawMessage("1")})
	}
	require.Contains(t, string(a.SchemaJSON(a.JSON())), "ask the action attributes")
}
