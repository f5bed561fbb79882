package flight

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// site is a server that answers by HTTP, and a client of it.
type site struct {
	*http.Client
	t   *testing.T
	url string
}

func newSite(t *testing.T, change func(*Config)) site {
	t.Helper()
	return newSiteOf(t, change, func(*Server) {})
}

// newSiteOf has the server seen before it serves.
func newSiteOf(t *testing.T, change func(*Config), see func(*Server)) site {
	t.Helper()
	engine, err := reader.NewEngine(reader.Config{InProcess: true})
	require.NoError(t, err)
	cfg := Config{Engine: engine, Roots: []string{"../testdata"}, Listen: []string{"grpc+unix://" + filepath.Join(t.TempDir(), "s")}, HTTP: HTTP{Address: "127.0.0.1:0"}}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	require.NoError(t, err)
	see(s)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	web := site{&http.Client{Transport: &http.Transport{}}, t, s.Site(ctx)}
	require.NotEmpty(t, web.url)
	t.Cleanup(func() {
		web.CloseIdleConnections()
		cancel()
		require.NoError(t, <-ended)
		used, _ := engine.Memory()
		require.Zero(t, used)
		require.NoError(t, engine.Close())
		goleak.VerifyNone(t)
	})
	return web
}

// get asks with headers NAME: VALUE and reads all of the answer.
func (s site) get(path string, headers ...string) (*http.Response, []byte) {
	s.t.Helper()
	r, err := http.NewRequest("GET", s.url+path, nil)
	require.NoError(s.t, err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	answer, err := s.Do(r)
	require.NoError(s.t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(s.t, err)
	return answer, body
}

const someRows = "/v1/data?file=tables.h5&dataset=/events&fields=id&limit=3"

func TestHTTPGivesRows(t *testing.T) {
	s := newSite(t, nil)
	answer, body := s.get(someRows)
	require.Equal(t, http.StatusOK, answer.StatusCode, "%s", body)
	require.Equal(t, "whole", answer.Trailer.Get("Mtflight-Outcome"))
	r, err := ipc.NewReader(bytes.NewReader(body))
	require.NoError(t, err)
	defer r.Release()
	require.True(t, r.Next())
	require.EqualValues(t, 3, r.Record().NumRows())
	for format, want := range map[string]string{"csv": "id\n0\n1\n2\n", "jsonl": `{"id": 0}` + "\n" + `{"id": 1}` + "\n" + `{"id": 2}` + "\n"} {
		_, body := s.get(someRows + "&format=" + format)
		require.Equal(t, want, string(body))
	}
	posted, err := s.Post(s.url+"/v1/data?format=csv", "application/json", strings.NewReader(`{"file": "tables.h5", "dataset": "/events", "fields": ["id"], "start": -1}`))
	require.NoError(t, err)
	body, err = io.ReadAll(posted.Body)
	require.NoError(t, err)
	require.NoError(t, posted.Body.Close())
	require.Equal(t, "id\n4999\n", string(body))
}

func TestHTTPKnowsWhatAClientHas(t *testing.T) {
	s := newSite(t, nil)
	for _, format := range []string{"arrow", "csv", "parquet"} {
		first, _ := s.get(someRows + "&format=" + format)
		tag := first.Header.Get("ETag")
		require.NotEmpty(t, tag)
		again, body := s.get(someRows+"&format="+format, "If-None-Match: "+tag)
		require.Equal(t, http.StatusNotModified, again.StatusCode)
		require.Empty(t, body)
		other, _ := s.get(someRows+"&offset=1&format="+format, "If-None-Match: "+tag)
		require.Equal(t, http.StatusOK, other.StatusCode)
		require.NotEqual(t, tag, other.Header.Get("ETag"))
	}
	head, err := s.Head(s.url + someRows)
	require.NoError(t, err)
	require.NoError(t, head.Body.Close())
	require.NotEmpty(t, head.Header.Get("ETag"))
}

func TestHTTPGivesPartsOfParquet(t *testing.T) {
	s := newSite(t, nil)
	_, whole := s.get(someRows + "&format=parquet")
	part, body := s.get(someRows+"&format=parquet", "Range: bytes=-4")
	require.Equal(t, http.StatusPartialContent, part.StatusCode)
	require.Equal(t, "PAR1", string(body))
	require.True(t, bytes.HasSuffix(whole, body))
}

func TestHTTPKeepsNoMoreThanItMay(t *testing.T) {
	s := newSite(t, func(c *Config) { c.HTTP.Files = 100 })
	refused, body := s.get(someRows + "&format=parquet")
	require.Equal(t, http.StatusRequestEntityTooLarge, refused.StatusCode)
	require.Contains(t, string(body), "format=arrow")
}

func TestHTTPRefuses(t *testing.T) {
	s := newSite(t, nil)
	for path, want := range map[string]struct {
		status int
		says   string
	}{
		"/v1/data?file=tables.h5&dataset=/evens":                               {404, `near: \"/events\"`},
		"/v1/data?file=no.h5&dataset=/events":                                  {404, "no such file"},
		"/v1/data?file=../go.mod&dataset=/events":                              {404, "no such file"},
		"/v1/data?file=tables.h5&dataset=/events&where=energy%3E%3E":           {400, "energy"},
		"/v1/data?file=tables.h5&dataset=/events&coordinates=9999":             {422, "9999"},
		"/v1/data?file=refused.h5&dataset=/wide_integer":                       {501, "wide_integer"},
		"/v1/data?file=tables.h5":                                              {400, "dataset is required"},
		"/v1/data?file=tables.h5&dataset=/events&format=png":                   {400, "unknown format"},
		"/v1/data?file=tables.h5&dataset=/events&stream.cyclic&format=parquet": {400, "Parquet has an end"},
		"/v1/nothing": {404, "/v1/openapi.json"},
		"/v1/describe?file=tables.h5&dataset=/events&limit=2": {400, "unknown parameter"},
	} {
		answer, body := s.get(path)
		require.Equal(t, want.status, answer.StatusCode, "%s: %s", path, body)
		var problem struct {
			Error struct{ Code, Message string }
		}
		require.NoError(t, json.Unmarshal(body, &problem), "%s", body)
		require.Contains(t, string(body), want.says, path)
		require.Empty(t, answer.Header.Get("ETag"))
	}
	large, err := s.Post(s.url+"/v1/data", "application/json", io.LimitReader(zeros{}, 2<<20))
	require.NoError(t, err)
	require.NoError(t, large.Body.Close())
	require.Equal(t, http.StatusBadRequest, large.StatusCode)
}

// TestHTTPGivesNoMoreThanIsAsked: what a browser shows is bounded here, before rows are read where their size is known.
func TestHTTPGivesNoMoreThanIsAsked(t *testing.T) {
	s := newSite(t, nil)
	_, whole := s.get(someRows)
	enough, body := s.get(someRows + "&max_bytes=" + strconv.Itoa(len(whole)))
	require.Equal(t, http.StatusOK, enough.StatusCode)
	require.Equal(t, whole, body)
	for path, status := range map[string]int{
		someRows + "&max_bytes=20": http.StatusRequestEntityTooLarge,
		"/v1/data?file=tables.h5&dataset=/events&where=id%3E3&max_bytes=3": http.StatusRequestEntityTooLarge,
		someRows + "&format=csv&max_bytes=2":                               http.StatusRequestEntityTooLarge,
		someRows + "&format=parquet&max_bytes=3":                           http.StatusRequestEntityTooLarge,
		someRows + "&max_bytes=0":                                          http.StatusBadRequest,
		someRows + "&max_bytes=1e9":                                        http.StatusBadRequest,
		someRows + "&max_bytes=100000&max_bytes=20":                        http.StatusBadRequest,
	} {
		refused, body := s.get(path)
		require.Equal(t, status, refused.StatusCode, "%s: %s", path, body)
		require.Contains(t, string(body), "max_bytes")
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestHTTPAnswersActions(t *testing.T) {
	s := newSite(t, nil)
	for path, holds := range map[string]string{
		"list?file=tables.h5":                                 `"/events"`,
		"list?file=none*":                                     `[]`,
		"list?file=tables.h5&attributes=false":                `"attributes":null`,
		"describe?file=tables.h5&dataset=/events":             `"chunk_count"`,
		"attributes?file=tables.h5&object=/&names=TITLE":      `tables of every kind`,
		"stats?file=tables.h5&dataset=/events&fields=id":      `"rows"`,
		"explain?file=tables.h5&dataset=/events&where=id%3E3": `"condition"`,
		"about":        `"protocol"`,
		"openapi.json": `"3.1.0"`,
	} {
		answer, body := s.get("/v1/" + path)
		require.Equal(t, http.StatusOK, answer.StatusCode, "%s: %s", path, body)
		require.True(t, json.Valid(body), "%s: %s", path, body)
		require.Contains(t, string(body), holds)
	}
}

// TestHTTPBreaksWhatItCannotComplete: a part is never taken for the whole.
func TestHTTPBreaksWhatItCannotComplete(t *testing.T) {
	dir := t.TempDir()
	damaged := filepath.Join(dir, "damaged.h5")
	writeDamaged(t, "../testdata/tables.h5", damaged)
	s := newSite(t, func(c *Config) { c.Roots = []string{dir} })
	for _, format := range []string{"arrow", "csv", "jsonl", "json"} {
		answer, err := s.Get(s.url + "/v1/data?file=damaged.h5&dataset=/events&batch_rows=512&stream.read_ahead=0&format=" + format)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, answer.StatusCode, format)
		_, err = io.ReadAll(answer.Body)
		require.Error(t, err, format)
		require.Empty(t, answer.Trailer.Get("Mtflight-Outcome"))
		require.NoError(t, answer.Body.Close())
	}
	answer, body := s.get("/v1/data?file=damaged.h5&dataset=/events&format=parquet")
	require.Equal(t, http.StatusInternalServerError, answer.StatusCode)
	require.Contains(t, string(body), "DataLoss")
}

func TestHTTPAsksForLogins(t *testing.T) {
	c := newCastle(t, func(c *Config) { c.HTTP.Address = "127.0.0.1:0"; c.HTTP.Hosts = []string{"*"} })
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: c.authority.Pool()}}}
	defer client.CloseIdleConnections()
	at := c.server.Site(context.Background())
	require.True(t, strings.HasPrefix(at, "https://"))
	for bearer, want := range map[string]int{"": 401, "Bearer nonsense": 401, "Bearer " + c.tokens["ann"]: 200} {
		for _, path := range []string{someRows, "/v1/list", "/v1/about", "/v1/describe?file=tables.h5&dataset=/events"} {
			r, err := http.NewRequest("GET", at+path, nil)
			require.NoError(t, err)
			if bearer != "" {
				r.Header.Set("Authorization", bearer)
			}
			answer, err := client.Do(r)
			require.NoError(t, err)
			_, err = io.Copy(io.Discard, answer.Body)
			require.NoError(t, err)
			require.NoError(t, answer.Body.Close())
			require.Equal(t, want, answer.StatusCode, "%q %s", bearer, path)
			require.Equal(t, 2, answer.ProtoMajor)
		}
	}
	healthy, err := client.Get(at + "/healthz")
	require.NoError(t, err)
	require.NoError(t, healthy.Body.Close())
	require.Equal(t, http.StatusOK, healthy.StatusCode)
}

func TestHTTPIsNotExposed(t *testing.T) {
	engine, err := reader.NewEngine(reader.Config{InProcess: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, engine.Close()) }()
	for _, h := range []HTTP{{Address: "0.0.0.0:0"}, {Address: "127.0.0.1:0", Origins: []string{"*"}}, {Address: "nowhere"}} {
		_, err := New(Config{Engine: engine, Roots: []string{"../testdata"}, Listen: []string{"grpc+unix://" + filepath.Join(t.TempDir(), "s")}, HTTP: h})
		require.ErrorIs(t, err, fault.Invalid, "%+v", h)
	}
}

// writeDamaged copies a file without a byte of the last of its largest compressed chunks.
func writeDamaged(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	require.NoError(t, err)
	last, most := -1, 0
	for at := range len(content) - 1 {
		if content[at] != 0x78 {
			continue
		}
		z, err := zlib.NewReader(bytes.NewReader(content[at:]))
		if err != nil {
			continue
		}
		if plain, err := io.ReadAll(z); err == nil && len(plain) >= most {
			last, most = at, len(plain)
		}
	}
	require.Positive(t, last)
	for i := range 16 {
		content[last+100+i] ^= 0xff
	}
	require.NoError(t, os.WriteFile(to, content, 0o600))
}
