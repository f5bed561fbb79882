package serve

import (
	"context"
	"encoding/hex"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// received collects spans as a collector of OpenTelemetry does.
type received struct {
	collector.UnimplementedTraceServiceServer
	mu    sync.Mutex
	spans []*otlp.Span
}

func (r *received) Export(_ context.Context, in *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, of := range in.GetResourceSpans() {
		for _, scope := range of.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func collecting(t *testing.T) (*received, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r, server := &received{}, grpc.NewServer()
	collector.RegisterTraceServiceServer(server, r)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	return r, "http://" + l.Addr().String()
}

// traced reads a dataset with the header of a client's trace, from a server that sends to a collector.
func traced(t *testing.T, location string, change func(*Config)) {
	t.Helper()
	config := Default()
	config.Flight.Roots, config.Flight.Listen = []string{"../../testdata"}, []string{"grpc://127.0.0.1:0"}
	config.Engine.InProcess = true
	config.Traces = location
	change(&config)
	server, err := config.Complete()
	require.NoError(t, err)
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	conn, err := grpc.NewClient(server.Addrs(ctx)[0].String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	ask := metadata.AppendToOutgoingContext(ctx, "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	stream, err := arrowflight.NewClientFromConn(conn, nil).DoGet(ask, &arrowflight.Ticket{Ticket: []byte(`{"file": "tables.h5", "dataset": "/events"}`)})
	require.NoError(t, err)
	for err == nil {
		_, err = stream.Recv()
	}
	require.Equal(t, io.EOF, err)
	require.NoError(t, conn.Close())
	stop()
	require.NoError(t, <-done)
}

// TestTraceLeadsToChunks: the spans of one request are one tree below its client's, down to the reads of chunks.
func TestTraceLeadsToChunks(t *testing.T) {
	r, location := collecting(t)
	traced(t, location, func(*Config) {})
	byID, names := map[string]*otlp.Span{}, map[string]int{}
	for _, s := range r.spans {
		require.Equal(t, "0af7651916cd43dd8448eb211c80319c", hex.EncodeToString(s.GetTraceId()))
		byID[hex.EncodeToString(s.GetSpanId())] = s
		names[s.GetName()]++
	}
	for _, name := range []string{"DoGet", "plan", "read rows", "read file", "decode chunks", "send"} {
		require.Positive(t, names[name], "%s of %v", name, names)
	}
	require.Equal(t, 1, names["DoGet"])
	for _, s := range r.spans {
		var way []string
		for s != nil {
			way = append(way, s.GetName())
			above := hex.EncodeToString(s.GetParentSpanId())
			if s = byID[above]; s == nil {
				require.Equal(t, "b7ad6b7169203331", above, "%v: the client's", way)
			}
		}
		require.Equal(t, "DoGet", way[len(way)-1])
		if way[0] == "read file" {
			require.Contains(t, way, "read rows")
		}
	}
}

// TestTracesByOpenTelemetrysVariables: a collector in the environment is enough, unless it says otherwise.
func TestTracesByOpenTelemetrysVariables(t *testing.T) {
	r, location := collecting(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", location)
	traced(t, "", func(*Config) {})
	require.NotEmpty(t, r.spans)
	r.spans = nil
	t.Setenv("OTEL_SDK_DISABLED", "true")
	traced(t, "", func(*Config) {})
	require.Empty(t, r.spans)
}

// TestNoTraces: nothing is started where no traces are wanted.
func TestNoTraces(t *testing.T) {
	defer goleak.VerifyNone(t)
	traced(t, "", func(*Config) {})
}
