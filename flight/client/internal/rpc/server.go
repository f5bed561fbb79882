// Package rpc calls Flight's methods without Flight's generated messages, which can be registered once in a program only:
// linked beside arrow-go's flight, or a driver that has it in, they end it at its start. The codec is chosen call by call and
// registers nothing. Messages are bounded by the connection's MaxCallRecvMsgSize.
package rpc

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"
)

// Server is the Flight service at the other end of a connection. Errors are gRPC's. The streams' messages are those of
// Flight.proto: RecvMsg takes what the method says. A stream lives until its end or its context's.
type Server struct{ Conn grpc.ClientConnInterface }

const service = "/arrow.flight.protocol.FlightService/"

func chosen(options []grpc.CallOption) []grpc.CallOption {
	return append([]grpc.CallOption{grpc.ForceCodecV2(codec{})}, options...)
}

// GetFlightInfo gives where the rows of a command are.
func (s Server) GetFlightInfo(ctx context.Context, command []byte) (*Info, error) {
	var info Info
	return &info, s.Conn.Invoke(ctx, service+"GetFlightInfo", &Descriptor{Cmd: command}, &info, chosen(nil)...)
}

// GetSchema gives the schema of a command's rows, as an IPC stream.
func (s Server) GetSchema(ctx context.Context, command []byte) ([]byte, error) {
	var r schemaResult
	err := s.Conn.Invoke(ctx, service+"GetSchema", &Descriptor{Cmd: command}, &r, chosen(nil)...)
	return r.schema, err
}

// ListFlights gives a stream of Info.
func (s Server) ListFlights(ctx context.Context, expression []byte) (grpc.ClientStream, error) {
	return s.ask(ctx, "ListFlights", single(expression))
}

// DoAction gives a stream of Result.
func (s Server) DoAction(ctx context.Context, name string, body []byte, options ...grpc.CallOption) (grpc.ClientStream, error) {
	return s.ask(ctx, "DoAction", action{name, body}, options...)
}

// DoGet gives a stream of Data.
func (s Server) DoGet(ctx context.Context, ticket []byte) (grpc.ClientStream, error) {
	return s.ask(ctx, "DoGet", single(ticket))
}

// DoExchange gives a stream of Data that takes Data by SendMsg, until CloseSend.
func (s Server) DoExchange(ctx context.Context) (grpc.ClientStream, error) {
	desc := grpc.StreamDesc{StreamName: "DoExchange", ServerStreams: true, ClientStreams: true}
	return s.Conn.NewStream(ctx, &desc, service+desc.StreamName, chosen(nil)...)
}

// Ping waits for the whole answer to ListActions, which every Flight server has.
func (s Server) Ping(ctx context.Context) error {
	stream, err := s.ask(ctx, "ListActions", single(nil))
	for err == nil {
		err = stream.RecvMsg(new(actionType))
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// ask sends the one request of a method that answers with a stream.
func (s Server) ask(ctx context.Context, method string, request sent, options ...grpc.CallOption) (grpc.ClientStream, error) {
	stream, err := s.Conn.NewStream(ctx, &grpc.StreamDesc{StreamName: method, ServerStreams: true}, service+method, chosen(options)...)
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(request); err != nil {
		return nil, err
	}
	return stream, stream.CloseSend()
}
