// Package admin is what an operator asks a server by HTTP: its metrics, its state, profiles of Go. Handler makes it, Parse says where.
// It shows the names of files and of users: it is for a loopback address, a Unix socket, or whom Guarded lets in.
package admin

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/pprof"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
)

// Handler answers /metrics, /status and /debug/pprof/. It lets everybody in.
func Handler(metrics http.Handler, status func() any) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(status())
	})
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	return mux
}

// Guarded asks let before anything else, and answers whom it refuses itself.
func Guarded(next http.Handler, let func(*http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := let(r)
		if err == nil {
			next.ServeHTTP(w, r)
			return
		}
		code := http.StatusServiceUnavailable
		switch {
		case errors.Is(err, fault.Unauthenticated):
			code = http.StatusUnauthorized
			w.Header().Set("WWW-Authenticate", "Bearer")
		case errors.Is(err, fault.Denied):
			code = http.StatusForbidden
		case errors.Is(err, fault.Exhausted):
			code = http.StatusTooManyRequests
		}
		http.Error(w, err.Error(), code)
	})
}

// Address is where an operator is answered.
type Address struct {
	Network, At string
	TLS         bool
}

// Parse takes HOST:PORT, https://HOST:PORT or unix:///PATH apart.
func Parse(text string) (a Address, err error) {
	if path, ok := strings.CutPrefix(text, "unix://"); ok {
		return Address{Network: "unix", At: path}, nil
	}
	a.Network = "tcp"
	a.At, a.TLS = strings.CutPrefix(text, "https://")
	if _, _, err := net.SplitHostPort(a.At); err != nil {
		return a, fault.New(fault.Invalid, "--admin %q: write HOST:PORT, https://HOST:PORT or unix:///PATH", text)
	}
	return a, nil
}

// Exposed tells whether others than this machine's users may reach it.
func (a Address) Exposed() bool {
	host, _, _ := net.SplitHostPort(a.At)
	return a.Network != "unix" && host != "localhost" && !net.ParseIP(host).IsLoopback()
}
