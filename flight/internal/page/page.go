// Package page holds the page that a browser shows: its markup, style and modules of JavaScript, in files. New gives what answers with
// them; it tells nothing of any file that is served, so it needs no login. What the page shows it asks of package web, as any other
// client does.
//
// Nothing here is built but files/vendor and files/h5web, which `make page` makes of packages of npm (packaging/page).
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed files
var embedded embed.FS

// own is what the page may do: it asks its own server, and runs its own modules.
const own = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// framed is what h5web may do in its frame: make scripts (it compiles loops over arrays) and style, but neither have an origin nor ask anybody.
const framed = "sandbox allow-scripts; default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src data: blob:; font-src data:; " +
	"worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// Framed is where the parts of that frame are. It has no origin, so that a browser asks for them as it does for strangers.
const Framed = "/page/h5web/"

// Media are the types of what is worth compressing.
var Media = []string{"text/html", "text/css", "text/javascript"}

// asset is one file as it is answered.
type asset struct {
	body       []byte
	media, tag string
}

// New makes what answers GET / and GET /page/. Where says at which locations of Flight the server can be asked; it is called once the
// server listens. Safe for concurrent use.
func New(where func() []string) (http.Handler, error) {
	all, err := load(embedded)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", all.answer("index.html"))
	for name := range all {
		mux.HandleFunc("GET /page/"+name, all.answer(name))
	}
	mux.HandleFunc("GET /page/server.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string][]string{"locations": where()}) // the client may have left
	})
	return mux, nil
}

type assets map[string]asset

func load(from fs.FS) (assets, error) {
	all := assets{}
	return all, fs.WalkDir(from, "files", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		all[strings.TrimPrefix(name, "files/")] = asset{body, mediaOf(name), `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`}
		return nil
	})
}

// mediaOf does not ask the machine, whose tables may say anything.
func mediaOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.FormatMediaType("application/octet-stream", nil)
}

func (all assets) answer(name string) http.HandlerFunc {
	a := all[name]
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", a.media)
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", a.tag)
		h.Set("Content-Security-Policy", own)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if strings.HasPrefix(r.URL.Path, Framed) {
			h.Set("Content-Security-Policy", framed)
			h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		}
		if strings.Contains(r.Header.Get("If-None-Match"), strings.Trim(a.tag, `"`)) { // compressed answers have a suffix
			w.WriteHeader(http.StatusNotModified)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.body))
	}
}
