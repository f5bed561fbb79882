package protocol

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/strict"
)

const good = `{"file": "a/b.h5", "dataset": "/t"}`

// with adds members to the good request.
func with(members string) string { return good[:len(good)-1] + ", " + members + "}" }

func ptr[T any](v T) *T { return &v }

func TestParseTicket(t *testing.T) {
	base := func(set func(*Request)) Request {
		r := Request{File: "a/b.h5", Dataset: "/t"}
		set(&r)
		return r
	}
	for text, set := range map[string]func(*Request){
		good:                             func(*Request) {},
		with(`"fields": ["t", "pos/x"]`): func(r *Request) { r.Fields = []string{"t", "pos/x"} },
		with(`"start": -3, "stop": null, "step": 2`): func(r *Request) {
			r.Start, r.Step = ptr(int64(-3)), ptr(int64(2))
		},
		with(`"start": -99999999999999999999, "stop": 99999999999999999999`): func(r *Request) {
			r.Start, r.Stop = ptr(int64(math.MinInt64)), ptr(int64(math.MaxInt64))
		},
		with(`"start": -0`):                        func(r *Request) { r.Start = ptr(int64(0)) },
		with(`"select": ""`):                       func(r *Request) { r.Select = ptr("") },
		with(`"coordinates": []`):                  func(r *Request) { r.Coordinates = []int64{} },
		with(`"coordinates": [3, -1, 3]`):          func(r *Request) { r.Coordinates = []int64{3, -1, 3} },
		with(`"coordinates": [0], "start": null`):  func(r *Request) { r.Coordinates = []int64{0} },
		with(`"mask": ""`):                         func(r *Request) { r.Mask = []byte{} },
		with(`"mask": "AQ=="`):                     func(r *Request) { r.Mask = []byte{1} },
		with(`"sort_by": "x", "check_csi": true`):  func(r *Request) { r.SortBy, r.CheckCSI = "x", true },
		with(`"limit": 0`):                         func(r *Request) { r.Limit = ptr(int64(0)) },
		with(`"offset": 7`):                        func(r *Request) { r.Offset = 7 },
		with(`"batch_rows": 5, "batch_bytes": 99`): func(r *Request) { r.BatchRows, r.BatchBytes = 5, 99 },
		with(`"stream": {}`):                       func(r *Request) { r.Stream = &Stream{} },
		with(`"where": "x > \ud83d\ude00", "vars": {"i": 1, "f": 1.0, "e": 1e3, "b": true, "s": "1", "o": 1e999, "u": 18446744073709551615}`): func(r *Request) {
			r.Where = ptr("x > 😀")
			r.Vars = map[string]any{"i": int64(1), "f": 1.0, "e": 1e3, "b": true, "s": "1", "o": math.Inf(1), "u": uint64(math.MaxUint64)}
		},
		with(`"stream": {"ordered": false, "cyclic": true, "cycles": 2, "block_rows": 7, "remainder": false, "shuffle": -1, "shuffle_rows": true,
			"read_ahead": 0, "workers": 3, "from_block": 4, "to_block": 0}`): func(r *Request) {
			r.Stream = &Stream{Unordered: true, Cyclic: true, Cycles: ptr(int64(2)), BlockRows: 7,
				Remainder: DropRemainder, Shuffle: ptr(int64(-1)), ShuffleRows: true, ReadAhead: ptr(int64(0)), Workers: 3, FromBlock: 4, ToBlock: ptr(int64(0))}
		},
		with(`"stream": {"block_rows": 7, "from_block": 4, "follow": true}`): func(r *Request) {
			r.Stream = &Stream{BlockRows: 7, FromBlock: 4, Follow: true}
		},
		with(`"stream": {"remainder": "only", "cycles": null, "shuffle": null}`): func(r *Request) {
			r.Stream = &Stream{Remainder: OnlyRemainder}
		},
		with(`"options": {"strings": "binary", "enum": "int", "time": "numeric", "tensors": "nested", "layout": "rows", "plain": true, "endpoints": 3, "index": "only", "compression": "zstd"}`): func(r *Request) {
			r.Index, r.Compression = IndexOnly, Zstd
			r.Options = Options{Strings: "binary", Enum: "int", Time: "numeric", Tensors: "nested", Layout: "rows", Plain: true}
			r.Endpoints = 3
		},
	} {
		r, err := ParseTicket([]byte(text))
		require.NoError(t, err, text)
		require.Equal(t, base(set), r, text)
		requireRoundTrip(t, r)
	}
}

func requireRoundTrip(t *testing.T, r Request) {
	t.Helper()
	text, err := FormatTicket(r)
	require.NoError(t, err)
	back, err := ParseTicket(text)
	require.NoError(t, err, string(text))
	if len(r.Vars) == 0 { // {} and none are the same
		r.Vars = back.Vars
	}
	require.Equal(t, r, back, string(text))
}

