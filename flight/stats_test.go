package flight

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/reader"
)

func TestStatsAndExplain(t *testing.T) {
	s := serveStaging(t, 0)
	c, _ := s.connect(t)
	var results []json.RawMessage
	keep := func(m json.RawMessage) error { results = append(results, m); return nil }
	ask := map[string]any{"file": "tables.h5", "dataset": "/events", "fields": []string{"id", "good"}, "chunks": true}
	require.NoError(t, act(c, "stats", ask, keep))
	require.Len(t, results, 2)
	var chunks struct{ Chunks []chunkStats }
	require.NoError(t, json.Unmarshal(results[0], &chunks))
	require.Len(t, chunks.Chunks, 10)
	var all struct {
		Rows    int64
		Columns []columnStats
	}
	require.NoError(t, json.Unmarshal(results[1], &all))
	require.EqualValues(t, 5000, all.Rows)
	require.Equal(t, columnStats{Name: "id", Type: "int64", Values: 5000, Min: 0., Max: 4999.}, all.Columns[0])
	require.Equal(t, columnStats{Name: "good", Type: "bool", Values: 5000, Min: false, Max: true}, all.Columns[1])

	results = nil
	request := map[string]any{"file": "tables.h5", "dataset": "/events", "where": "id < 3", "fields": []string{"id"}, "options": map[string]any{"endpoints": 3}}
	require.NoError(t, act(c, "explain", request, keep))
	var x struct {
		reader.Explanation
		Endpoints int
	}
	require.NoError(t, json.Unmarshal(results[0], &x))
	require.Equal(t, []int64{1, 9, -1}, []int64{x.Touched, x.Skipped, x.Result})
	require.Equal(t, 1, x.Endpoints)
	require.Equal(t, []string{"id"}, x.Condition)

	for body, code := range map[string]codes.Code{
		`{"file":"tables.h5"}`:                                        codes.InvalidArgument,
		`{"file":"tables.h5","dataset":"/events","fields":[]}`:        codes.InvalidArgument,
		`{"file":"tables.h5","dataset":"/events","fields":["idd"]}`:   codes.NotFound,
		`{"file":"tables.h5","dataset":"/events","chunks":"all"}`:     codes.InvalidArgument,
		`{"file":"tables.h5","dataset":"/events","where":"id > 2"}`:   codes.InvalidArgument,
		`{"file":"refused.h5","dataset":"/wide_integer"}`:             codes.Unimplemented,
		`{"file":"../tables.h5","dataset":"/events"}`:                 codes.NotFound,
		`{"file":"arrays.h5","dataset":"/wave/zlib","fields":["no"]}`: codes.NotFound,
	} {
		err := act(c, "stats", json.RawMessage(body), keep)
		require.Equal(t, code, status.Code(err), "%s: %v", body, err)
		require.Equal(t, 1, strings.Count(err.Error(), "request "), err)
	}
	s.requireBalance(t)
}

func TestManyChunksComeInSeveralResults(t *testing.T) {
	var a chunkAnswer
	seen, sent := int64(0), 0
	answer := func(v any) error {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		require.Less(t, len(b), 4<<20)
		var got struct{ Chunks []chunkStats }
		require.NoError(t, json.Unmarshal(b, &got))
		for _, c := range got.Chunks {
			require.Equal(t, seen, c.Start)
			seen++
		}
		sent++
		return nil
	}
	for i := range int64(30_000) {
		require.NoError(t, a.add(reader.ChunkStats{Start: i, Columns: []reader.ColumnStats{{Name: "x", Min: i, Max: i}}}, answer))
	}
	require.NoError(t, a.flush(answer))
	require.NoError(t, a.flush(answer))
	require.EqualValues(t, 30_000, seen)
	require.Equal(t, 3, sent)
	failed := errors.New("the client has left")
	a.chunks = []json.RawMessage{[]byte("1")}
	require.ErrorIs(t, a.flush(func(any) error { return failed }), failed)
}

func TestBoundsAreValidJSON(t *testing.T) {
	for want, v := range map[string]any{
		"9007199254740993": int64(1<<53 + 1), "18446744073709551615": uint64(math.MaxUint64), `"inf"`: math.Inf(1), `"-inf"`: math.Inf(-1),
		"2.5": 2.5, "true": true, "null": nil, `"µ"`: []byte("µ"), `{"base64":"/w=="}`: []byte{0xff}, `""`: []byte{},
	} {
		b, err := json.Marshal(jsonValue(v))
		require.NoError(t, err)
		require.Equal(t, want, string(b))
	}
}
