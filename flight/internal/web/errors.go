package web

import (
	"encoding/json"
	"errors"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// httpCodes is the one table from gRPC's codes to HTTP's (docs/http.md).
var httpCodes = map[codes.Code]int{
	codes.InvalidArgument:    http.StatusBadRequest,
	codes.NotFound:           http.StatusNotFound,
	codes.PermissionDenied:   http.StatusForbidden,
	codes.Unauthenticated:    http.StatusUnauthorized,
	codes.OutOfRange:         http.StatusUnprocessableEntity,
	codes.FailedPrecondition: http.StatusPreconditionFailed,
	codes.Unimplemented:      http.StatusNotImplemented,
	codes.Aborted:            http.StatusConflict,
	codes.ResourceExhausted:  http.StatusTooManyRequests,
	codes.Unavailable:        http.StatusServiceUnavailable,
	codes.DeadlineExceeded:   http.StatusGatewayTimeout,
	codes.Canceled:           499, // nginx's: the client has left
	codes.DataLoss:           http.StatusInternalServerError,
	codes.Internal:           http.StatusInternalServerError,
}

// problem is an error as a client gets it.
type problem struct {
	Code    string `json:"code"` // of Flight's table
	Message string `json:"message"`
}

// errTooLarge: there is room, but not for this answer.
var errTooLarge = errors.New("too long")

// fail answers with the status that a call ended with, and why.
func fail(w http.ResponseWriter, ended, cause error) {
	st := status.Convert(ended)
	code, known := httpCodes[st.Code()]
	if !known {
		code = http.StatusInternalServerError
	}
	if errors.Is(cause, errTooLarge) {
		code = http.StatusRequestEntityTooLarge
	}
	failWith(w, code, problem{st.Code().String(), st.Message()})
}

func failWith(w http.ResponseWriter, code int, p problem) {
	h := w.Header()
	for _, name := range []string{"ETag", "Content-Disposition", "Trailer", "Content-Length"} { // of the answer that was meant
		h.Del(name)
	}
	h.Set("Content-Type", "application/json")
	switch code {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="mtflight"`)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]problem{"error": p}) // the client may have left
}