func TestParseTicketRefuses(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{"", "not JSON"}, {"{", "not JSON"}, {"null", "one JSON object"}, {"[]", "one JSON object"}, {"3", "one JSON object"},
		{`"x"`, "one JSON object"}, {good[:len(good)-1], "not JSON"}, {good + "x", "not JSON"}, {good + good, "not JSON"},
		{good + " {}", "not JSON"}, {"{'file': 'a'}", "not JSON"}, {"\xff\xfe{}", "UTF-8"}, {"\ufeff" + good, "not JSON"},
		{with(`"start": NaN`), "not JSON"}, {with(`"start": Infinity`), "not JSON"}, {with(`"start": 01`), "not JSON"},
		{good[:len(good)-1] + ",}", "not JSON"},
		{with(`"fieldz": 1`), "fieldz"}, {with(`"Start": 1`), "Start"}, {with(`"": 1`), `""`}, {with(`"where ": 1`), `"where "`},
		{with(`"stream": {"nope": 1}`), "stream.nope"}, {with(`"options": {"xyz": 1}`), "options.xyz"},
		{with(`"wher": "x"`), `unknown member "wher" (near: "where")`}, {with(`"options": {"plane": 1}`), `(near: "options.plain")`}, {with(`"options": {"compression": "gzip"}`), "options.compression"},
		{with(`"start": 0, "start": 1`), "start"}, {with(`"file": "x"`), "file"},
		{with(`"stream": {"cyclic": true, "cyclic": true}`), "stream.cyclic"}, {with(`"vars": {"a": 1, "a": 1}`), "vars.a"},
		{`{"file": 1, "dataset": "/t"}`, "file"}, {`{"file": "a", "dataset": null}`, "dataset"}, {with(`"fields": "a"`), "fields"},
		{with(`"fields": [1]`), "fields"}, {with(`"start": "0"`), "start"}, {with(`"start": 1.5`), "start"},
		{with(`"start": 1e3`), "start"}, {with(`"start": 1.0`), "start"}, {with(`"stop": true`), "stop"}, {with(`"step": []`), "step"},
		{with(`"select": 3`), "select"}, {with(`"coordinates": [1.5]`), "coordinates"}, {with(`"coordinates": [true]`), "coordinates"},
		{with(`"coordinates": "0"`), "coordinates"}, {with(`"mask": 5`), "mask"}, {with(`"mask": "***"`), "mask"},
		{with(`"where": 1`), "where"}, {with(`"where": null`), "where"}, {with(`"vars": []`), "vars"},
		{with(`"vars": {"x": [1]}, "where": "x > 1"`), "vars"}, {with(`"vars": {"x": null}`), "vars"},
		{with(`"vars": {"x": 99999999999999999999}`), "vars"}, {with(`"limit": "1"`), "limit"}, {with(`"limit": null`), "limit"},
		{with(`"offset": -1`), "offset"}, {with(`"offset": null`), "offset"}, {with(`"offset": 1.5`), "offset"},
		{with(`"stream": []`), "stream"}, {with(`"stream": {"cyclic": 1}`), "cyclic"}, {with(`"stream": {"remainder": "some"}`), "remainder"},
		{with(`"stream": {"remainder": 1}`), "remainder"}, {with(`"stream": {"shuffle": "a"}`), "shuffle"}, {with(`"options": []`), "options"},
		{with(`"options": {"plain": "yes"}`), "plain"}, {with(`"options": {"enum": "what"}`), "enum"}, {with(`"options": {"enum": ["int"]}`), "enum"},
		{with(`"batch_rows": 1.5`), "batch_rows"}, {with(`"check_csi": 1, "sort_by": "x"`), "check_csi"}, {with(`"sort_by": ""`), "sort_by"},
		{with(`"step": 0`), "step"}, {with(`"limit": -1`), "limit"}, {with(`"batch_rows": 0`), "batch_rows"},
		{with(`"batch_rows": -5`), "batch_rows"}, {with(`"batch_bytes": 0`), "batch_bytes"}, {with(`"stream": {"block_rows": 0}`), "block_rows"},
		{with(`"stream": {"from_block": -1}`), "from_block"}, {with(`"stream": {"to_block": -1}`), "to_block"}, {with(`"stream": {"to_block": null}`), "to_block"},
		{with(`"stream": {"remainder": "only", "to_block": 1}`), "to_block"}, {with(`"stream": {"follow": true, "to_block": 1}`), "to_block"},
		{with(`"stream": {"cyclic": true, "cycles": -1}`), "cycles"},
		{with(`"stream": {"workers": 0}`), "workers"}, {with(`"stream": {"read_ahead": -1}`), "read_ahead"}, {with(`"fields": []`), "fields"},
		{with(`"fields": ["a", "b", "a"]`), "fields"},
		{with(`"stream": {"cyclic": true, "cycles": 2, "block_rows": 3, "remainder": "only"}`), "stream.remainder"},
		{with(`"stream": {"shuffle_rows": true}`), "stream.shuffle"}, {with(`"stream": {"follow": true}, "stop": 1`), "stop"},
		{with(`"coordinates": [0], "mask": "AQ=="`), "coordinates and mask"}, {with(`"select": "0", "coordinates": [0]`), "select and coordinates"},
		{with(`"select": "0", "step": 2`), "select"}, {with(`"coordinates": [0], "start": 0`), "coordinates"},
		{with(`"coordinates": [], "step": -1`), "coordinates"}, {with(`"mask": "AQ==", "stop": 1`), "mask"},
		{with(`"coordinates": [0], "where": "True"`), "coordinates"}, {with(`"mask": "AQ==", "sort_by": "x"`), "mask"},
		{`{"file": "a"}`, "dataset"}, {`{"dataset": "/t"}`, "file"}, {"{}", "file"}, {`{"file": "", "dataset": "/t"}`, "file"},
		{with(`"vars": {"x": ` + strings.Repeat("[", 20) + "1" + strings.Repeat("]", 20) + "}"), "vars"},
		{strings.Repeat("[", 100_000), "not JSON"}, {strings.Repeat(`{"vars":`, 50_000), "not JSON"},
		{with(`"where": "` + strings.Repeat("1", 1<<20) + `"`), "1 MiB"}, {good + strings.Repeat(" ", 1<<20), "1 MiB"},
	} {
		_, err := ParseTicket([]byte(c.text))
		require.ErrorIs(t, err, fault.Invalid, "%.200s", c.text)
		require.ErrorContains(t, err, c.says, "%.200s", c.text)
		require.Less(t, len(err.Error()), 400, "%.200s", c.text)
	}
}

