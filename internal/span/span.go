// Package span tells OpenTelemetry what happens for a request, if anybody listens: Root begins the spans of one, Start one below. A
// request that is not traced costs a look into its context for each.
//
// Only OpenTelemetry's interfaces are used here. A Go program that gives Root its own provider, or a context with a span of its own to a
// reader.Plan, gets the spans below.
package span

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

const scope = "github.com/mtflight/mtflight"

// most bounds the spans of a request: it may read a million chunks.
const most = 1000

type leftKey struct{}

// Root begins the span of a request. With a nil provider it does nothing.
func Root(ctx context.Context, p trace.TracerProvider, name string) (context.Context, Span) {
	if p == nil {
		return ctx, Span{}
	}
	ctx, s := p.Tracer(scope).Start(ctx, name, trace.WithSpanKind(trace.SpanKindServer))
	left := new(atomic.Int64)
	left.Store(most)
	return context.WithValue(ctx, leftKey{}, left), Span{s}
}

// Start begins a span below that of a context, if it is recorded and has not many yet.
func Start(ctx context.Context, name string) (context.Context, Span) {
	above := trace.SpanFromContext(ctx)
	if !above.IsRecording() {
		return ctx, Span{}
	}
	if left, ok := ctx.Value(leftKey{}).(*atomic.Int64); ok && left.Add(-1) < 0 {
		above.SetAttributes(attribute.Bool("mtflight.spans_left_out", true))
		return ctx, Span{}
	}
	ctx, s := above.TracerProvider().Tracer(scope).Start(ctx, name)
	return ctx, Span{s}
}

// Span is a part of a request's time. Its End must be called. The zero value is one to which nobody listens.
type Span struct{ s trace.Span }

// On tells whether anybody listens, so that it is worth finding out what to Note.
func (s Span) On() bool { return s.s != nil && s.s.IsRecording() }

// Note says a number of what was done.
func (s Span) Note(name string, n int64) {
	if s.On() {
		s.s.SetAttributes(attribute.Int64("mtflight."+name, n))
	}
}

// Name says the name of something.
func (s Span) Name(name, value string) {
	if s.On() {
		s.s.SetAttributes(attribute.String("mtflight."+name, value))
	}
}

// End ends it, and says how.
func (s Span) End(err error) {
	if !s.On() {
		return
	}
	if err != nil {
		s.s.SetStatus(codes.Error, err.Error())
	}
	s.s.End()
}

// TraceID is that of a context's span, "" if there is none.
func TraceID(ctx context.Context) string {
	if c := trace.SpanContextFromContext(ctx); c.HasTraceID() {
		return c.TraceID().String()
	}
	return ""
}
