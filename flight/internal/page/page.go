// Package page holds the page that a browser shows: its markup, style and modules of JavaScript, in files. New gives what answers with
// them; it tells nothing of any file that is served, so it needs no login. What the page shows it asks of package web, as any other
// client does.
//
// What is in files is built by `make page`, of the modules in packaging/page/source and of packages of npm.
package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"
)

//go:embed files
var embedded embed.FS

// own is what the page may do: it asks its own server, and runs its own modules and what is in its markup.
const own = "default-src 'self'; script-src 'self' %s; style-src 'self' %s; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// framed is what h5web may do in its frame: make scripts (it compiles loops over arrays) and style, but neither have an origin nor ask anybody.
const framed = "sandbox allow-scripts; default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src data: blob:; font-src data:; " +
	"worker-src blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// Framed is where the parts of that frame are. It has no origin, so that a browser asks for them as it does for strangers.
const Framed = "/page/h5web/"

// asset is one file as it is answered.
type asset struct {
	body       []byte
	media, tag string
	smaller    func() []byte // body by gzip, made once
}

// New makes what answers GET / and GET /page/. Where says at which locations of Flight the server can be asked; it is called once the
// server listens. Safe for concurrent use.
func New(where func() []string) (http.Handler, error) {
	all, err := load(embedded)
	if err != nil {
		return nil, err
	}
	policy := policyOf(all["index.html"].body)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", all["index.html"].answer(policy))
	for name, a := range all {
		if strings.HasPrefix("/page/"+name, Framed) {
			mux.HandleFunc("GET /page/"+name, a.answer(framed))
			continue
		}
		mux.HandleFunc("GET /page/"+name, a.answer(policy))
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
		tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
		all[strings.TrimPrefix(name, "files/")] = asset{body, mediaOf(name), tag, sync.OnceValue(func() []byte { return compressed(body) })}
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

func (a asset) answer(policy string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", a.media)
		h.Set("Cache-Control", "no-cache")
		h.Set("Vary", "Accept-Encoding")
		h.Set("Content-Security-Policy", policy)
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if policy == framed {
			h.Set("Cross-Origin-Resource-Policy", "cross-origin")
		}
		body, tag := a.body, a.tag
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && r.Header.Get("Range") == "" {
			body, tag = a.smaller(), strings.TrimSuffix(a.tag, `"`)+`-c"`
			h.Set("Content-Encoding", "gzip")
		}
		h.Set("ETag", tag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}

// compressed is made once, not for each browser that asks.
func compressed(body []byte) []byte {
	out := bytes.Buffer{}
	w := gzip.NewWriter(&out)
	_, _ = w.Write(body) // to memory
	_ = w.Close()
	return out.Bytes()
}

// inline are the scripts and styles within the markup.
var inline = regexp.MustCompile(`(?s)<(script|style)>(.*?)</(?:script|style)>`)

// policyOf allows what is in the markup, and nothing else that would be.
func policyOf(markup []byte) string {
	hashes := map[string]string{}
	for _, m := range inline.FindAllSubmatch(markup, -1) {
		sum := sha256.Sum256(m[2])
		hashes[string(m[1])] += "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "' "
	}
	return fmt.Sprintf(own, strings.TrimSpace(hashes["script"]), strings.TrimSpace(hashes["style"]))
}
