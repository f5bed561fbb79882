// Package client asks an mtflight server, or reads what any Flight server with the same tickets gives.
//
//	c, err := client.Open(ctx, "grpc://localhost:8815")
//	defer c.Close()
//	rows, err := c.Scan(ctx, protocol.Request{File: "run7.h5", Dataset: "/events"}, client.Parallel(4))
//	defer rows.Release()
//	for rows.Next() {
//		use(rows.Record())
//	}
//	return rows.Err()
//
// Client and Rows are what there is to know. A record is valid until the next call of Next; Retain it to keep it
// longer. Errors are of the kinds of this package (ErrNotFound and the others), with the server's message and the
// request's id. A Client may be used by several goroutines, a Rows by one.
//
// The package needs no cgo, and may be linked beside any other Flight client: it registers no messages. Records are those of
// arrow/go/v15; module flight/client/arrow18 hands them over to arrow-go/v18.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/mtflight/mtflight/flight/client/internal/rpc"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
)

// maxMessage is above the largest batch that a server sends (docs/protocol.md section 2).
const maxMessage = 80 << 20

// maxResult is above the largest result of an action: attributes are of any size.
const maxResult = 1 << 30

// windowSize lets the server send so many bytes ahead on one connection.
const windowSize = 16 << 20

// Client is a connection to a server, and to the replicas that Scan was sent to.
type Client struct {
	server   rpc.Server
	security security
	options  []grpc.DialOption

	mu    sync.Mutex
	conns map[string]*grpc.ClientConn // by location; nil: closed
	about *protocol.About             // nil: not asked for yet
}

// Open connects to a location (grpc://HOST:PORT, grpc+tls://HOST:PORT or grpc+unix:///PATH) and waits until the server answers or ctx
// ends. Replicas are connected to with the same options: gRPC's, TLS and Bearer. The caller closes the client.
func Open(ctx context.Context, location string, options ...grpc.DialOption) (*Client, error) {
	c := &Client{conns: map[string]*grpc.ClientConn{}}
	c.security, options = secured(location, options)
	c.options = append([]grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
		grpc.WithInitialWindowSize(windowSize), grpc.WithInitialConnWindowSize(windowSize),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: 5 * time.Second,
			Backoff: backoff.Config{BaseDelay: firstPause, Multiplier: 1.6, Jitter: 0.2, MaxDelay: maxPause}}),
	}, options...)
	var err error
	if c.server, err = c.at(location); err != nil {
		return nil, err
	}
	if err := c.server.Ping(ctx); err != nil {
		c.Close()
		return nil, Unanswered(location, err)
	}
	return c, nil
}

// at is the server at a location, connected to once.
func (c *Client) at(location string) (server rpc.Server, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	conn := c.conns[location]
	if conn == nil {
		target, err := Target(location)
		if err != nil {
			return server, err
		}
		if c.conns == nil {
			return server, fmt.Errorf("client: closed: %w", context.Canceled)
		}
		if conn, err = grpc.NewClient(target, append(c.security.options(location), c.options...)...); err != nil {
			return server, fault.New(fault.Invalid, "client: location %s: %w", location, err)
		}
		c.conns[location] = conn
	}
	return rpc.Server{Conn: conn}, nil
}

// Target is gRPC's name of a location (grpc://HOST:PORT, grpc+tls://HOST:PORT or grpc+unix:///PATH), for other services of the same server.
func Target(location string) (string, error) {
	u, err := url.Parse(location)
	switch {
	case err != nil || !strings.HasPrefix(location, u.Scheme+":"): // in capitals: TLS must not hang on that
	case (u.Scheme == "grpc" || u.Scheme == "grpc+tcp" || u.Scheme == "grpc+tls") && u.Port() != "":
		return u.Host, nil
	case (u.Scheme == "grpc+unix" || u.Scheme == "unix") && u.Path+u.Opaque != "":
		return "unix:" + u.Path + u.Opaque, nil
	}
	return "", fault.New(fault.Invalid, "client: location %q must be grpc://HOST:PORT, grpc+tls://HOST:PORT or grpc+unix:///PATH", location)
}

// Unanswered says of a connection that cannot be made where it should lead to, and why; other errors stay as they are.
func Unanswered(location string, err error) error {
	err = fromStatus(err)
	told, why := err.Error(), ""
	switch {
	case strings.Contains(told, "failed to verify certificate"):
		why = "has a certificate that is not trusted here: name the host that it is of, and give the authority that signed it (--tls-ca FILE; TLS in Go)"
	case strings.Contains(told, "first record does not look like a TLS handshake"):
		why = "is without TLS: write grpc://"
	case errors.Is(err, context.DeadlineExceeded), strings.HasPrefix(told, "connection error"), strings.HasPrefix(told, "name resolver error"):
		why = "does not answer: is the server running there?"
	default:
		return err
	}
	return fault.New(fault.Unavailable, "client: %s %s (%w)", location, why, err)
}

// gone says of a stream that ended with its connection what has happened; other errors stay as they are.
func gone(err error) error {
	if !errors.Is(err, fault.Unavailable) {
		return err
	}
	told := err.Error()
	if strings.HasPrefix(told, "connection error") || strings.HasPrefix(told, "error reading from server") {
		return fault.New(fault.Unavailable, "client: the connection was lost before the last row: is the server still running? (%w)", err)
	}
	return err
}

// Close ends the connections and every stream on them.
func (c *Client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, conn := range c.conns {
		errs = append(errs, conn.Close())
	}
	c.conns = nil
	return errors.Join(errs...)
}

