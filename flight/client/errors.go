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
	ErrInvalid      = fault.Invalid
	ErrNotFound     = fault.NotFound
	ErrDenied       = fault.Denied
	ErrOutOfRange   = fault.OutOfRange
	ErrPrecondition = fault.Precondition
	ErrUnsupported  = fault.Unsupported
	ErrDataLoss     = fault.DataLoss
	ErrChanged      = fault.Changed
	ErrExhausted    = fault.Exhausted
	ErrUnavailable  = fault.Unavailable
)

var kinds = map[codes.Code]error{
	codes.InvalidArgument: fault.Invalid, codes.NotFound: fault.NotFound, codes.PermissionDenied: fault.Denied,
	codes.OutOfRange: fault.OutOfRange, codes.FailedPrecondition: fault.Precondition, codes.Unimplemented: fault.Unsupported,
	codes.DataLoss: fault.DataLoss, codes.Aborted: fault.Changed, codes.ResourceExhausted: fault.Exhausted,
	codes.Unavailable: fault.Unavailable,
}

// fromStatus gives a gRPC error its kind back; the end of a stream is no error.
func fromStatus(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return nil
	}
	var of interface{ GRPCStatus() *status.Status }
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
