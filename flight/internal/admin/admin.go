// Package admin is what an operator asks a server by HTTP: its metrics, its state, profiles of Go. Handler makes it, Address says where.
// It shows the names of files and of users: it is for a loopback address or a Unix socket.
package admin

import (
	"encoding/json"
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

// Address takes HOST:PORT or unix:///PATH apart. exposed is whether others than this machine's users may reach it.
func Address(address string, exposed bool) (network, at string, err error) {
	if path, ok := strings.CutPrefix(address, "unix://"); ok {
		return "unix", path, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "", "", fault.New(fault.Invalid, "--admin %q: write HOST:PORT or unix:///PATH", address)
	}
	if ip := net.ParseIP(host); !exposed && host != "localhost" && !ip.IsLoopback() {
		return "", "", fault.New(fault.Invalid, "--admin %s: whoever reaches it would see what is read by whom: give a loopback address or unix:///PATH, or add --insecure", address)
	}
	return "tcp", address, nil
}
