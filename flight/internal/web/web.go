package web

import (
	"context"
	"io"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"github.com/mtflight/mtflight/flight/internal/page"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/protocol"
	"github.com/mtflight/mtflight/reader"
)

// Service is the server that is asked.
type Service interface {
	// Call carries out one call of a name: for whom, whether it may be now, its log, its metrics, and the header with
	// its id. The error is a status of gRPC's.
	Call(w http.ResponseWriter, r *http.Request, name string, run func(context.Context) error) error
	// Body reads what a request sends when there is memory for it; cut has it fail.
	Body(ctx context.Context, body io.Reader, cut func()) ([]byte, error)
	// Plan checks a request against its dataset.
	Plan(context.Context, protocol.Request) (*reader.Plan, error)
	// Act carries out an action of DoAction; answer is given JSON, or what the action gives instead.
	Act(ctx context.Context, action string, body []byte, answer func([]byte) error) error
	// Sent counts what goes to the client of a call.
	Sent(ctx context.Context, rows, bytes int64)
	// Locations are where Flight answers.
	Locations() []string
	// Ready tells whether new calls are answered.
	Ready() bool
}

// Config says who may ask.
type Config struct {
	Hosts   []string      // names of this server beside localhost and addresses, in the header Host; "*": any
	Origins []string      // pages of other servers that may ask: https://lab.example
	Whole   int64         // bytes of files at most that are kept to be read in parts
	Stalled time.Duration // that a client may take nothing
	Version string        // of the program
}

// Handler answers by HTTP. Close it when no request runs any more.
type Handler struct {
	http.Handler
	service Service
	files   *files
	stalled time.Duration
	version string
}

// New makes a Handler.
func New(s Service, c Config) (*Handler, error) {
	h := &Handler{service: s, files: newFiles(c.Whole), stalled: c.Stalled, version: c.Version}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/data", h.data)
	mux.HandleFunc("POST /v1/data", h.data)
	for _, a := range acts {
		mux.HandleFunc("GET /v1/"+a.name, h.act(a))
	}
	mux.HandleFunc("GET /v1/openapi.json", h.openAPI)
	mux.HandleFunc("GET /healthz", h.health)
	shown, err := page.New(s.Locations)
	if err != nil {
		return nil, err
	}
	mux.Handle("GET /{$}", shown)
	mux.Handle("GET /page/", shown)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		failWith(w, http.StatusNotFound, problem{"NotFound", "there is nothing at this path: /v1/openapi.json describes what there is"})
	})
	smaller, err := gzhttp.NewWrapper(gzhttp.ContentTypes([]string{"application/json", "application/x-ndjson", "text/csv"}), gzhttp.MinSize(1<<10),
		gzhttp.SuffixETag("-c"))
	if err != nil {
		return nil, err
	}
	guard, err := newGuard(c)
	if err != nil {
		return nil, err
	}
	h.Handler = guard.around(smaller(bounded(mux)))
	return h, nil
}

// Close gives back what is kept for who reads in parts.
func (h *Handler) Close() error { return h.files.close() }

// maxBody is of a request: those of Flight are as long.
const maxBody = 1 << 20

func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// health is open to all, as gRPC's is.
func (h *Handler) health(w http.ResponseWriter, _ *http.Request) {
	if !h.service.Ready() {
		failWith(w, http.StatusServiceUnavailable, problem{"Unavailable", "the server is shutting down"})
		return
	}
	_, _ = io.WriteString(w, "ok\n")
}

// call carries out one call whose answer goes to w. A client that got a part of it before it failed sees its connection break.
func (h *Handler) call(w http.ResponseWriter, r *http.Request, name string, run func(ctx context.Context, out *outlet) error) {
	out := &outlet{ResponseWriter: w, deadline: http.NewResponseController(w), stalled: h.stalled, most: math.MaxInt64}
	var cause error
	ended := h.service.Call(w, r, name, func(ctx context.Context) error {
		out.sent = func(n int64) { h.service.Sent(ctx, 0, n) }
		cause = run(ctx, out)
		return cause
	})
	switch {
	case ended == nil:
	case out.started:
		panic(http.ErrAbortHandler) // no last chunk
	default:
		fail(w, ended, cause)
	}
}

// bodyFrom is the JSON that a request stands for: its body, or its parameters.
func (h *Handler) bodyFrom(ctx context.Context, out *outlet, r *http.Request, known []parameter) ([]byte, error) {
	given := r.URL.Query()
	for _, name := range own {
		given.Del(name)
	}
	if r.Method != http.MethodPost {
		return bodyOf(given, known)
	}
	if len(given) > 0 {
		return nil, fault.New(fault.Invalid, "a request that is posted has its members in the body: only %s go into the address", strings.Join(own, " and "))
	}
	body, err := h.service.Body(ctx, r.Body, func() { _ = out.deadline.SetReadDeadline(time.Now()) }) // a test's recorder has none
	if err != nil && fault.Of(err) == nil {
		return nil, fault.New(fault.Invalid, "the body of the request: %w", err)
	}
	return body, err
}
