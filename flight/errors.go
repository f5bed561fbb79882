package flight

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/mtflight/mtflight/internal/fault"
)

// errorCodes is the one table from kinds of error to gRPC codes (docs/protocol.md section 7).
var errorCodes = []struct {
	kind error
	code codes.Code
}{
	{fault.Invalid, codes.InvalidArgument},
	{fault.NotFound, codes.NotFound},
	{fault.Denied, codes.PermissionDenied},
	{fault.Unauthenticated, codes.Unauthenticated},
	{fault.OutOfRange, codes.OutOfRange},
	{fault.Precondition, codes.FailedPrecondition},
	{fault.Unsupported, codes.Unimplemented},
	{fault.DataLoss, codes.DataLoss},
	{fault.Changed, codes.Aborted},
	{fault.Exhausted, codes.ResourceExhausted},
	{fault.Unavailable, codes.Unavailable},
}

// statusOf is the error as a client gets it: the code of its kind, its message without places on disk, and the
// request's id. An error without a kind is a bug of ours: the client learns the id only.
func (s *Server) statusOf(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	code, message := codeOf(ctx, err)
	message = clean(s.catalog.Scrub(message))
	st := status.New(code, fmt.Sprintf("%s (request %s)", message, callOf(ctx).id))
	if fault.IsLater(err) {
		st = askAgain(st)
	}
	return st.Err()
}

// retryAfter is when a client may ask again for what others kept it from: streams that stall have given way by then.
const retryAfter = 2 * time.Second

// askAgain adds gRPC's RetryInfo to a status.
func askAgain(st *status.Status) *status.Status {
	if with, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)}); err == nil {
		return with
	}
	return st
}

func codeOf(ctx context.Context, err error) (codes.Code, string) {
	if why := context.Cause(ctx); fault.Of(why) != nil { // the server ended the call
		return codeOf(context.WithoutCancel(ctx), why)
	}
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return codes.Canceled, "the client has left"
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return codes.DeadlineExceeded, "the client's deadline has passed"
	}
	if kind := fault.Of(err); kind != nil {
		for _, row := range errorCodes {
			if row.kind == kind {
				return row.code, err.Error()
			}
		}
	}
	switch st, ok := status.FromError(err); {
	case ok: // of gRPC itself: a message too large, a broken stream
		return st.Code(), st.Message()
	case errors.Is(err, context.Canceled):
		return codes.Canceled, "cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded, "took too long"
	}
	return codes.Internal, "internal error"
}

// clean bounds a message to what fits into a client's metadata, which is often limited to 8 KiB with every byte that
// is not ASCII taking three.
func clean(message string) string {
	const most = 2000
	if len(message) > most {
		message = message[:most] + "..."
	}
	return strings.ToValidUTF8(message, "\ufffd")
}
