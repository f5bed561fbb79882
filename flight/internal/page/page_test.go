package page

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func get(t *testing.T, path, tag string) *httptest.ResponseRecorder {
	t.Helper()
	h, err := New(func() []string { return []string{"grpc://[::]:8815"} })
	require.NoError(t, err)
	r := httptest.NewRequest("GET", path, nil)
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPage(t *testing.T) {
	w := get(t, "/", "")
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "text/html; charset=utf-8", w.Header().Get("Content-Type"))
	policy := w.Header().Get("Content-Security-Policy")
	require.Contains(t, policy, "default-src 'self'")
	require.NotContains(t, policy, "unsafe")
	require.Equal(t, http.StatusNotModified, get(t, "/", `W/"x", `+w.Header().Get("ETag")).Code)
	require.Equal(t, http.StatusNotFound, get(t, "/page/", "").Code)
	require.Equal(t, http.StatusNotFound, get(t, "/page/files/page.js", "").Code)
	require.JSONEq(t, `{"locations": ["grpc://[::]:8815"]}`, get(t, "/page/server.json", "").Body.String())
}

// TestSmaller: what is compressed has a tag of its own, and is the same.
func TestSmaller(t *testing.T) {
	all, err := load(embedded)
	require.NoError(t, err)
	h, err := New(func() []string { return nil })
	require.NoError(t, err)
	r := httptest.NewRequest("GET", "/page/page.js", nil)
	r.Header.Set("Accept-Encoding", "br, gzip")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	require.Equal(t, "gzip", w.Header().Get("Content-Encoding"))
	require.NotEqual(t, all["page.js"].tag, w.Header().Get("ETag"))
	z, err := gzip.NewReader(w.Body)
	require.NoError(t, err)
	body, err := io.ReadAll(z)
	require.NoError(t, err)
	require.Equal(t, all["page.js"].body, body)
	r.Header.Set("If-None-Match", w.Header().Get("ETag"))
	again := httptest.NewRecorder()
	h.ServeHTTP(again, r)
	require.Equal(t, http.StatusNotModified, again.Code)
}

// TestPolicyAllowsTheMarkup: its script and style, by their hashes, and nothing comes from elsewhere.
func TestPolicyAllowsTheMarkup(t *testing.T) {
	all, err := load(embedded)
	require.NoError(t, err)
	markup := all["index.html"].body
	require.Len(t, inline.FindAll(markup, -1), 2)
	require.Equal(t, 2, strings.Count(policyOf(markup), "'sha256-"))
	require.Equal(t, 1, strings.Count(policyOf([]byte("<style>a{}</style><script src=x></script>")), "'sha256-"))
	require.NotRegexp(t, `(?:src|href)="https?:|@import|: url\(`, string(markup))
	for _, m := range regexp.MustCompile(`(?:src|href)="page/([^"]*)"`).FindAllSubmatch(markup, -1) {
		require.Contains(t, all, string(m[1]))
	}
}

// TestModules are what the page is built of: no text becomes markup, and none is long.
func TestModules(t *testing.T) {
	modules, err := filepath.Glob("../../../packaging/page/source/*.js")
	require.NoError(t, err)
	require.NotEmpty(t, modules)
	for _, name := range modules {
		body, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NotRegexp(t, "innerHTML|outerHTML|insertAdjacentHTML|document.write", string(body), name)
		require.LessOrEqual(t, strings.Count(string(body), "\n"), 400, name)
	}
}
