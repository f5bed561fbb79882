package flight

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// serveBare runs a server that opens no file.
func serveBare(t *testing.T, drain time.Duration, uris ...string) (s *Server, stop context.CancelFunc, done <-chan error) {
	t.Helper()
	engine, err := reader.NewEngine(reader.Config{InProcess: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, engine.Close()) })
	s, err = New(Config{Engine: engine, Roots: []string{t.TempDir()}, Listen: uris, Drain: drain})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(cancel)
	wait, cancel2 := context.WithTimeout(context.Background(), time.Minute)
	defer cancel2()
	require.Len(t, s.Addrs(wait), len(uris))
	return s, cancel, ended
}

func dialServer(t *testing.T, target string) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestServe(t *testing.T) {
	sock := filepath.Join(t.TempDir(), "s")
	s, stop, done := serveBare(t, time.Second, "grpc://127.0.0.1:0", "grpc+unix://"+sock)
	for _, target := range []string{s.Addrs(context.Background())[0].String(), "unix:" + sock} {
		conn := dialServer(t, target)
		for _, service := range []string{"", "arrow.flight.protocol.FlightService"} {
			h, err := grpc_health_v1.NewHealthClient(conn).Check(context.Background(), &grpc_health_v1.HealthCheckRequest{Service: service})
			require.NoError(t, err)
			require.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, h.Status)
		}

		r, err := grpc_reflection_v1.NewServerReflectionClient(conn).ServerReflectionInfo(context.Background())
		require.NoError(t, err)
		require.NoError(t, r.Send(&grpc_reflection_v1.ServerReflectionRequest{
			MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{}}))
		answer, err := r.Recv()
		require.NoError(t, err)
		require.Contains(t, answer.String(), "arrow.flight.protocol.FlightService")
		require.NoError(t, r.CloseSend())

		c := arrowflight.NewClientFromConn(conn, nil)
		_, err = c.GetSchema(context.Background(), &arrowflight.FlightDescriptor{Type: arrowflight.DescriptorPATH, Path: []string{"no.h5", "/x"}})
		require.Equal(t, codes.NotFound, status.Code(err))
		require.ErrorContains(t, err, `no such file "no.h5" (request `)
		a, err := c.DoAction(context.Background(), &arrowflight.Action{Type: "nothing"})
		require.NoError(t, err)
		_, err = a.Recv()
		require.Equal(t, codes.Unimplemented, status.Code(err))
		require.NoError(t, conn.Close())
	}
	stop()
	require.NoError(t, <-done)
	require.NoFileExists(t, sock)
}

// Running streams may go on, and health says so at once.
func TestDrain(t *testing.T) {
	s, stop, done := serveBare(t, time.Hour, "grpc://127.0.0.1:0")
	conn := dialServer(t, s.Addrs(context.Background())[0].String())
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	w, err := grpc_health_v1.NewHealthClient(conn).Watch(ctx, &grpc_health_v1.HealthCheckRequest{Service: "arrow.flight.protocol.FlightService"})
	require.NoError(t, err)
	m, err := w.Recv()
	require.NoError(t, err)
	require.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, m.Status)
	stop()
	m, err = w.Recv()
	require.NoError(t, err)
	require.Equal(t, grpc_health_v1.HealthCheckResponse_NOT_SERVING, m.Status)
	c := arrowflight.NewClientFromConn(conn, nil)
	_, err = c.GetSchema(context.Background(), &arrowflight.FlightDescriptor{})
	require.Equal(t, codes.Unavailable, status.Code(err))
	require.NoError(t, w.Context().Err())
	require.Empty(t, done)
	leave()
	require.NoError(t, <-done)
}

// But not for ever.
func TestDrainEnds(t *testing.T) {
	s, stop, done := serveBare(t, 100*time.Millisecond, "grpc://127.0.0.1:0")
	w, err := grpc_health_v1.NewHealthClient(dialServer(t, s.Addrs(context.Background())[0].String())).Watch(context.Background(), &grpc_health_v1.HealthCheckRequest{})
	require.NoError(t, err)
	_, err = w.Recv()
	require.NoError(t, err)
	stop()
	require.NoError(t, <-done)
	for err == nil {
		_, err = w.Recv()
	}
}

