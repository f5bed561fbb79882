package flight

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/mtflight/mtflight/flight/internal/web"
	"github.com/mtflight/mtflight/flight/internal/wire"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// HTTP says where and to whom a Server answers by HTTP what it answers by Flight: docs/http.md. The zero value: nowhere.
type HTTP struct {
	Address string   // HOST:PORT; TLS is spoken there where there is a certificate
	Hosts   []string // names of this server, beside localhost and its addresses; "*": any
	Origins []string // pages of other servers that may ask
	Files   int64    // bytes of Parquet files at most that are kept in TMPDIR for who reads them in parts; default 1 GiB
}

// webMethod begins the names of calls by HTTP in log and metrics.
const webMethod = "/mtflight.http/http."

// webDoor is the Server as package web asks it.
type webDoor struct{ *Server }

// Call is part of web.Service: the call of a request, whose headers are those of any call.
func (d webDoor) Call(w http.ResponseWriter, r *http.Request, name string, run func(context.Context) error) error {
	ctx := peer.NewContext(metadata.NewIncomingContext(r.Context(), headersOf(r)), web.Peer(r))
	c := newCall(ctx)
	w.Header().Set(requestIDHeader, c.id)
	c.cut = func(error) { _ = http.NewResponseController(w).SetWriteDeadline(time.Now()) } // a test's recorder has none
	ctx, one := d.traced(c.in(ctx), webMethod+name)
	defer c.stop(nil)
	ctx, denied := d.admit(ctx, webMethod+name)
	err := d.observe(ctx, webMethod+name, denied, func() error { return run(ctx) })
	c.endSpan(one, err)
	return err
}

func headersOf(r *http.Request) metadata.MD {
	md := metadata.MD{}
	for _, name := range []string{authorization, requestIDHeader, "traceparent", "tracestate"} {
		if values := r.Header.Values(name); len(values) > 0 {
			md[name] = values
		}
	}
	return md
}

// Body is part of web.Service.
func (d webDoor) Body(ctx context.Context, body io.Reader, cut func()) ([]byte, error) {
	all, taken, err := d.door.Body(body, cut)
	defer taken()
	if err == nil {
		err = callOf(ctx).held.Message(len(all))
	}
	return all, err
}

// Plan is part of web.Service.
func (d webDoor) Plan(ctx context.Context, r protocol.Request) (*reader.Plan, error) {
	return d.plan(ctx, r)
}

// Act is part of web.Service.
func (d webDoor) Act(ctx context.Context, name string, body []byte, answer func([]byte) error) error {
	return d.act(ctx, name, body, func(v any) error {
		one, err := bodyOf(v)
		if err != nil {
			return err
		}
		return answer(one)
	})
}

// Sent is part of web.Service.
func (d webDoor) Sent(ctx context.Context, rows, bytes int64) { callOf(ctx).sent(rows, bytes) }

// Locations is part of web.Service.
func (d webDoor) Locations() []string { return d.locations }

// Ready is part of web.Service.
func (d webDoor) Ready() bool { return !d.draining.Load() }

// webServer listens by HTTP and answers.
type webServer struct {
	http.Server
	listener net.Listener
	location string
}

// checkHTTP makes what answers by HTTP, and refuses an address at which everybody could read.
func (s *Server) checkHTTP() (err error) {
	h := s.cfg.HTTP
	if h.Address == "" {
		return nil
	}
	if s.web, err = web.New(webDoor{s}, web.Config{Hosts: lower(h.Hosts), Origins: h.Origins, Whole: h.Files, Stalled: s.cfg.Limits.ReceiveTimeout, Version: s.cfg.Version}); err != nil {
		return err
	}
	at, err := net.ResolveTCPAddr("tcp", h.Address)
	if err != nil {
		return fault.New(fault.Invalid, "--http %q: write HOST:PORT", h.Address)
	}
	return s.exposed(at, s.guard.TLS() != nil)
}

// openWeb listens at Config.HTTP; nil if there is none.
func (s *Server) openWeb() (*webServer, error) {
	at, limits := s.cfg.HTTP.Address, s.cfg.Limits
	if at == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		return nil, refused("--http "+at, "tcp", at, err)
	}
	d := wire.Listener{Listener: l}
	w := &webServer{listener: wire.Visitors{Listener: l, Crowd: s.crowd}, location: "http://" + l.Addr().String()}
	if s.cfg.Security.TLSCert != "" {
		d.TLS = s.guard.HTTPS()
		w.listener, w.location = tls.NewListener(w.listener, d.TLS), "https://"+l.Addr().String()
	}
	s.warnOf(d)
	w.Server = http.Server{Handler: s.web, MaxHeaderBytes: limits.Header, ReadTimeout: limits.ReceiveTimeout, IdleTimeout: limits.Idle,
		ErrorLog: zap.NewStdLog(s.log), HTTP2: &http.HTTP2Config{MaxConcurrentStreams: limits.Streams, MaxReceiveBufferPerConnection: streamWindow, MaxReceiveBufferPerStream: streamWindow}}
	wire.Attend(&w.Server)
	return w, nil
}

func lower(all []string) (out []string) {
	for _, s := range all {
		out = append(out, strings.ToLower(s))
	}
	return out
}

// serveWeb answers until ctx ends; then what runs may go on for Config.Drain.
func (s *Server) serveWeb(ctx context.Context, w *webServer) error {
	s.log.Info("listening by HTTP", zap.String("location", w.location), zap.Stringer("address", w.listener.Addr()))
	return errors.Join(web.Serve(ctx, &w.Server, w.listener, s.cfg.Drain), s.web.Close())
}
