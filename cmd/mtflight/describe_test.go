package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDescribe(t *testing.T) {
	out := succeed(t, "describe", tables, "/events")
	require.Regexp(t, `(?m)^kind +table$`, out)
	require.Regexp(t, `(?m)^chunk_count +10$`, out)
	require.Regexp(t, `(?m)^schema +id: int64$`, out)
	require.Regexp(t, `detector: "barrel"`, out)
	require.Regexp(t, `(?m)^indexes +\["run"\]$`, succeed(t, "describe", tables, "/plain"))
}

func TestDescribeJSON(t *testing.T) {
	var d struct {
		Path    string
		Filters []string
		Shape   []int64
		Schema  []column
	}
	require.NoError(t, json.Unmarshal([]byte(succeed(t, "describe", "--json", arrays, "/wave/zlib")), &d))
	require.Equal(t, "/wave/zlib", d.Path)
	require.Equal(t, []string{"shuffle", "deflate"}, d.Filters)
	require.Equal(t, []int64{60, 1024}, d.Shape)
	require.Equal(t, "zlib", d.Schema[0].Name)
}

func TestDescribeRefuses(t *testing.T) {
	code, _, errOut := command(t, "describe", tables, "/event")
	require.Equal(t, 3, code)
	require.Contains(t, errOut, "events", "the near match")
}
