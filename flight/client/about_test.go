package client_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/flight"
	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

func TestAbout(t *testing.T) {
	c, _ := dial(t)
	a, err := c.About(context.Background())
	require.NoError(t, err)
	require.Equal(t, protocol.About{Server: "unknown", Protocol: 1, Features: flight.Features()}, a)
}

// older is a server that knows no offset, and perhaps not the action about.
type older struct {
	arrowflight.BaseFlightServer
	about string // its answer; none: there is no such action
	asked atomic.Int64
}

func (o *older) ListActions(*arrowflight.Empty, arrowflight.FlightService_ListActionsServer) error {
	return nil
}

func (o *older) GetFlightInfo(context.Context, *arrowflight.FlightDescriptor) (*arrowflight.FlightInfo, error) {
	return nil, status.Error(codes.InvalidArgument, `request: unknown member "offset"`)
}

func (o *older) GetSchema(context.Context, *arrowflight.FlightDescriptor) (*arrowflight.SchemaResult, error) {
	return nil, status.Error(codes.InvalidArgument, `request: unknown member "nonsense"`)
}

func (o *older) DoAction(a *arrowflight.Action, s arrowflight.FlightService_DoActionServer) error {
	o.asked.Add(1)
	if a.Type != "about" || o.about == "" {
		return status.Error(codes.Unimplemented, "no action")
	}
	return s.Send(&arrowflight.Result{Body: []byte(o.about)})
}

// TestOlderServersAreNamed holds the client to one question, and to the refusal as it was where it has nothing to add.
func TestOlderServersAreNamed(t *testing.T) {
	for about, says := range map[string]string{
		`{"server": "0.0.9", "protocol": 1, "features": ["limit"]}`: "version 0.0.9: it needs server 0.1.0 or later",
		"": "version before 0.1.0: it needs server 0.1.0 or later",
		`{"server": "x", "protocol": 1, "features": ["offset"]}`: `request: unknown member "offset"`,
	} {
		lis, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		o, srv := &older{about: about}, grpc.NewServer()
		arrowflight.RegisterFlightServiceServer(srv, o)
		ended := make(chan error)
		go func() { ended <- srv.Serve(lis) }()
		c, err := client.Open(context.Background(), "grpc://"+lis.Addr().String())
		require.NoError(t, err)
		for range 3 {
			_, err = c.Scan(context.Background(), reader.Request{File: "f", Dataset: "/d", Offset: 3})
			require.ErrorIs(t, err, reader.ErrInvalid)
			require.ErrorContains(t, err, says)
			require.EqualValues(t, 1, o.asked.Load())
		}
		_, err = c.Schema(context.Background(), reader.Request{File: "f", Dataset: "/d"})
		require.EqualError(t, err, `request: unknown member "nonsense"`)
		require.NoError(t, c.Close())
		srv.Stop()
		require.NoError(t, <-ended)
	}
}
