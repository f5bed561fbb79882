package reader

import "github.com/mtflight/mtflight/internal/fault"

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
