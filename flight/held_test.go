package flight

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/stretchr/testify/require"

	"github.com/mtflight/mtflight/flight/internal/admission"
)

// TestTicketsAreInTheBudget: a running call has reserved what its request and the rows in it take; where there is no room, a ticket waits where it was received.
func TestTicketsAreInTheBudget(t *testing.T) {
	s := serveStaging(t, 0)
	c, _ := s.connect(t)
	const rows = 100_000
	request := fmt.Sprintf(`{"file": "tables.h5", "dataset": "/events", "fields": ["id"], "coordinates": [%s0]}`, strings.Repeat("7,", rows-1))
	ask := func(request string) arrowflight.FlightService_DoGetClient {
		stream, err := c.DoGet(t.Context(), &arrowflight.Ticket{Ticket: []byte(request)})
		require.NoError(t, err)
		return stream
	}
	endless := strings.Replace(request, "{", `{"stream": {"cyclic": true, "block_rows": 1}, `, 1)
	one := ask(endless)
	_, err := one.Recv()
	require.NoError(t, err)
	has := int64(len(endless)) + 16*rows
	require.InDelta(t, has, s.sentRoom().Used(), 64)
	rest := s.sentRoom().Limit() - s.sentRoom().Used()
	require.NoError(t, s.sentRoom().Acquire(t.Context(), rest))
	two := ask(endless)
	require.Eventually(t, func() bool { n, _ := s.sentRoom().Waits(); return n == 1 }, time.Minute, time.Millisecond)
	require.Greater(t, s.door.Held(), int64(len(endless)))
	s.sentRoom().Return(rest)
	_, err = two.Recv()
	require.NoError(t, err)
	require.InDelta(t, 2*has, s.sentRoom().Used(), 128)
	rest = s.sentRoom().Limit() - s.sentRoom().Used()
	require.NoError(t, s.sentRoom().Acquire(t.Context(), rest))
	small := ask(`{"file": "tables.h5", "dataset": "/events", "limit": 1}`)
	_, err = small.Recv()
	require.NoError(t, err, "does not wait")
	s.sentRoom().Return(rest)
}

// silent is a connection by HTTP that sent something.
func (s site) silent(text string) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = c.Close() })
	require.NoError(s.t, c.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(c, text)
	require.NoError(s.t, err)
	return c
}

// TestHTTPCrowd: who keeps as many connections as there may be keeps nobody from asking.
func TestHTTPCrowd(t *testing.T) {
	s := newSite(t, func(c *Config) { c.Limits.Connections = 3 })
	var all []net.Conn
	for range 5 {
		c := s.silent("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
		_, err := io.ReadAtLeast(c, make([]byte, 1<<10), 20)
		require.NoError(t, err)
		all = append(all, c)
	}
	answer, _ := s.get(someRows)
	require.Equal(t, http.StatusOK, answer.StatusCode)
	closed := make(chan error, len(all)) // idle ones; which of them were idle for the longest, the server alone knows
	for _, c := range all {
		go func() {
			_, err := c.Read(make([]byte, 1))
			closed <- err
		}()
	}
	for range len(all) + 1 - 3 {
		require.ErrorIs(t, <-closed, io.EOF)
	}
}

// TestHTTPBodiesThatStop: what was sent of requests that do not come to their end is bounded, and those that are sent go on.
func TestHTTPBodiesThatStop(t *testing.T) {
	var door *admission.Door
	s := newSiteOf(t, nil, func(s *Server) { door = s.door })
	for range 60 {
		_, _ = io.WriteString(s.silent("POST /v1/data HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1040000\r\n\r\n"), strings.Repeat(" ", 1_000_000))
	}
	require.LessOrEqual(t, door.Held(), int64(receiveRoom))
	posted, err := s.Post(s.url+"/v1/data?format=csv", "application/json", strings.NewReader(`{"file": "tables.h5", "dataset": "/events", "fields": ["id"], "start": -1}`+strings.Repeat(" ", 100_000)))
	require.NoError(t, err)
	body, err := io.ReadAll(posted.Body)
	require.NoError(t, err)
	require.NoError(t, posted.Body.Close())
	require.Equal(t, "id\n4999\n", string(body))
}

// TestHTTPCallsHaveShares: calls by HTTP are counted with all others, by their connection.
func TestHTTPCallsHaveShares(t *testing.T) {
	few := admission.NewShares(2)
	s := newSiteOf(t, nil, func(s *Server) { s.shares = func() *admission.Shares { return few } })
	const endless = "GET /v1/data?file=arrays.h5&dataset=/cube&format=jsonl&stream.cyclic=true HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for range 2 {
		begin := make([]byte, 1<<10)
		_, err := io.ReadAtLeast(s.silent(endless), begin, 20)
		require.NoError(t, err)
		require.Contains(t, string(begin), "200 OK")
	}
	answer, body := s.get(someRows)
	require.Equal(t, http.StatusTooManyRequests, answer.StatusCode, "%s", body)
	require.Contains(t, string(body), "no one has more of them than you")
}
