package serve

import (
	"context"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"

	"github.com/mtflight/mtflight/internal/fault"
)

// tracing tells whether traces are wanted: by a location, or by OpenTelemetry's own variables.
func tracing(location string) bool {
	if location != "" {
		return true
	}
	if os.Getenv("OTEL_SDK_DISABLED") == "true" || os.Getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	return os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") != ""
}

// openTraces makes what sends traces to a collector by OTLP over gRPC; nil if none are wanted. OpenTelemetry's variables (OTEL_SERVICE_NAME,
// OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS, ..) say the rest.
func openTraces(location, version string, log *zap.Logger) (*trace.TracerProvider, error) {
	if !tracing(location) {
		return nil, nil
	}
	var options []otlptracegrpc.Option
	if location != "" {
		options = append(options, otlptracegrpc.WithEndpointURL(location))
	}
	ctx := context.Background()
	exporter, err := otlptracegrpc.New(ctx, options...)
	if err != nil {
		return nil, fault.New(fault.Invalid, "--traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "mtflight"), attribute.String("service.version", version)),
		resource.WithFromEnv(), resource.WithHost())
	if err != nil {
		log.Warn("traces do not tell all about this process", zap.Error(err))
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces", zap.Error(err)) }))
	return trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about)), nil
}

// flushTime bounds what sending the last traces takes.
const flushTime = 5 * time.Second

func closeTraces(p *trace.TracerProvider, log *zap.Logger) {
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	if err := p.Shutdown(ctx); err != nil {
		log.Warn("the last traces are lost", zap.Error(err))
	}
}
