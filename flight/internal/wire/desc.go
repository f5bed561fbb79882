package wire

import (
	arrowdesc "github.com/apache/arrow/go/v15/arrow/flight/gen/flight"
	"google.golang.org/grpc"
)

// Description is Flight's, with its unary methods as streams: of those gRPC reads the message, of up to maxReceive, when the handler asks
// for it, and so only of whom admit let in. On the wire both are the same. gRPC calls no interceptor of what streams in no direction.
func Description() *grpc.ServiceDesc {
	d := arrowdesc.FlightService_ServiceDesc
	d.Methods, d.Streams = nil, append([]grpc.StreamDesc(nil), d.Streams...)
	for _, m := range arrowdesc.FlightService_ServiceDesc.Methods {
		d.Streams = append(d.Streams, grpc.StreamDesc{StreamName: m.MethodName, ServerStreams: true, Handler: func(srv any, stream grpc.ServerStream) error {
			answer, err := m.Handler(srv, stream.Context(), stream.RecvMsg, nil)
			if err != nil {
				return err
			}
			return stream.SendMsg(answer)
		}})
	}
	return &d
}
