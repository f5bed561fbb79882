package flight

import (
	"context"
	"path"

	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc/metadata"

	"github.com/mtflight/mtflight/internal/span"
)

// headers are a call's, for the trace of which it is a part (W3C trace context: traceparent, tracestate).
type headers metadata.MD

// Get is part of propagation.TextMapCarrier.
func (h headers) Get(name string) string {
	return append(metadata.MD(h).Get(name), "")[0]
}

// Set is part of propagation.TextMapCarrier. Nothing is sent on.
func (h headers) Set(string, string) {}

// Keys is part of propagation.TextMapCarrier.
func (h headers) Keys() []string { return nil }

// traced begins the span of a call, below the client's if it has one; ours only.
func (s *Server) traced(ctx context.Context, method string) (context.Context, span.Span) {
	if s.cfg.Traces != nil && ours(method) {
		md, _ := metadata.FromIncomingContext(ctx)
		ctx = propagation.TraceContext{}.Extract(ctx, headers(md))
		return span.Root(ctx, s.cfg.Traces, path.Base(method))
	}
	return span.Root(ctx, nil, "")
}

// endSpan says in a call's span what became of it.
func (c *call) endSpan(one span.Span, err error) {
	if one.On() {
		one.Name("request", c.id)
		one.Name("kind", c.what())
		one.Name("file", c.file.String())
		one.Name("dataset", c.dataset.String())
		one.Name("peer", c.peer)
		one.Name("identity", c.identity)
		one.Note("rows", c.rows.Load())
		one.Note("bytes", c.bytes.Load())
	}
	one.End(err)
}
