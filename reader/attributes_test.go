package reader

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/reader/internal/meta"
)

// TestAttributesAsJSON: an attribute without a value is there once, with the reason, whatever its name's bytes.
func TestAttributesAsJSON(t *testing.T) {
	got := attributes([]meta.Attr{{Name: "a\xff", Value: json.RawMessage("null"), Err: "why"}, {Name: "b", Value: json.RawMessage("[1]")}})
	require.Equal(t, "{\"a\uFFFD\":{\"error\":\"why\"},\"b\":[1]}", string(got))
}
