// Package goclients links what a Go program may have side by side, and asks servers with each: arrow-go v18's Flight client, the
// Flight SQL driver of ADBC, which has it in, and mtflight's own client. If two of them registered Flight.proto the program would end at
// its start. It is a module of its own, since none of this is a dependency of mtflight.
package goclients

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	flightsqldriver "github.com/apache/arrow-adbc/go/adbc/driver/flightsql"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	arrowflight "github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/memory"
	memory15 "github.com/apache/arrow/go/v15/arrow/memory"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/mtflight/mtflight/flight/client"
	"github.com/mtflight/mtflight/flight/client/arrow18"
	"github.com/mtflight/mtflight/protocol"
)

const clone = "../.."

// serve starts mtflight over testdata and gives its location.
func serve(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	cmd := exec.Command(filepath.Join(clone, "bin/mtflight"), "serve", "--exit-with-stdin", "--listen", "grpc+unix://"+socket,
		filepath.Join(clone, "testdata"))
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start(), "make build")
	t.Cleanup(func() {
		require.NoError(t, stdin.Close())
		require.NoError(t, cmd.Wait())
	})
	require.Eventually(t, func() bool { // a socket is there before it listens
		c, err := net.Dial("unix", socket)
		if err == nil {
			err = c.Close()
		}
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	return "grpc+unix://" + socket
}

// TestOwnClient reads by mtflight's client, and hands over to v18.
func TestOwnClient(t *testing.T) {
	ctx := context.Background()
	c, err := client.Open(ctx, serve(t))
	require.NoError(t, err)
	defer c.Close()
	mem := memory15.NewCheckedAllocator(memory15.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	rows, err := c.Scan(ctx, protocol.Request{File: "tables.h5", Dataset: "/events", Fields: []string{"id", "name", "pos"}}, client.Allocator(mem))
	require.NoError(t, err)
	in, err := arrow18.NewReader(rows)
	require.NoError(t, err)
	defer in.Release()
	n := int64(0)
	for in.Next() {
		require.IsType(t, &array.Int64{}, in.RecordBatch().Column(0))
		n += in.RecordBatch().NumRows()
	}
	require.NoError(t, in.Err())
	require.EqualValues(t, 5000, n)
}

// TestArrowGo reads the same by arrow-go v18's own Flight client.
func TestArrowGo(t *testing.T) {
	ctx := context.Background()
	target, err := client.Target(serve(t))
	require.NoError(t, err)
	c, err := arrowflight.NewClientWithMiddleware(target, nil, nil, grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer c.Close()
	stream, err := c.DoGet(ctx, &arrowflight.Ticket{Ticket: []byte(`{"file": "tables.h5", "dataset": "/events"}`)})
	require.NoError(t, err)
	in, err := arrowflight.NewRecordReader(stream)
	require.NoError(t, err)
	defer in.Release()
	n := int64(0)
	for in.Next() {
		n += in.RecordBatch().NumRows()
	}
	require.NoError(t, in.Err())
	require.EqualValues(t, 5000, n)
}

// answers is a Flight SQL server that gives 1, 2, 3 to every query.
type answers struct{ flightsql.BaseServer }

var numbers = arrow.NewSchema([]arrow.Field{{Name: "n", Type: arrow.PrimitiveTypes.Int64}}, nil)

func (answers) GetFlightInfoStatement(_ context.Context, q flightsql.StatementQuery, d *arrowflight.FlightDescriptor) (*arrowflight.FlightInfo, error) {
	ticket, err := flightsql.CreateStatementQueryTicket([]byte(q.GetQuery()))
	return &arrowflight.FlightInfo{Schema: arrowflight.SerializeSchema(numbers, memory.DefaultAllocator), FlightDescriptor: d, TotalRecords: -1,
		TotalBytes: -1, Endpoint: []*arrowflight.FlightEndpoint{{Ticket: &arrowflight.Ticket{Ticket: ticket}}}}, err
}

func (answers) DoGetStatement(context.Context, flightsql.StatementQueryTicket) (*arrow.Schema, <-chan arrowflight.StreamChunk, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, numbers)
	defer b.Release()
	b.Field(0).(*array.Int64Builder).AppendValues([]int64{1, 2, 3}, nil)
	out := make(chan arrowflight.StreamChunk, 1)
	out <- arrowflight.StreamChunk{Data: b.NewRecordBatch()}
	close(out)
	return numbers, out, nil
}

// TestADBC runs a query by the Flight SQL driver.
func TestADBC(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := grpc.NewServer()
	arrowflight.RegisterFlightServiceServer(srv, flightsql.NewFlightServer(new(answers)))
	served := make(chan error)
	go func() { served <- srv.Serve(l) }()
	defer func() { srv.Stop(); require.NoError(t, <-served) }()

	ctx := context.Background()
	db, err := flightsqldriver.NewDriver(memory.DefaultAllocator).NewDatabase(map[string]string{"uri": "grpc+tcp://" + l.Addr().String()})
	require.NoError(t, err)
	defer db.Close()
	connection, err := db.Open(ctx)
	require.NoError(t, err)
	defer connection.Close()
	statement, err := connection.NewStatement()
	require.NoError(t, err)
	defer statement.Close()
	require.NoError(t, statement.SetSqlQuery("select n"))
	in, _, err := statement.ExecuteQuery(ctx)
	require.NoError(t, err)
	defer in.Release()
	require.True(t, in.Next())
	require.Equal(t, []int64{1, 2, 3}, in.RecordBatch().Column(0).(*array.Int64).Int64Values())
}
