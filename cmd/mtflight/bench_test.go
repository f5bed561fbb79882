package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// TestBench measures every stage that there is of a table, and says why of the others.
func TestBench(t *testing.T) {
	defer goleak.VerifyNone(t)
	var r struct {
		Bytes, Stored int64
		Limit         string
		Stages        []struct {
			Name   string
			Rate   float64 `json:"mb_per_s"`
			Reason string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(succeed(t, "bench", tables, "/events", "--json", "--rounds", "2")), &r))
	require.EqualValues(t, 320000, r.Bytes)
	require.Positive(t, r.Stored)
	require.Contains(t, []string{"read", "decode"}, r.Limit)
	var names []string
	for _, s := range r.Stages {
		names = append(names, s.Name)
		require.NotEqual(t, s.Rate > 0, s.Reason != "", s.Name)
	}
	require.Equal(t, []string{"memory", "read", "decode", "reader", "sent", "served"}, names)
	out := succeed(t, "bench", arrays, "/cube", "--rounds", "1")
	require.Contains(t, out, "MB/s")
	require.Contains(t, out, "limits it")
	require.Contains(t, succeed(t, "bench", pandas, "/fixed", "--rounds", "1"), "it is several datasets")
	for _, args := range [][]string{{"bench", tables}, {"bench", tables, "/events", "--rounds", "0"}, {"bench", tables, "/events", "--fields", "nope"}} {
		code, _, errOut := command(t, args...)
		require.NotZero(t, code, args)
		require.NotEmpty(t, errOut)
	}
	code, _, _ := command(t, "bench", "nowhere.h5", "/events")
	require.Equal(t, 3, code)
}
