package web

import (
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
)

// TestEveryMemberIsAParameter: the table has what requests have, no more and no less.
func TestEveryMemberIsAParameter(t *testing.T) {
	var have []string
	for _, p := range ofData {
		if p.name != "file" && p.name != "dataset" {
			have = append(have, strings.TrimSuffix(p.name, "."))
		}
	}
	want := slices.DeleteFunc(protocol.Members(), func(m string) bool { return m == "stream" || m == "options" })
	slices.Sort(have)
	require.Equal(t, want, have)
}

func TestParametersAreTheRequest(t *testing.T) {
	for query, want := range map[string]string{
		"file=1&dataset=/x&start=-3&stop=007&limit=5":       `{"file": "1", "dataset": "/x", "start": -3, "stop": 7, "limit": 5}`,
		"file=a&dataset=/x&fields=id&fields=a%2Cb":          `{"file": "a", "dataset": "/x", "fields": ["id", "a,b"]}`,
		"file=a&dataset=/x&coordinates=3&coordinates=1":     `{"file": "a", "dataset": "/x", "coordinates": [3, 1]}`,
		"file=a&dataset=/x&options.plain=true":              `{"file": "a", "dataset": "/x", "options": {"plain": true}}`,
		"file=a&dataset=/x&options.plain&options.index=off": `{"file": "a", "dataset": "/x", "options": {"plain": true, "index": "off"}}`,
		"file=a&dataset=/x&stream.remainder=only":           `{"file": "a", "dataset": "/x", "stream": {"remainder": "only"}}`,
		"file=a&dataset=/x&stream.remainder=false":          `{"file": "a", "dataset": "/x", "stream": {"remainder": false}}`,
		"file=a&dataset=/x&where=true&sort_by=7":            `{"file": "a", "dataset": "/x", "where": "true", "sort_by": "7"}`,
		`file=a&dataset=/x&where=x<c&vars.c=2.50&vars.a.b=mu&vars.t=true&vars.s="2"&vars.n=null&vars.big=18446744073709551615`: `{"file": "a", "dataset": "/x", "where": "x<c", "vars": {"c": 2.50, "a.b": "mu", "t": true, "s": "2", "n": "null", "big": 18446744073709551615}}`,
	} {
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		body, err := bodyOf(values, ofData)
		require.NoError(t, err, query)
		got, err := protocol.ParseTicket(body)
		require.NoError(t, err, "%s: %s", query, body)
		expected, err := protocol.ParseTicket([]byte(want))
		require.NoError(t, err)
		require.Equal(t, expected, got, query)
	}
}

func TestParametersRefused(t *testing.T) {
	for query, says := range map[string]string{
		"strat=1":                          `near: "state", "start"`,
		"start=1&start=2":                  "2 times",
		"start=1.5":                        "must be an integer",
		"start=":                           "must be an integer",
		"start=-":                          "must be an integer",
		"start=1e3":                        "must be an integer",
		"options.plain=yes":                "true or false",
		"coordinates=a":                    "must be an integer",
		"vars.":                            "unknown parameter",
		"start=" + strings.Repeat("9", 99): "must be an integer",
	} {
		values, err := url.ParseQuery(query)
		require.NoError(t, err)
		_, err = bodyOf(values, ofData)
		require.ErrorIs(t, err, fault.Invalid, query)
		require.ErrorContains(t, err, says)
	}
}

func FuzzParameters(f *testing.F) {
	f.Add("file=a&dataset=/x&start=-3&vars.c=2&options.plain")
	f.Add("stream.shuffle=000&fields=&coordinates=1&mask=AA==")
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		body, err := bodyOf(values, ofData)
		if err != nil {
			require.ErrorIs(t, err, fault.Invalid)
			return
		}
		if _, err := protocol.ParseTicket(body); err != nil {
			require.NotNil(t, fault.Of(err), "%v", err)
		}
	})
}

func TestFormatIsChosen(t *testing.T) {
	for _, c := range []struct{ query, accept, want, codec string }{
		{"", "", "arrow", ""},
		{"", "*/*", "arrow", ""},
		{"", "text/html,application/xhtml+xml,*/*;q=0.8", "arrow", ""},
		{"", "text/csv;q=0.5, application/json", "json", ""},
		{"", "application/jsonl", "jsonl", ""},
		{"format=parquet&compression=zstd", "text/csv", "parquet", "zstd"},
		{"compression=lz4", "application/vnd.apache.arrow.stream", "arrow", "lz4"},
	} {
		r := httptest.NewRequest("GET", "/v1/data?"+c.query, nil)
		r.Header.Set("Accept", c.accept)
		f, codec, err := chosen(r)
		require.NoError(t, err)
		require.Equal(t, c.want, f.name, "%+v", c)
		require.Equal(t, c.codec, codec)
	}
	for query, says := range map[string]string{"format=parquett": `near: "parquet"`, "format=csv&compression=zstd": "of csv: there are none", "format=a&format=b": "2 times"} {
		_, _, err := chosen(httptest.NewRequest("GET", "/v1/data?"+query, nil))
		require.ErrorContains(t, err, says)
	}
	r := httptest.NewRequest("GET", "/v1/data", nil)
	r.Header.Set("Accept", "image/png, text/csv;q=0")
	_, _, err := chosen(r)
	require.ErrorContains(t, err, "takes none")
}
