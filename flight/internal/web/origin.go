package web

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/mtflight/mtflight/flight/internal/page"
	"github.com/mtflight/mtflight/internal/fault"
)

// guard keeps pages of other servers out. A browser on this machine reaches a loopback address, too, and asks for whatever page it
// shows: by another name for this address (DNS rebinding), or across origins.
type guard struct{ hosts, origins []string }

func newGuard(c Config) (guard, error) {
	for _, o := range c.Origins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme == "" || u.Host == "" || o != u.Scheme+"://"+u.Host {
			return guard{}, fault.New(fault.Invalid, "--http-cors %q: write SCHEME://HOST[:PORT], as browsers name a page's origin", o)
		}
	}
	return guard{hosts: c.Hosts, origins: c.Origins}, nil
}

func (g guard) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		allowed := slices.Contains(g.origins, r.Header.Get("Origin"))
		switch {
		case !g.knows(r.Host):
			failWith(w, http.StatusMisdirectedRequest, problem{"PermissionDenied", "this server has no such name: start it with --http-host NAME if it has"})
		case !allowed && foreign(r) && !open(r):
			failWith(w, http.StatusForbidden, problem{"PermissionDenied", "a page of another server asks: start this one with --http-cors ORIGIN to let it"})
		case allowed:
			g.share(w, r, next)
		default:
			h.Set("Cross-Origin-Resource-Policy", "same-origin")
			next.ServeHTTP(w, r)
		}
	})
}

// knows tells whether a header Host is this server's: an address is, since no name can be made to lead elsewhere then.
func (g guard) knows(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	return host == "localhost" || net.ParseIP(host) != nil || slices.Contains(g.hosts, host) || slices.Contains(g.hosts, "*")
}

// foreign tells whether a browser asks on behalf of a page of another origin.
func foreign(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		return err != nil || u.Host != r.Host
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}

// open tells whether anybody may have what is asked for, since it tells nothing of any file: the page, for who follows a link to it, and the
// parts of a frame that has no origin.
func open(r *http.Request) bool {
	h := r.Header
	follows := h.Get("Sec-Fetch-Mode") == "navigate" && h.Get("Sec-Fetch-Dest") == "document" && h.Get("Origin") == ""
	return r.Method == http.MethodGet && (r.URL.Path == "/" && follows || strings.HasPrefix(r.URL.Path, page.Framed))
}

// share lets a page of another server read the answer.
func (g guard) share(w http.ResponseWriter, r *http.Request, next http.Handler) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
	h.Set("Access-Control-Expose-Headers", "ETag, Content-Range, X-Request-Id, "+version+", "+outcome)
	h.Set("Vary", "Origin")
	if r.Method != http.MethodOptions {
		next.ServeHTTP(w, r)
		return
	}
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-None-Match, If-Range, Range, X-Request-Id")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}