func TestNewRefuses(t *testing.T) {
	_, err := New(Config{Engine: new(reader.Engine)})
	require.ErrorIs(t, err, fault.Invalid)
	_, err = New(Config{Roots: []string{t.TempDir()}})
	require.ErrorContains(t, err, "Engine")
}

func TestAdvertise(t *testing.T) {
	for _, uri := range []string{"", "a", "grpc://a", "http://a:1", "grpc://0.0.0.0:8815", "grpc://[::]:8815", "grpc://:8815", "grpc://a:0"} {
		_, err := New(Config{Engine: new(reader.Engine), Roots: []string{t.TempDir()}, Advertise: []string{uri}})
		require.ErrorIs(t, err, fault.Invalid, uri)
		require.ErrorContains(t, err, strconv.Quote(uri))
	}
}

// TestExposed: without TLS and a login a server listens to this machine alone, unless it is told not to mind.
func TestExposed(t *testing.T) {
	eng := new(reader.Engine)
	for _, uri := range []string{"grpc://0.0.0.0:0", "grpc://[::]:0", "grpc://:0"} {
		_, err := New(Config{Engine: eng, Roots: []string{t.TempDir()}, Listen: []string{"grpc://127.0.0.1:0", uri}})
		require.ErrorIs(t, err, fault.Invalid, uri)
		require.ErrorContains(t, err, "--insecure")
		s, err := New(Config{Engine: eng, Roots: []string{t.TempDir()}, Listen: []string{uri}, Insecure: true})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Serve(ctx) }()
		require.Len(t, s.Addrs(ctx), 1)
		cancel()
		require.NoError(t, <-done)
	}
}

// TestSocketMode: the file of a socket has the permissions asked for, whatever the umask.
func TestSocketMode(t *testing.T) {
	for _, mode := range []os.FileMode{0o600, 0o660, 0o777} {
		sock := filepath.Join(t.TempDir(), "s")
		l, err := listen("unix:"+sock, mode)
		require.NoError(t, err)
		info, err := os.Stat(sock)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm())
		require.NoError(t, l.Close())
	}
}

// listening is a server that is to listen there.
func listening(t *testing.T, sec Security, uris ...string) *Server {
	t.Helper()
	s, err := New(Config{Engine: new(reader.Engine), Roots: []string{t.TempDir()}, Listen: uris, Security: sec})
	require.NoError(t, err)
	return s
}

func TestListen(t *testing.T) {
	dir := t.TempDir()
	sock := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: sock})
	require.NoError(t, err)
	_, err = listen("unix://"+sock, 0o600)
	require.ErrorIs(t, err, fault.Unavailable)
	require.ErrorContains(t, err, "already in use: stop the other server")
	l.SetUnlinkOnClose(false)
	require.NoError(t, l.Close())
	require.FileExists(t, sock)
	l2, err := listen("unix:"+sock, 0o600) // left behind by a server that died
	require.NoError(t, err)
	require.NoError(t, l2.Close())

	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("data"), 0o600))
	_, err = listen("grpc+unix://"+file, 0o600)
	require.ErrorIs(t, err, fault.Invalid)
	require.ErrorContains(t, err, "something else than a socket")
	require.FileExists(t, file)

	tcp, err := listen("grpc://127.0.0.1:0", 0o600)
	require.NoError(t, err)
	_, err = listening(t, Security{}, "grpc+unix://"+sock, "grpc://"+tcp.Addr().String()).listenAll()
	require.ErrorContains(t, err, "already in use")
	require.NoFileExists(t, sock)
	require.NoError(t, tcp.Close())

	for _, uri := range []string{"", "127.0.0.1:1", "http://x:1", "grpc://x", "grpc://x:1/y", "grpc+unix://", "grpc+unix://host/x", "://",
		"grpc://127.0.0.1:99999", "grpc://user@127.0.0.1:0", "grpc://127.0.0.1:0?x", "grpc+unix:///" + strings.Repeat("x", maxSocketPath),
		"grpc+unix://" + filepath.Join(dir, "none", "s"), "grpc+unix://" + filepath.Join(file, "s"), "grpc://192.0.2.1:0"} {
		_, err := listen(uri, 0o600)
		require.ErrorIs(t, err, fault.Invalid, uri)
	}
	_, err = listening(t, Security{}).listenAll()
	require.ErrorIs(t, err, fault.Invalid)
}
