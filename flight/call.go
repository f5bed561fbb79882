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

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/identity"
)

// call is what the log line of one RPC says. Used by the RPC's goroutine only.
type call struct {
	id            string
	who           identity.Identity // whom a Handshake let in
	action        string            // of DoAction
	file, dataset string
	rows, bytes   int64 // sent
}

type callKey struct{}

// callOf is the call of an RPC's context; outside of one an empty call.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{id: "none"}
}

const requestIDHeader = "x-request-id"

// newCall takes the id that the client sent, if it looks like one, or makes one.
func newCall(ctx context.Context) *call {
	if ids := metadata.ValueFromIncomingContext(ctx, requestIDHeader); len(ids) == 1 && plainID(ids[0]) {
		return &call{id: ids[0]}
	}
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return &call{id: hex.EncodeToString(b[:])}
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
	c := newCall(ctx)
	ctx = context.WithValue(ctx, callKey{}, c)
	_ = grpc.SetHeader(ctx, metadata.Pairs(requestIDHeader, c.id))
	ctx, denied := s.admit(ctx, info.FullMethod)
	err = s.observe(ctx, info.FullMethod, denied, func() error {
		var err error
		answer, err = next(ctx, req)
		return err
	})
	return answer, err
}

func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	c := newCall(ss.Context())
	ctx := context.WithValue(ss.Context(), callKey{}, c)
	_ = ss.SetHeader(metadata.Pairs(requestIDHeader, c.id))
	ctx, denied := s.admit(ctx, info.FullMethod)
	return s.observe(ctx, info.FullMethod, denied, func() error { return next(srv, callStream{ss, ctx}) })
}

// callStream is a stream with the call in its context.
type callStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (c callStream) Context() context.Context { return c.ctx }

// observe runs one RPC that is not denied: refused when draining, a panic made an error, its error made a status, one line in the log.
func (s *Server) observe(ctx context.Context, method string, denied error, run func() error) error {
	began, err := time.Now(), denied
	if err == nil {
		err = s.guarded(method, run)
	}
	if ours(method) || denied != nil {
		st := s.statusOf(ctx, err)
		s.logCall(ctx, method, time.Since(began), err, st)
		return st
	}
	return err
}

// ours tells Flight's methods from those of health and reflection.
func ours(method string) bool { return strings.HasPrefix(method, "/arrow.flight.") }

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

func (s *Server) logCall(ctx context.Context, method string, took time.Duration, err, st error) {
	c, code := callOf(ctx), status.Code(st)
	who, from := cmp.Or(identity.Of(ctx).Name, c.who.Name), ""
	if p, ok := peer.FromContext(ctx); ok {
		from = p.Addr.String()
	}
	fields := []zap.Field{
		zap.String("identity", who), zap.String("peer", from), zap.String("method", path.Base(method)), zap.String("action", c.action), zap.String("request", c.id), zap.String("code", code.String()),
		zap.Duration("duration", took), zap.String("file", short(c.file)), zap.String("dataset", short(c.dataset)),
		zap.Int64("rows", c.rows), zap.Int64("bytes", c.bytes),
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
