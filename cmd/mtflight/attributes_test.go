package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAttributes(t *testing.T) {
	require.JSONEq(t, `{"detector": "barrel"}`, succeed(t, "attributes", tables, "/events", "detector"))
	var all map[string]any
	require.NoError(t, json.Unmarshal([]byte(succeed(t, "attributes", tables, "/")), &all))
	require.Contains(t, all, "PYTABLES_FORMAT_VERSION")
	code, _, errOut := command(t, "attributes", tables, "/events", "detecter")
	require.Equal(t, 3, code)
	require.Contains(t, errOut, `near: "detector"`)
}

// TestLargeAttributesAreTold: describe says what stands for a value that is not there.
func TestLargeAttributesAreTold(t *testing.T) {
	m := member{"attributes", json.RawMessage(`{"a": {"bytes": 20000}, "b": {"unreadable": "why"}, "c": {"r": 1.5}, "d": [1], "e": {"bytes": 1, "x": 2}}`)}
	require.Equal(t, "a: 20000 bytes (`mtflight attributes` gives it)\nb: unreadable: why\nc: {\"r\": 1.5}\nd: [1]\ne: {\"bytes\": 1, \"x\": 2}", m.text())
}
