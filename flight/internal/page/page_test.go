package page

import (
	"net/http"
	"net/http/httptest"
	"path"
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
	require.Equal(t, http.StatusNotModified, get(t, "/", `W/"x", `+strings.TrimSuffix(w.Header().Get("ETag"), `"`)+`-c"`).Code)
	require.Equal(t, http.StatusNotFound, get(t, "/page/", "").Code)
	require.Equal(t, http.StatusNotFound, get(t, "/page/files/main.js", "").Code)
	require.JSONEq(t, `{"locations": ["grpc://[::]:8815"]}`, get(t, "/page/server.json", "").Body.String())
}

// TestEverythingNamedIsThere: what markup and modules refer to is a file, and nothing comes from elsewhere.
func TestEverythingNamedIsThere(t *testing.T) {
	all, err := load(embedded)
	require.NoError(t, err)
	imports := regexp.MustCompile(`(?m)^(?:import|export) .*from '(\./[^']*)'`)
	outside := regexp.MustCompile(`(?:src|href)="https?:|@import|: url\(`)
	for name, a := range all {
		if strings.Contains(name, "/") {
			continue // built
		}
		for _, m := range imports.FindAllStringSubmatch(string(a.body), -1) {
			require.Contains(t, all, strings.TrimPrefix(m[1], "./"), name)
		}
		require.False(t, outside.Match(a.body), name)
		require.NotContains(t, string(a.body), "innerHTML", name)
		require.LessOrEqual(t, strings.Count(string(a.body), "\n"), 400, name)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?:src|href)="page/([^"]*)"`).FindAllStringSubmatch(string(all["index.html"].body), -1) {
		require.Contains(t, all, m[1])
		named[m[1]] = true
	}
	for name := range all {
		alone := strings.HasPrefix(name, "h5web/") || name == "catalogue-worker.js"
		require.True(t, named[name] || path.Ext(name) != ".js" || alone, "%s is asked for only when the module that names it has come", name)
	}
}
