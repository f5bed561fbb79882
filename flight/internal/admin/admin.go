// Package admin is what an operator asks a server by HTTP: its metrics, its state, profiles of Go. Handler makes it, Listen its listener.
// It shows the names of files and of users: it is for a loopback address, a Unix socket, or for who has logged in.
package admin

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"strings"

	"github.com/mtflight/mtflight/internal/fault"
)

// Handler answers /metrics, /status and /debug/pprof/ for those that allowed lets in; an error of it is what others get.
func Handler(metrics http.Handler, status func() any, allowed func(*http.Request) error) http.Handler {
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
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := allowed(r); err != nil {
			w.Header().Set("WWW-Authenticate", `Basic realm="mtflight"`)
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// Listen listens at HOST:PORT or unix:///PATH, whose file only this user may use. exposed is whether others than this machine's users may
// reach it.
func Listen(address string, exposed bool) (net.Listener, error) {
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		return listenSocket(address, path)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fault.New(fault.Invalid, "--admin %q: write HOST:PORT or unix:///PATH", address)
	}
	if ip := net.ParseIP(host); !exposed && host != "localhost" && !ip.IsLoopback() {
		return nil, fault.New(fault.Invalid, "--admin %s: whoever reaches it would see what is read by whom: give a loopback address or unix:///PATH, have clients log in, or add --insecure", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "--admin %s: %w: choose another address", address, err)
	}
	return l, nil
}

func listenSocket(address, path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSocket != 0 {
		if c, err := net.Dial("unix", path); err == nil {
			c.Close()
		} else {
			_ = os.Remove(path) // nobody listens to it any more
		}
	}
	l, err := net.Listen("unix", path)
	if err == nil {
		if err = os.Chmod(path, 0o600); err == nil {
			return l, nil
		}
		l.Close()
	}
	return nil, fault.New(fault.Unavailable, "--admin %s: %w: choose another path", address, err)
}