// Criteria choose what List gives: globs as Python's fnmatch, and table, array, vlarray, sparse or columns. Empty members choose all.
type Criteria struct {
	File    string `json:"file,omitempty"`
	Dataset string `json:"dataset,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Frames  bool   `json:"frames,omitempty"`  // data frames of pandas and AnnData too, which are groups
	Columns bool   `json:"columns,omitempty"` // groups whose datasets of one length are a table, too
}

// Dataset is one that a server has. One that cannot be served has Kind "unsupported" and a Reason; a file that cannot
// be read is a Dataset without Name.
type Dataset struct {
	File, Name   string
	Kind, Reason string
	Schema       *arrow.Schema // nil where this version of Arrow cannot read it (lists of a fixed size of 0)
	Rows, Bytes  int64         // -1: unknown
}

// Err is why a file cannot be read; nil for a dataset.
func (d Dataset) Err() error {
	if d.Name != "" {
		return nil
	}
	return unreadable(d.File, d.Reason)
}

// List calls visit with every dataset as the server finds it; an error of visit ends the list and is returned.
func (c *Client) List(ctx context.Context, of Criteria, visit func(Dataset) error) error {
	expression, err := json.Marshal(of)
	if err != nil {
		return fault.New(fault.Invalid, "client: list: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.server.ListFlights(ctx, expression)
	if err != nil {
		return fromStatus(err)
	}
	for {
		var info rpc.Info
		if err := stream.RecvMsg(&info); err != nil {
			return fromStatus(err)
		}
		d, err := datasetOf(info)
		if err != nil {
			return err
		}
		if err := visit(d); err != nil {
			return err
		}
	}
}

func datasetOf(info rpc.Info) (d Dataset, err error) {
	var what struct{ Kind, Reason string }
	if len(info.AppMetadata) > 0 {
		if err := json.Unmarshal(info.AppMetadata, &what); err != nil {
			return d, fault.New(fault.DataLoss, "client: list: what the server says of a dataset: %w", err)
		}
	}
	d = Dataset{Kind: what.Kind, Reason: what.Reason, Rows: info.TotalRecords, Bytes: info.TotalBytes}
	if path := info.Descriptor.Path; len(path) > 0 {
		d.File, d.Name = path[0], strings.Join(path[1:], "")
	}
	d.Schema, _ = deserialize(info.Schema)
	return d, nil
}

// Describe tells all about a dataset: the server's JSON (docs/protocol.md section 6).
func (c *Client) Describe(ctx context.Context, file, dataset string) (json.RawMessage, error) {
	return c.act(ctx, "describe", map[string]string{"file": file, "dataset": dataset})
}

// Attributes are attributes of a group, a dataset or a committed type by name, whole: the server's JSON (docs/protocol.md
// section 4). Without names it is all of them.
func (c *Client) Attributes(ctx context.Context, file, object string, names ...string) (json.RawMessage, error) {
	return c.act(ctx, "attributes", struct {
		File   string   `json:"file"`
		Object string   `json:"object"`
		Names  []string `json:"names,omitempty"`
	}{file, object, names})
}

// Explain tells how the server would answer a request: its JSON (docs/protocol.md section 6).
func (c *Client) Explain(ctx context.Context, r protocol.Request) (json.RawMessage, error) {
	ticket, err := protocol.FormatTicket(r)
	if err != nil {
		return nil, err
	}
	return c.act(ctx, "explain", json.RawMessage(ticket))
}

// Refresh makes the server forget what it has cached about a file.
func (c *Client) Refresh(ctx context.Context, file string) error {
	_, err := c.act(ctx, "refresh", map[string]string{"file": file})
	return err
}

// results calls visit with each result of an action as it comes; an error of visit ends it and is returned.
func (c *Client) results(ctx context.Context, name string, argument any, visit func(json.RawMessage) error) error {
	body, err := json.Marshal(argument)
	if err != nil {
		return fault.New(fault.Invalid, "client: %s: %w", name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.server.DoAction(ctx, name, body)
	if err != nil {
		return fromStatus(err)
	}
	for {
		var result rpc.Result
		if err := stream.RecvMsg(&result); err != nil {
			return fromStatus(err)
		}
		if err := visit(result.Body); err != nil {
			return err
		}
	}
}

// act gives the only result of an action.
func (c *Client) act(ctx context.Context, name string, argument any) (json.RawMessage, error) {
	body, err := json.Marshal(argument)
	if err != nil {
		return nil, fault.New(fault.Invalid, "client: %s: %w", name, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.server.DoAction(ctx, name, body, grpc.MaxCallRecvMsgSize(maxResult))
	if err != nil {
		return nil, fromStatus(err)
	}
	var result rpc.Result
	err = stream.RecvMsg(&result)
	if errors.Is(err, io.EOF) {
		return nil, fault.New(fault.DataLoss, "client: %s: the server gave no result", name)
	}
	if err != nil {
		return nil, c.refused(ctx, fromStatus(err))
	}
	return result.Body, nil
}

// Schema is that of a request, which is checked but not run.
func (c *Client) Schema(ctx context.Context, r protocol.Request) (*arrow.Schema, error) {
	ticket, err := protocol.FormatTicket(r)
	if err != nil {
		return nil, err
	}
	schema, err := c.server.GetSchema(ctx, ticket)
	if err != nil {
		return nil, c.refused(ctx, fromStatus(err))
	}
	return deserialize(schema)
}
