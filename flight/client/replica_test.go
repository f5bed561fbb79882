package client_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"github.com/apache/arrow/go/v15/arrow/ipc"
	"github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/reader"
)

// Endpoints are read where they say they are, by one connection a replica, and elsewhere where a replica is gone.
func TestScanOfReplicas(t *testing.T) {
	replica, _ := serve(t)
	proxy, through := newCutter(t, replica[len("grpc+unix://"):])
	gone := "grpc+unix://" + filepath.Join(t.TempDir(), "gone")
	location, eng := serve(t, through, gone)
	ctx := context.Background()
	r := reader.Request{File: "tables.h5", Dataset: "/events", Endpoints: 4}
	want := direct(t, eng, r)
	defer want.Release()

	c, err := client.Open(ctx, location)
	require.NoError(t, err)
	for i, connections := range []int{0, 1, 1} {
		rows, err := c.Scan(ctx, r, client.Parallel(1+2*i))
		require.NoError(t, err)
		got := tableOf(t, rows)
		requireSame(t, want, got)
		got.Release()
		rows.Release()
		require.Len(t, proxy.opened(), connections)
	}
	require.NoError(t, c.Close())
	_, err = c.Scan(ctx, r)
	require.ErrorIs(t, err, context.Canceled)
}

// A replica that is lost in mid-stream leaves the rest to the next one.
func TestScanChangesReplica(t *testing.T) {
	replica, _ := serve(t)
	proxy, through := newCutter(t, replica[len("grpc+unix://"):])
	location, eng := serve(t, through, replica)
	proxy.cut(20_000)
	r := reader.Request{File: "arrays.h5", Dataset: "/wave/zlib", BatchRows: 16, Endpoints: 2}
	want := direct(t, eng, r)
	defer want.Release()
	c, err := client.Open(context.Background(), location)
	require.NoError(t, err)
	defer c.Close()
	rows, err := c.Scan(context.Background(), r, client.Parallel(2))
	require.NoError(t, err)
	defer rows.Release()
	got := tableOf(t, rows)
	defer got.Release()
	requireSame(t, want, got)
	require.NotZero(t, proxy.cut(0))
}

// Who does not read in parallel stays at the server it knows, and leaves the rest to a replica where that is lost.
func TestScanLeavesHome(t *testing.T) {
	replica, _ := serve(t)
	home, eng := serve(t, replica)
	proxy, through := newCutter(t, home[len("grpc+unix://"):])
	r := reader.Request{File: "arrays.h5", Dataset: "/wave/zlib", BatchRows: 16}
	want := direct(t, eng, r)
	defer want.Release()
	c, err := client.Open(context.Background(), through)
	require.NoError(t, err)
	defer c.Close()
	rows, err := c.Scan(context.Background(), r)
	require.NoError(t, err)
	defer rows.Release()
	require.NoError(t, proxy.Close())
	proxy.cut(1)
	got := tableOf(t, rows)
	defer got.Release()
	requireSame(t, want, got)
	require.NotZero(t, proxy.cut(0))
}

// A location of another kind is not passed over in silence.
func TestScanRefusesLocation(t *testing.T) {
	c, err := client.Open(context.Background(), serveOther(t, "127.0.0.1", &other{locations: []string{"http://127.0.0.1:1"}}))
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Scan(context.Background(), reader.Request{File: "tables.h5", Dataset: "/events"}, client.Parallel(2))
	require.ErrorIs(t, err, reader.ErrInvalid)
	require.ErrorContains(t, err, "http://127.0.0.1:1")
}

