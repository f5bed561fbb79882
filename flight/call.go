package flight

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path"
	"runtime/debug"
	"strings"
	"time"

	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/flight/internal/admission"
	"github.com/mtflight/mtflight/flight/internal/wire"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/identity"
	"github.com/mtflight/mtflight/internal/span"
	"github.com/mtflight/mtflight/reader"
)

// call is what is known of one RPC, by its log line and by who looks at those that run.
type call struct {
	id, peer, identity          string
	who                         identity.Identity // whom a Handshake let in
	began                       time.Time
	kind, action, file, dataset text // set by the RPC's goroutine: the method, an action of DoAction
	amounts
	all  *calls          // nil: counted alone
	plan *reader.Plan    // of its request, for the log of slow ones; the RPC's goroutine's
	held *admission.Held // for what it was sent; the RPC's goroutine's; nil: nothing is counted
	stop context.CancelCauseFunc
	cut  func(error) // ends it whatever its client does
}

type callKey struct{}

// callOf is the call of an RPC's context; outside of one an empty call.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{id: "none"}
}

// in is a context with the call, which its stop ends.
func (c *call) in(ctx context.Context) context.Context {
	ctx, c.stop = context.WithCancelCause(context.WithValue(ctx, callKey{}, c))
	return ctx
}

const requestIDHeader = "x-request-id"

// newCall takes the id that the client sent, if it looks like one, or makes one.
func newCall(ctx context.Context) *call {
	if ids := metadata.ValueFromIncomingContext(ctx, requestIDHeader); len(ids) == 1 && plainID(ids[0]) {
		return &call{id: ids[0], began: time.Now()}
	}
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return &call{id: hex.EncodeToString(b[:]), began: time.Now()}
}

func plainID(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	for _, r := range s {
		if (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("-_.:", r) {
			return false
		}
	}
	return true
}

func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (answer any, err error) {
	admission.Of(ctx).Arrived()
	c := newCall(ctx)
	ctx, one := s.traced(c.in(ctx), info.FullMethod)
	defer c.stop(nil)
	_ = grpc.SetHeader(ctx, metadata.Pairs(requestIDHeader, c.id))
	ctx, denied := s.admit(ctx, info.FullMethod)
	err = s.observe(ctx, info.FullMethod, denied, func() error {
		var err error
		answer, err = next(ctx, req)
		return err
	})
	c.endSpan(one, err)
	return answer, err
}

func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	c := newCall(ss.Context())
	ctx, one := s.traced(c.in(ss.Context()), info.FullMethod)
	defer c.stop(nil)
	_ = ss.SetHeader(metadata.Pairs(requestIDHeader, c.id))
	ctx, denied := s.admit(ctx, info.FullMethod)
	err := s.observe(ctx, info.FullMethod, denied, func() error { return next(srv, callStream{ss, ctx}) })
	c.endSpan(one, err)
	return err
}

// callStream is a stream with the call in its context.
type callStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (c callStream) Context() context.Context { return c.ctx }

// RecvMsg bounds how long a message may be on its way, which it is until there is memory for it.
func (c callStream) RecvMsg(m any) error {
	e := admission.Of(c.ctx)
	e.Await()
	defer e.Arrived()
	u, is := m.(*wire.Unread)
	if !is {
		u = &wire.Unread{Into: m, Room: callOf(c.ctx).held.Message}
	}
	if err := c.ServerStream.RecvMsg(u); err != nil {
		return err
	}
	return u.Take()
}

// observe runs one RPC that is not denied: refused when draining, a panic made an error, its error made a status, one line in the log.
func (s *Server) observe(ctx context.Context, method string, denied error, run func() error) error {
	if !ours(method) && denied == nil {
		return s.guarded(method, run)
	}
	c := callOf(ctx)
	c.kind.set(path.Base(method))
	c.identity, c.peer = identity.Of(ctx).Name, peerOf(ctx)
	s.calls.begin(c)
	defer s.calls.end(c)
	share, err := s.enter(ctx, denied)
	defer share.Leave()
	c.held = s.sentRoom().Hold(ctx)
	defer c.held.End()
	if err == nil {
		err = s.guarded(method, run)
	}
	st, took := s.statusOf(ctx, err), time.Since(c.began)
	s.logCall(ctx, took, err, st)
	s.logSlow(ctx, took)
	s.metrics.Done(c.what(), status.Code(st).String(), took)
	return st
}

// enter counts a call with others of its identity, or connection.
func (s *Server) enter(ctx context.Context, denied error) (*admission.Share, error) {
	c, cut := callOf(ctx), admission.Of(ctx).End
	if denied != nil {
		return nil, denied
	}
	if c.cut != nil {
		cut = c.cut
	}
	return s.shares().Enter(ownerIn(ctx, identity.Of(ctx).Name), c.stop, cut)
}

// what is the kind of a call: its action, else its method.
func (c *call) what() string { return cmp.Or(c.action.String(), c.kind.String()) }

func peerOf(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok {
		return p.Addr.String()
	}
	return ""
}

// ours tells Flight's methods and HTTP's from those of health and reflection.
func ours(method string) bool {
	return strings.HasPrefix(method, "/arrow.flight.") || strings.HasPrefix(method, webMethod)
}

func (s *Server) guarded(method string, run func() error) (err error) {
	defer caught(path.Base(method), &err)
	if s.draining.Load() && ours(method) {
		return fault.New(fault.Unavailable, "the server is shutting down: ask again, or ask another one")
	}
	return run()
}

// caught, deferred, makes a panic an error.
func caught(what string, err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("flight: panic in %s: %v\n%s", what, p, debug.Stack())
	}
}

// short bounds what a client sent, or what goes back to it, for a line of the log: escaped it may be six times as long.
func short(s string) string {
	const most = 8 << 10
	if len(s) > most {
		return fmt.Sprintf("%s... (%d bytes)", s[:most], len(s))
	}
	return s
}

func (s *Server) logCall(ctx context.Context, took time.Duration, err, st error) {
	c, code := callOf(ctx), status.Code(st)
	fields := []zap.Field{
		zap.String("identity", cmp.Or(c.identity, c.who.Name)), zap.String("peer", c.peer), zap.String("method", c.kind.String()), zap.String("action", c.action.String()),
		zap.String("request", c.id), zap.String("code", code.String()), traceField(ctx),
		zap.Duration("duration", took), zap.String("file", short(c.file.String())), zap.String("dataset", short(c.dataset.String())),
		zap.Int64("rows", c.rows.Load()), zap.Int64("bytes", c.bytes.Load()),
	}
	if err != nil {
		fields = append(fields, zap.String("error", short(err.Error())))
	}
	switch code {
	case codes.Internal, codes.Unknown:
		s.cfg.Audit.Error("rpc", fields...)
	case codes.DataLoss, codes.Aborted, codes.ResourceExhausted:
		s.cfg.Audit.Warn("rpc", fields...)
	default:
		s.cfg.Audit.Info("rpc", fields...)
	}
}

// traceField names the trace that a call is part of, if it is.
func traceField(ctx context.Context) zap.Field {
	if id := span.TraceID(ctx); id != "" {
		return zap.String("trace", id)
	}
	return zap.Skip()
}
