package flight

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/mtflight/mtflight/flight/internal/admin"
	"github.com/mtflight/mtflight/internal/fault"
)

// Admin answers an operator by HTTP: /metrics for Prometheus, /status as JSON (Status), /debug/pprof/. It lets everybody in.
func (s *Server) Admin() http.Handler {
	return admin.Handler(s.metrics.Handler(), func() any { return s.Status() })
}

// openAdmin listens at Config.Admin; nil if there is none.
func (s *Server) openAdmin() (net.Listener, error) {
	if s.cfg.Admin == "" {
		return nil, nil
	}
	network, at, err := admin.Address(s.cfg.Admin, s.cfg.Insecure)
	if err != nil {
		return nil, err
	}
	l, err := bindAnew(network, at, 0o600)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "--admin %s: %w: choose another one", s.cfg.Admin, err)
	}
	return l, nil
}

// serveAdmin answers until ctx ends.
func (s *Server) serveAdmin(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: s.Admin(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: zap.NewStdLog(s.log)}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	s.log.Info("listening for the operator", zap.Stringer("address", l.Addr()))
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