func TestParseTicketHugeCoordinates(t *testing.T) {
	_, err := ParseTicket([]byte(with(`"coordinates": [1, -9223372036854775809]`)))
	require.ErrorIs(t, err, fault.OutOfRange)
	require.ErrorContains(t, err, "-9223372036854775809")
}

func TestParseTicketNesting(t *testing.T) {
	for depth, says := range map[int]string{6: "must be", 7: "nested deeper"} { // inside vars and the request
		text := with(`"vars": {"x": ` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + "}")
		_, err := ParseTicket([]byte(text))
		require.ErrorIs(t, err, fault.Invalid)
		require.ErrorContains(t, err, says)
	}
}

func TestFormatTicket(t *testing.T) {
	r := Request{File: "a", Dataset: "/t"}
	r.SetMask([]bool{true, false, false, false, false, false, false, false, true})
	text, err := FormatTicket(r)
	require.NoError(t, err)
	require.JSONEq(t, `{"file": "a", "dataset": "/t", "mask": "AQE="}`, string(text))

	r = Request{File: "<&>\u2028", Dataset: "/t", Vars: map[string]any{"a": 2.0, "b": math.Inf(-1), "c": int64(2), "d": math.Copysign(0, -1)}}
	requireRoundTrip(t, r)

	for name, r := range map[string]Request{
		"not UTF-8":     {File: "\xff", Dataset: "/t"},
		"not a number":  {File: "a", Dataset: "/t", Vars: map[string]any{"x": math.NaN()}},
		"must be int64": {File: "a", Dataset: "/t", Vars: map[string]any{"x": []int{1}}},
		"DoExchange":    {File: "a", Dataset: "/t", Coordinates: make([]int64, strict.MaxBytes)},
	} {
		_, err := FormatTicket(r)
		require.ErrorIs(t, err, fault.Invalid)
		require.ErrorContains(t, err, name)
	}
}

func TestNetCDFInTickets(t *testing.T) {
	for _, text := range []string{`{"file":"a","dataset":"/b","options":{"netcdf":true}}`, `{"file":"a","dataset":"/b"}`} {
		r, err := ParseTicket([]byte(text))
		require.NoError(t, err)
		back, err := FormatTicket(r)
		require.NoError(t, err)
		require.Equal(t, text, string(back))
	}
	_, err := ParseTicket([]byte(`{"file":"a","dataset":"/b","options":{"netcdf":1}}`))
	require.ErrorIs(t, err, fault.Invalid)
	require.ErrorContains(t, err, `"options.netcdf"`)
}

func FuzzTicket(f *testing.F) {
	for _, s := range []string{good, with(`"start": -3, "vars": {"x": 1.5, "y": -0.0, "z": 1e999}`), with(`"mask": "AQ=="`),
		with(`"coordinates": [0, -5]`), with(`"stream": {"remainder": "only", "shuffle": 3}`), with(`"options": {"layout": "rows"}`)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseTicket(data)
		if err != nil {
			require.NotNil(t, fault.Of(err))
			return
		}
		require.True(t, json.Valid(data))
		if text, err := FormatTicket(r); err == nil { // floats may grow it past the limit
			back, err := ParseTicket(text)
			require.NoError(t, err)
			if len(r.Vars) == 0 {
				r.Vars = back.Vars
			}
			require.Equal(t, r, back)
		}
	})
}
