package flight

import (
	"context"
	"crypto/tls"
	"encoding/base64"
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

	"github.com/mtflight/mtflight/flight/internal/admin"
	"github.com/mtflight/mtflight/internal/certtest"
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
	}, time.Minute, 10*time.Millisecond)
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
	}, time.Minute, 10*time.Millisecond)
	one := now.Calls[0]
	require.Equal(t, []string{"DoGet", "tables.h5", "/events"}, []string{one.Kind, one.File, one.Dataset})
	require.Positive(t, one.Bytes)
	require.LessOrEqual(t, one.Rows, now.Rows)
	require.Contains(t, ask("/metrics"), `mtflight_requests_running{kind="DoGet"} 1`)
	cancel()
	require.Eventually(t, func() bool {
		require.NoError(t, json.Unmarshal([]byte(ask("/status")), &now))
		return len(now.Calls) == 0
	}, time.Minute, 10*time.Millisecond)
}

// TestSlowRequestsAreLogged with their plan and where their time went.
func TestSlowRequestsAreLogged(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	c, _ := watched(t, func(c *Config) { c.Slow, c.Logger = time.Nanosecond, zap.New(core) })
	drainTicket(t, c, `{"file": "tables.h5", "dataset": "/events", "where": "energy > 2"}`)
	require.Eventually(t, func() bool { return logs.FilterMessage("slow request").Len() == 1 }, time.Minute, 10*time.Millisecond)
	said := logs.FilterMessage("slow request").All()[0].ContextMap()
	require.NotEmpty(t, said["plan"])
	require.NotEmpty(t, said["request"])
	require.Equal(t, "/events", said["dataset"])
}

func TestAdminRefuses(t *testing.T) {
	c := newCastle(t, nil)
	nobody := c.write("rules.yaml", "operators: []")
	full := c.security
	full.Rules = nobody
	for address, k := range map[string]struct {
		security Security
		says     string
	}{
		"0.0.0.0:0":         {Security{}, "whoever reaches it would see"},
		":0":                {c.security, "whoever reaches it would see"},
		"8816":              {Security{}, "write HOST:PORT, https://HOST:PORT or unix:///PATH"},
		"https://8816":      {Security{}, "write HOST:PORT, https://HOST:PORT or unix:///PATH"},
		"https://0.0.0.0:0": {Security{}, "TLS needs --tls-cert"},
		"https://:0":        {Security{TLSCert: c.security.TLSCert, TLSKey: c.security.TLSKey}, "whoever reaches it would see"},
		"https://[::]:0":    {c.security, "name operators in --rules"},
		"https://[::1]:0":   {full, "name operators in --rules"},
	} {
		listen := "grpc+tls://127.0.0.1:0"
		if k.security.TLSCert == "" {
			listen = "grpc://127.0.0.1:0"
		}
		_, err := New(Config{Engine: new(reader.Engine), Roots: []string{"../testdata"}, Listen: []string{listen}, Admin: address, Security: k.security})
		require.ErrorContains(t, err, k.says, address)
	}
	s := listening(t, Security{}, "grpc://127.0.0.1:0")
	s.operator, s.cfg.Admin = admin.Address{Network: "unix", At: "/no/such/di"}, "unix:///no/such/di"
	require.ErrorContains(t, s.Serve(context.Background()), "choose another one")
}

// TestOperatorsLogIn: beyond the machine the admin address is TLS alone, and answers whom the rules name an operator, by each way to log in. Others learn nothing.
func TestOperatorsLogIn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	rules := filepath.Join(t.TempDir(), "rules.yaml")
	write := func(text string) { require.NoError(t, os.WriteFile(rules, []byte(text), 0o600)) }
	write("groups: {staff: ['spiffe://lab.example/ann']}\noperators: [ann, '@staff', '@oidc:ops']\nrules: []")
	c := newCastle(t, func(config *Config) { config.Admin, config.Security.Rules = "https://"+address, rules }, "bob")
	named, stranger := c.authority.Issue(nil, "spiffe://lab.example/ann"), certtest.New(t).Issue(nil, "spiffe://lab.example/ann")
	basic := func(name, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(name+":"+password))
	}
	ask := func(pair *certtest.Pair, path string, headers ...string) (int, string) {
		config := &tls.Config{RootCAs: c.authority.Pool()}
		if pair != nil {
			config.Certificates = []tls.Certificate{pair.TLS()}
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
		request, err := http.NewRequest(http.MethodGet, "https://"+address+path, nil)
		require.NoError(t, err)
		request.Header["Authorization"] = headers
		answer, err := client.Do(request)
		require.NoError(t, err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(text)
	}
	ann, bob := "Bearer "+c.tokens["ann"], "Bearer "+c.tokens["bob"]
	for _, k := range []struct {
		pair    *certtest.Pair
		headers []string
		code    int
	}{
		{nil, []string{ann}, 200}, {nil, []string{basic("ann", castlePassword)}, 200}, {&named, nil, 200}, {nil, []string{"bearer " + c.issuer.token(nil, "ops")}, 200},
		{nil, nil, 401}, {nil, []string{"Bearer x"}, 401}, {nil, []string{ann, ann}, 401}, {nil, []string{basic("ann", "wrong")}, 401}, {&stranger, nil, 401},
		{&named, []string{"Bearer x"}, 401}, {nil, []string{bob}, 403}, {nil, []string{"Bearer " + c.issuer.token(nil, "staff")}, 403},
	} {
		for _, path := range []string{"/metrics", "/status", "/debug/pprof/", "/debug/pprof/cmdline", "/no/such"} {
			code, text := ask(k.pair, path, k.headers...)
			want := k.code
			if want == 200 && (path == "/no/such" || path == "/debug/pprof/cmdline") {
				want = 404
			}
			require.Equal(t, want, code, "%s %v", path, k.headers)
			if want == 200 && path == "/metrics" {
				require.Contains(t, text, "mtflight_build_info")
			}
			if want > 400 {
				require.NotContains(t, text, "mtflight_")
				require.Less(t, len(text), 300)
			}
		}
	}
	said := c.logs.FilterMessage("operator").All()
	require.Len(t, said, 60, "one line each")
	require.Equal(t, "ann", said[0].ContextMap()["identity"])
	write("operators: [bob]\nrules: []")
	require.NoError(t, c.server.Reload())
	code, _ := ask(nil, "/status", bob)
	require.Equal(t, 200, code)
	code, text := ask(nil, "/status", ann)
	require.Equal(t, 403, code, text)
	require.Contains(t, text, "ann is no operator")
	plain, err := http.Get("http://" + address + "/metrics")
	require.NoError(t, err)
	require.NoError(t, plain.Body.Close())
	require.Equal(t, http.StatusBadRequest, plain.StatusCode)
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
