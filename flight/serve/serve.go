// Package serve is `mtflight serve` for Go programs, in three steps: a Config says what, Complete checks all of it and makes a
// Server, which listens to nothing yet, and Run serves until its context ends.
//
//	config := serve.Default()
//	config.Flight.Roots = []string{"/data"}
//	server, err := config.Complete()
//	...
//	err = server.Run(ctx)
//
// A program that has a reader.Engine already gives it to package flight itself.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/zap"

	"github.com/mtflight/mtflight/flight"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/reader"
)

// Location is where a server listens, and where clients look for one, if nobody says otherwise.
const Location = "grpc://127.0.0.1:8815"

// Config is what a server is made of. Start with Default.
type Config struct {
	Engine reader.Config
	Flight flight.Config // without Engine, Workers and Logger, which are the engine's
	Logger *zap.Logger   // of both; default: none
	Traces string        // http://HOST:PORT or https:// of a collector of OpenTelemetry; default: what OTEL_EXPORTER_OTLP_ENDPOINT says
}

// Default is the one place of defaults. Those that stay zero are worked out by the engine: a quarter of the machine's memory, as many
// workers as CPUs and one more.
func Default() Config {
	return Config{Flight: flight.Config{
		Listen:     []string{Location},
		SocketMode: 0o600,
		Drain:      20 * time.Second,
		Limits:     flight.DefaultLimits(),
		StageDir:   fmt.Sprintf("/dev/shm/mtflight-%d", os.Getuid()), // this user's own, in shared memory
	}}
}

// Server is a server that is ready to run. Run or Close ends it.
type Server struct {
	*flight.Server
	engine *reader.Engine
	traces *trace.TracerProvider // nil: none
	log    *zap.Logger
}

// Complete checks the configuration, roots and locations too, and starts the engine. It sets Go's memory limit to what the engine and
// what lies beside it takes, unless GOMEMLIMIT is set.
func (c Config) Complete() (*Server, error) {
	if c.Flight.Drain < 0 {
		return nil, fault.New(fault.Invalid, "serve: --drain must not be negative")
	}
	if c.Engine.ReadTimeout < 0 {
		return nil, fault.New(fault.Invalid, "serve: --read-timeout must not be negative")
	}
	c.Flight.Drain = max(c.Flight.Drain, 1) // zero: not at all
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	c.Engine.Logger, c.Flight.Logger, c.Flight.Workers = c.Logger, c.Logger, c.Engine.Workers
	c.Engine.MaxWait = c.Flight.Limits.MaxWait
	engine, err := reader.NewEngine(c.Engine)
	if err != nil {
		return nil, err
	}
	boundHeap(engine)
	c.Flight.Engine = engine
	s := &Server{engine: engine, log: c.Logger}
	if s.traces, err = openTraces(c.Traces, c.Flight.Version, c.Logger); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if s.traces != nil {
		c.Flight.Traces = s.traces
	}
	if s.Server, err = flight.New(c.Flight); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// besides is what the heap holds beside the budget: metadata, requests, connections. With what C and the threads have, of which the
// collector does not know, it is no more than 64 MiB.
const besides = 48 << 20

// boundHeap has garbage collected earlier where it would make the process larger than its budget and what lies beside
// that, with what is mapped. GOMEMLIMIT overrides it.
func boundHeap(e *reader.Engine) {
	if os.Getenv("GOMEMLIMIT") == "" {
		e.OnHeap(func(most int64) { debug.SetMemoryLimit(most + besides) })
	}
}

// Run listens and serves until ctx ends, then drains as flight.Server.Serve does, and closes the engine. Listeners of the caller's, which
// it closes, go before those of the configuration. Once only.
func (s *Server) Run(ctx context.Context, listeners ...net.Listener) error {
	run := s.Serve
	if len(listeners) > 0 {
		run = func(ctx context.Context) error { return s.ServeOn(ctx, listeners...) }
	}
	return errors.Join(run(ctx), s.Close())
}

// Close ends a server that is not run.
func (s *Server) Close() error {
	closeTraces(s.traces, s.log)
	return s.engine.Close()
}
