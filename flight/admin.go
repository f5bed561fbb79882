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

// checkAdmin refuses an address of the operator's at which everybody would be let in, or nobody.
func (s *Server) checkAdmin() (err error) {
	if s.cfg.Admin == "" {
		return nil
	}
	if s.operator, err = admin.Parse(s.cfg.Admin); err != nil {
		return err
	}
	switch {
	case s.operator.TLS && s.cfg.Security.TLSCert == "":
		return fault.New(fault.Invalid, "--admin %s: TLS needs --tls-cert and --tls-key", s.cfg.Admin)
	case s.operator.Exposed() && !s.cfg.Insecure && !(s.operator.TLS && s.guard.Asks()):
		return fault.New(fault.Invalid, "--admin %s: whoever reaches it would see what is read by whom: give a loopback address, unix:///PATH, or https://HOST:PORT with "+
			"--tls-cert, --tls-key, a login and operators in --rules; or add --insecure", s.cfg.Admin)
	case s.judgesOperators() && !s.guard.HasOperators():
		return fault.New(fault.Invalid, "--admin %s: nobody could use it: name operators in --rules FILE, as in operators: [NAME]", s.cfg.Admin)
	}
	return nil
}

// judgesOperators tells whether who asks at the admin address has to log in: on loopback without TLS and on a Unix socket nobody has to.
func (s *Server) judgesOperators() bool {
	return (s.operator.TLS || s.operator.Exposed()) && s.guard.Asks()
}

// openAdmin listens at Config.Admin; nil if there is none.
func (s *Server) openAdmin() (net.Listener, error) {
	if s.cfg.Admin == "" {
		return nil, nil
	}
	l, err := bindAnew(s.operator.Network, s.operator.At, 0o600)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "--admin %s: %w: choose another one", s.cfg.Admin, err)
	}
	return l, nil
}

// serveAdmin answers until ctx ends.
func (s *Server) serveAdmin(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: s.Admin(), ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: s.cfg.Limits.Header, ErrorLog: zap.NewStdLog(s.log)}
	if s.judgesOperators() {
		server.Handler = admin.Guarded(server.Handler, s.letOperator)
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	s.log.Info("listening for the operator", zap.Stringer("address", l.Addr()), zap.Bool("tls", s.operator.TLS), zap.Bool("login", s.judgesOperators()))
	serve := server.Serve
	if s.operator.TLS {
		server.TLSConfig = s.guard.HTTPS()
		serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// letOperator lets operators in, and writes down who asks for what.
func (s *Server) letOperator(r *http.Request) error {
	i, err := s.guard.Operator(r)
	fields := []zap.Field{zap.String("identity", i.Name), zap.String("peer", r.RemoteAddr), zap.String("path", short(r.URL.Path))}
	if err != nil {
		fields = append(fields, zap.Error(err))
	}
	s.cfg.Audit.Info("operator", fields...)
	return err
}
