package flight

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/flight/internal/admission"
	"github.com/mtflight/mtflight/flight/internal/catalog"
	"github.com/mtflight/mtflight/flight/internal/guard"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

const doGet = "/arrow.flight.protocol.FlightService/DoGet"

func bareServer(t *testing.T) (*Server, string, *observer.ObservedLogs) {
	t.Helper()
	dir := t.TempDir()
	cat, err := catalog.New([]string{dir})
	require.NoError(t, err)
	core, logs := observer.New(zapcore.DebugLevel)
	log := zap.New(core)
	return bounded(&Server{cfg: Config{Audit: log}, catalog: cat, guard: unguarded(t), log: log}), dir, logs
}

// bounded gives a server that was not made by New what all calls share.
func bounded(s *Server) *Server {
	s.shares = sync.OnceValue(func() *admission.Shares { return admission.NewShares(1 << 10) })
	s.sentRoom = sync.OnceValue(func() *admission.Room { return admission.NewRoom(bufpool.NewBudget(1<<20, time.Second), nil) })
	return s
}

// unguarded lets everybody in.
func unguarded(t *testing.T) *guard.Guard {
	g, err := guard.New(guard.Config{}, nil, zap.NewNop())
	require.NoError(t, err)
	return g
}

func TestEveryKindHasACode(t *testing.T) {
	require.Len(t, errorCodes, len(fault.Kinds()))
	for _, kind := range fault.Kinds() {
		code, _ := codeOf(context.Background(), fmt.Errorf("around: %w", kind))
		require.NotEqual(t, codes.Internal, code, kind)
		require.NotEqual(t, codes.OK, code, kind)
	}
}

func TestStatusOf(t *testing.T) {
	s, dir, _ := bareServer(t)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancel2 := context.WithTimeout(context.Background(), -time.Second)
	defer cancel2()
	path := &fs.PathError{Op: "open", Path: dir + "/a/b.h5", Err: fs.ErrPermission}
	for _, c := range []struct {
		ctx  context.Context
		err  error
		code codes.Code
		says string
	}{
		{nil, fault.New(fault.DataLoss, "chunk 3: %w", context.DeadlineExceeded), codes.DataLoss, "chunk 3: context deadline exceeded"},
		{nil, fault.New(fault.NotFound, "cannot: %w", path), codes.NotFound, "cannot: open a/b.h5: permission denied"},
		{nil, path, codes.Internal, "internal error"},
		{nil, errors.New("*fs.PathError at x.go:12"), codes.Internal, "internal error"},
		{nil, context.Canceled, codes.Canceled, "cancelled"},
		{nil, context.DeadlineExceeded, codes.DeadlineExceeded, "took too long"},
		{nil, status.Error(codes.ResourceExhausted, "too large"), codes.ResourceExhausted, "too large"},
		{gone, fault.New(fault.DataLoss, "x"), codes.Canceled, "the client has left"},
		{late, errors.New("x"), codes.DeadlineExceeded, "the client's deadline has passed"},
		{nil, fault.New(fault.Invalid, "bad \xff"), codes.InvalidArgument, "bad \ufffd"},
	} {
		if c.ctx == nil {
			c.ctx = context.Background()
		}
		st := status.Convert(s.statusOf(context.WithValue(c.ctx, callKey{}, &call{id: "3f2a"}), c.err))
		require.Equal(t, c.code, st.Code(), c.err)
		require.Equal(t, c.says+" (request 3f2a)", st.Message())
	}
	require.NoError(t, s.statusOf(gone, nil))
	long := status.Convert(s.statusOf(context.Background(), fault.New(fault.Invalid, "%s", strings.Repeat("ü", 5000))))
	require.Less(t, len(long.Message()), 2100)
}

func TestObserve(t *testing.T) {
	s, _, logs := bareServer(t)
	ctx := metadata.NewIncomingContext(context.Background(), metadata.Pairs(requestIDHeader, "mine-1"))
	run := func(h grpc.UnaryHandler) error {
		_, err := s.unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: doGet}, h)
		return err
	}
	err := run(func(ctx context.Context, _ any) (any, error) {
		callOf(ctx).file.set("a.h5")
		panic("a bug")
	})
	require.Equal(t, codes.Internal, status.Code(err))
	require.ErrorContains(t, err, "internal error (request mine-1)")
	line := logs.TakeAll()[0]
	require.Equal(t, zapcore.ErrorLevel, line.Level)
	require.Equal(t, "mine-1", line.ContextMap()["request"])
	require.Equal(t, "a.h5", line.ContextMap()["file"])
	require.Contains(t, line.ContextMap()["error"], "errors_test.go")

	require.NoError(t, run(func(context.Context, any) (any, error) { return nil, nil }))
	require.Equal(t, "OK", logs.TakeAll()[0].ContextMap()["code"])

	s.draining.Store(true)
	err = run(func(context.Context, any) (any, error) { panic("not reached") })
	require.Equal(t, codes.Unavailable, status.Code(err))
	_, err = s.unary(ctx, nil, &grpc.UnaryServerInfo{FullMethod: "/grpc.health.v1.Health/Check"},
		func(context.Context, any) (any, error) { return nil, nil })
	require.NoError(t, err)
}

func TestRequestID(t *testing.T) {
	for given, taken := range map[string]bool{"abc-1": true, "": false, "a b": false, "a\nb": false, strings.Repeat("a", 65): false} {
		c := newCall(metadata.NewIncomingContext(context.Background(), metadata.Pairs(requestIDHeader, given)))
		require.Equal(t, taken, c.id == given, given)
		require.NotEmpty(t, c.id)
	}
	require.Len(t, newCall(context.Background()).id, 12)
}

// A panic over one file of a listing is that file's error only: there is no engine here, so that opening panics.
func TestTreeCatches(t *testing.T) {
	s, dir, logs := bareServer(t)
	require.NoError(t, os.WriteFile(dir+"/x.h5", nil, 0o600))
	_, err := s.tree(context.Background(), reader.Location{Path: dir + "/x.h5", Name: "x.h5"})
	require.ErrorContains(t, err, "panic in the tree of x.h5")
	require.Equal(t, "Internal: internal error", s.reason(context.Background(), "x.h5", err))
	require.Contains(t, logs.TakeAll()[0].ContextMap()["error"], "goroutine")
}

// What a client sends is as long as it likes, and a line of the log is not.
func TestLinesOfTheLogAreBounded(t *testing.T) {
	require.Equal(t, "as it is", short("as it is"))
	long := short(strings.Repeat("\x01", 15<<20))
	require.Less(t, len(long), 9<<10)
	require.Contains(t, long, "(15728640 bytes)")
}

// TestAskAgain: what others were the cause of comes with the time after which to ask again.
func TestAskAgain(t *testing.T) {
	s, _, _ := bareServer(t)
	full := fault.New(fault.Exhausted, "full")
	st, _ := status.FromError(s.statusOf(context.Background(), full))
	require.Empty(t, st.Details())
	st, _ = status.FromError(s.statusOf(context.Background(), fault.Later(full)))
	require.Equal(t, codes.ResourceExhausted, st.Code())
	require.Equal(t, retryAfter, st.Details()[0].(*errdetails.RetryInfo).GetRetryDelay().AsDuration())
}
