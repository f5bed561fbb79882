package client

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mtflight/mtflight/internal/fault"
)

// The kinds of error, to be asked for with errors.Is.
var (
	ErrInvalid         = fault.Invalid
	ErrNotFound        = fault.NotFound
	ErrDenied          = fault.Denied
	ErrUnauthenticated = fault.Unauthenticated
	ErrOutOfRange      = fault.OutOfRange
	ErrPrecondition    = fault.Precondition
	ErrUnsupported     = fault.Unsupported
	ErrDataLoss        = fault.DataLoss
	ErrChanged         = fault.Changed
	ErrExhausted       = fault.Exhausted
	ErrUnavailable     = fault.Unavailable
)

var kinds = map[codes.Code]error{
	codes.InvalidArgument: fault.Invalid, codes.NotFound: fault.NotFound, codes.PermissionDenied: fault.Denied,
	codes.OutOfRange: fault.OutOfRange, codes.FailedPrecondition: fault.Precondition, codes.Unimplemented: fault.Unsupported,
	codes.DataLoss: fault.DataLoss, codes.Aborted: fault.Changed, codes.ResourceExhausted: fault.Exhausted,
	codes.Unavailable: fault.Unavailable, codes.Unauthenticated: fault.Unauthenticated,
}

// fromServer is an error of gRPC.
type fromServer interface{ GRPCStatus() *status.Status }

// fromStatus gives a gRPC error its kind back; the end of a stream is no error.
func fromStatus(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	var of fromServer
	if !errors.As(err, &of) {
		return err
	}
	st := of.GRPCStatus()
	switch kind := kinds[st.Code()]; {
	case kind != nil:
		return fault.New(kind, "%s", st.Message())
	case st.Code() == codes.Canceled:
		return context.Canceled
	case st.Code() == codes.DeadlineExceeded:
		return context.DeadlineExceeded
	}
	return err
}

// damaged gives an error of Arrow's reader its kind: the stream is not one of record batches.
func damaged(err error) error {
	var of fromServer
	if err == nil || fault.Of(err) != nil || errors.As(err, &of) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return fault.New(fault.DataLoss, "client: a record batch: %w", err)
}
