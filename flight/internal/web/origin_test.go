package web

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhoMayAsk(t *testing.T) {
	g, err := newGuard(Config{Hosts: []string{"data.example"}, Origins: []string{"https://lab.example"}})
	require.NoError(t, err)
	h := g.around(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	for _, c := range []struct {
		host, origin, site string
		want               int
	}{
		{"localhost:8080", "", "", 200},
		{"127.0.0.1:8080", "", "none", 200},
		{"[::1]:8080", "", "same-origin", 200},
		{"DATA.example.", "", "", 200},
		{"evil.example:8080", "", "", 421},
		{"localhost.evil.example", "", "", 421},
		{"", "", "", 421},
		{"127.0.0.1:8080", "http://127.0.0.1:8080", "same-origin", 200},
		{"127.0.0.1:8080", "http://127.0.0.1:9090", "same-site", 403},
		{"127.0.0.1:8080", "http://evil.example", "cross-site", 403},
		{"127.0.0.1:8080", "null", "cross-site", 403},
		{"127.0.0.1:8080", "", "cross-site", 403},
		{"127.0.0.1:8080", "", "same-site", 403},
		{"127.0.0.1:8080", "https://lab.example", "cross-site", 200},
	} {
		r := httptest.NewRequest("GET", "/v1/about", nil)
		r.Host = c.host
		for name, value := range map[string]string{"Origin": c.origin, "Sec-Fetch-Site": c.site} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, c.want, w.Code, "%+v", c)
		require.Equal(t, c.origin == "https://lab.example", w.Header().Get("Access-Control-Allow-Origin") != "", "%+v", c)
	}
	for _, origin := range []string{"lab.example", "https://lab.example/", "*", "https://"} {
		_, err := newGuard(Config{Origins: []string{origin}})
		require.Error(t, err, origin)
	}
}

// TestLinksToThePage: a link leads to the page from anywhere, and to nothing that tells of files.
func TestLinksToThePage(t *testing.T) {
	g, err := newGuard(Config{})
	require.NoError(t, err)
	h := g.around(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	for _, c := range []struct {
		path, mode, dest, origin string
		want                     int
	}{
		{"/", "navigate", "document", "", 200},
		{"/", "navigate", "iframe", "", 403},
		{"/", "no-cors", "script", "", 403},
		{"/", "cors", "empty", "https://evil.example", 403},
		{"/", "navigate", "document", "https://evil.example", 403},
		{"/page/main.js", "no-cors", "script", "", 403},
		{"/page/h5web/h5web.js", "no-cors", "script", "", 200},
		{"/page/h5web/h5web.js", "no-cors", "script", "null", 200},
		{"/v1/list", "navigate", "document", "", 403},
	} {
		r := httptest.NewRequest("GET", c.path, nil)
		r.Host = "127.0.0.1:8080"
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": c.mode, "Sec-Fetch-Dest": c.dest, "Origin": c.origin} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		require.Equal(t, c.want, w.Code, "%+v", c)
	}
}

func TestPreflight(t *testing.T) {
	g, err := newGuard(Config{Origins: []string{"https://lab.example"}})
	require.NoError(t, err)
	r := httptest.NewRequest("OPTIONS", "/v1/data", nil)
	r.Host = "127.0.0.1"
	r.Header.Set("Origin", "https://lab.example")
	w := httptest.NewRecorder()
	g.around(http.NotFoundHandler()).ServeHTTP(w, r)
	require.Equal(t, http.StatusNoContent, w.Code)
	require.Contains(t, w.Header().Get("Access-Control-Allow-Headers"), "Authorization")
}
