package flight

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/mtflight/mtflight/reader"
)

// watched runs a server over testdata with an admin socket, and gives a client of each.
func watched(t *testing.T, change func(*Config)) (arrowflight.Client, func(path string) string) {
	t.Helper()
	engine, err := reader.NewEngine(reader.Config{InProcess: true})
	require.NoError(t, err)
	dir := t.TempDir()
	cfg := Config{Engine: engine, Roots: []string{"../testdata"}, Listen: []string{"grpc+unix://" + filepath.Join(dir, "s")}, Admin: "unix://" + filepath.Join(dir, "admin")}
	change(&cfg)
	s, err := New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	require.NotNil(t, s.Addrs(ctx))
	conn := dialServer(t, "unix:"+filepath.Join(dir, "s"))
	operator := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, "admin"))
	}}}
	t.Cleanup(func() {
		operator.CloseIdleConnections()
		conn.Close()
		cancel()
		require.NoError(t, <-ended)
		require.NoError(t, engine.Close())
		goleak.VerifyNone(t)
	})
	return arrowflight.NewClientFromConn(conn, nil), func(path string) string {
		answer, err := operator.Get("http://admin" + path)
		require.NoError(t, err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, answer.StatusCode, "%s", text)
		return string(text)
	}
}

func drainTicket(t *testing.T, c arrowflight.Client, ticket string) {
	t.Helper()
	stream, err := c.DoGet(context.Background(), &arrowflight.Ticket{Ticket: []byte(ticket)})
	require.NoError(t, err)
	for err == nil {
		_, err = stream.Recv()
	}
	require.Equal(t, io.EOF, err)
}

// TestMetricsCount: a scrape tells what requests did.
func TestMetricsCount(t *testing.T) {
	c, ask := watched(t, func(*Config) {})
	drainTicket(t, c, `{"file": "tables.h5", "dataset": "/events"}`)
	stream, err := c.DoAction(context.Background(), &arrowflight.Action{Type: "describe", Body: []byte(`{"file": "tables.h5", "dataset": "/nope"}`)})
	require.NoError(t, err)
	_, err = stream.Recv()
	require.Error(t, err)
	require.Eventually(t, func() bool {
		return strings.Contains(ask("/metrics"), `mtflight_requests_total{code="NotFound",kind="describe"} 1`)
	}, 5*time.Second, 10*time.Millisecond)
	text := ask("/metrics")
	require.Contains(t, text, `mtflight_requests_total{code="OK",kind="DoGet"} 1`)
	require.Contains(t, text, `mtflight_request_seconds_count{kind="DoGet"} 1`)
	require.Regexp(t, `mtflight_rows_sent_total \d`, text)
	for _, name := range []string{"mtflight_bytes_sent_total", `mtflight_read_bytes_total{by="call"}`, "mtflight_tasks_total", "mtflight_decoded_bytes_total",
		`mtflight_file_cache_total{result="miss"}`, "mtflight_files", "process_open_fds", "go_gc_duration_seconds_count"} {
		require.Regexp(t, `(?m)^`+strings.NewReplacer("{", `\{`, "}", `\}`).Replace(name)+` [1-9]`, text, name)
	}
	require.Contains(t, ask("/debug/pprof/"), "goroutine")
}

// TestStatusShowsWhatRuns: a stream whose client stops reading is there with its file, and gone when it has ended.
func TestStatusShowsWhatRuns(t *testing.T) {
	c, ask := watched(t, func(*Config) {})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := c.DoGet(ctx, &arrowflight.Ticket{Ticket: []byte(`{"file": "tables.h5", "dataset": "/events", "stream": {"cyclic": true}}`)})
	require.NoError(t, err)
	_, err = stream.Recv()
	require.NoError(t, err)
	var now Status
	require.Eventually(t, func() bool {
		require.NoError(t, json.Unmarshal([]byte(ask("/status")), &now))
		return len(now.Calls) == 1 && now.Calls[0].Rows > 0
	}, 5*time.Second, 10*time.Millisecond)
	one := now.Calls[0]
	require.Equal(t, []string{"DoGet", "tables.h5", "/events"}, []string{one.Kind, one.File, one.Dataset})
	require.Positive(t, one.Bytes)
	require.LessOrEqual(t, one.Rows, now.Rows)
	require.Contains(t, ask("/metrics"), `mtflight_requests_running{kind="DoGet"} 1`)
	cancel()
	require.Eventually(t, func() bool {
		require.NoError(t, json.Unmarshal([]byte(ask("/status")), &now))
		return len(now.Calls) == 0
	}, 5*time.Second, 10*time.Millisecond)
}

// TestSlowRequestsAreLogged with their plan and where their time went.
func TestSlowRequestsAreLogged(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	c, _ := watched(t, func(c *Config) { c.Slow, c.Logger = time.Nanosecond, zap.New(core) })
	drainTicket(t, c, `{"file": "tables.h5", "dataset": "/events", "where": "energy > 2"}`)
	require.Eventually(t, func() bool { return logs.FilterMessage("slow request").Len() == 1 }, 5*time.Second, 10*time.Millisecond)
	said := logs.FilterMessage("slow request").All()[0].ContextMap()
	require.NotEmpty(t, said["plan"])
	require.NotEmpty(t, said["request"])
	require.Equal(t, "/events", said["dataset"])
}

func TestAdminRefuses(t *testing.T) {
	engine, err := reader.NewEngine(reader.Config{InProcess: true})
	require.NoError(t, err)
	defer func() { require.NoError(t, engine.Close()) }()
	for address, says := range map[string]string{
		"0.0.0.0:0":          "whoever reaches it would see",
		":0":                 "whoever reaches it would see",
		"8816":               "write HOST:PORT or unix:///PATH",
		"unix:///no/such/di": "choose another one",
	} {
		s, err := New(Config{Engine: engine, Roots: []string{"../testdata"}, Listen: []string{"grpc://127.0.0.1:0"}, Admin: address})
		require.NoError(t, err)
		require.ErrorContains(t, s.Serve(context.Background()), says)
	}
}

// TestAdminSocketIsPrivate, and one that a dead server left is taken over.
func TestAdminSocketIsPrivate(t *testing.T) {
	path := ""
	_, ask := watched(t, func(c *Config) {
		path = strings.TrimPrefix(c.Admin, "unix://")
		left, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		require.NoError(t, err)
		left.SetUnlinkOnClose(false)
		require.NoError(t, left.Close())
	})
	require.Contains(t, ask("/status"), `"Calls":[]`)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, info.Mode().Perm())
}