// TestBearerStays: a bearer does not go where the server says, unless that is the same host or TLS; such locations are not asked.
func TestBearerStays(t *testing.T) {
	for host, goes := range map[string]bool{"127.0.0.1": true, "localhost": false} {
		replica := &other{}
		home := &other{locations: []string{serveOther(t, host, replica)}}
		c, err := client.Open(context.Background(), serveOther(t, "127.0.0.1", home), client.Bearer("secret"))
		require.NoError(t, err)
		rows, err := c.Scan(context.Background(), reader.Request{File: "a", Dataset: "/b"}, client.Parallel(2), client.Retries(0))
		require.NoError(t, err)
		for rows.Next() {
		}
		rows.Release()
		require.Equal(t, goes, replica.asked.Load(), host)
		require.Equal(t, !goes, home.asked.Load(), host)
		if goes {
			require.Equal(t, "Bearer secret", replica.bearer.Load(), host)
		}
		require.NoError(t, c.Close())
	}
}

// serveOther serves at a name of this machine.
func serveOther(t *testing.T, host string, o *other) (location string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := grpc.NewServer()
	arrowflight.RegisterFlightServiceServer(srv, o)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Stop()
		require.NoError(t, <-served)
	})
	return fmt.Sprintf("grpc://%s:%d", host, l.Addr().(*net.TCPAddr).Port)
}

// other is a Flight server that is not ours: its batches do not say where they stand, and it breaks after two.
type other struct {
	arrowflight.BaseFlightServer
	ticket    string
	locations []string

	asked  atomic.Bool  // for rows
	bearer atomic.Value // that came with that
}

var otherSchema = arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64}}, nil)

func (o *other) ListActions(*arrowflight.Empty, arrowflight.FlightService_ListActionsServer) error {
	return nil
}

func (o *other) GetFlightInfo(context.Context, *arrowflight.FlightDescriptor) (*arrowflight.FlightInfo, error) {
	e := &arrowflight.FlightEndpoint{Ticket: &arrowflight.Ticket{Ticket: []byte(o.ticket)}}
	for _, l := range o.locations {
		e.Location = append(e.Location, &arrowflight.Location{Uri: l})
	}
	return &arrowflight.FlightInfo{Schema: arrowflight.SerializeSchema(otherSchema, memory.DefaultAllocator), TotalRecords: -1,
		Endpoint: []*arrowflight.FlightEndpoint{e}}, nil
}

func (o *other) DoGet(_ *arrowflight.Ticket, stream arrowflight.FlightService_DoGetServer) error {
	o.asked.Store(true)
	o.bearer.Store(strings.Join(metadata.ValueFromIncomingContext(stream.Context(), "authorization"), ","))
	w := arrowflight.NewRecordWriter(stream, ipc.WithSchema(otherSchema))
	defer w.Close()
	b := array.NewRecordBuilder(memory.DefaultAllocator, otherSchema)
	defer b.Release()
	for i := range 2 {
		b.Field(0).(*array.Int64Builder).Append(int64(i))
		rec := b.NewRecord()
		err := w.Write(rec)
		rec.Release()
		if err != nil {
			return err
		}
	}
	return status.Error(codes.Unavailable, "broken")
}

// What cannot be resumed is not asked for again once rows have come: they would come twice.
func TestScanOfOtherServers(t *testing.T) {
	for _, ticket := range []string{"of its own kind", `{"file": "a", "dataset": "/b"}`} {
		path := filepath.Join(t.TempDir(), "s")
		l, err := net.Listen("unix", path)
		require.NoError(t, err)
		srv := grpc.NewServer()
		arrowflight.RegisterFlightServiceServer(srv, &other{ticket: ticket})
		served := make(chan error)
		go func() { served <- srv.Serve(l) }()
		c, err := client.Open(context.Background(), "grpc+unix://"+path)
		require.NoError(t, err)
		rows, err := c.Scan(context.Background(), reader.Request{File: "a", Dataset: "/b"})
		require.NoError(t, err)
		var got []int64
		for rows.Next() {
			got = append(got, rows.Record().Column(0).(*array.Int64).Int64Values()...)
		}
		require.ErrorIs(t, rows.Err(), reader.ErrUnavailable)
		require.Equal(t, []int64{0, 1}, got)
		rows.Release()
		require.NoError(t, c.Close())
		srv.Stop()
		require.NoError(t, <-served)
	}
}
