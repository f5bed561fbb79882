package flight

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/mtflight/mtflight/flight/internal/catalog"
	"github.com/mtflight/mtflight/flight/internal/stage"
	"github.com/mtflight/mtflight/flight/internal/wire"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/reload"
	"github.com/mtflight/mtflight/reader"
)

// Config says what a Server serves and where. The zero value of every member but Engine, Roots and Listen is its
// default.
type Config struct {
	Engine      *reader.Engine // the caller's: it closes it after Serve has returned
	Roots       []string       // directories and files, each may be name=PATH
	Listen      []string       // grpc://HOST:PORT, grpc+unix:///PATH
	Insecure    bool           // also where others than this machine's users can reach it, who can read what is served
	SocketMode  fs.FileMode    // of the files of Unix sockets; default 0600
	Advertise   []string       // locations of replicas, this server among them, as URIs; none: clients stay on their connection
	Workers     int            // decoding goroutines of the Engine, for the number of endpoints; default: one per CPU
	Drain       time.Duration  // how long running streams may go on at the end; default 20 s
	StageDir    string         // on a memory file system, this user's alone; none: nothing is staged
	StageMemory int64          // bytes staged at most; default: half of the Engine's
	Logger      *zap.Logger
	Version     string // of the program, which the action about tells; default "unknown"
}

const defaultDrain = 20 * time.Second

// Sizes in bytes. A request is at most 1 MiB, but DoExchange sends batches; the windows let a client keep its side
// of a fast network busy.
const (
	maxReceive = 16 << 20
	windowSize = 4 << 20
)

// Server is the Flight service. New makes it, Serve runs it once.
type Server struct {
	arrowflight.BaseFlightServer
	cfg      Config
	engine   *reader.Engine
	catalog  *catalog.Catalog
	log      *zap.Logger
	grpc     *grpc.Server
	health   *health.Server
	draining atomic.Bool
	stages   *stage.Store
	noStages error // why there are none
	features []string
	reloads  reload.Set

	exchanges func() *bufpool.Budget

	mu    sync.Mutex
	addrs []net.Addr
	ready chan struct{} // closed when listening
}

// New checks the configuration. It listens to nothing yet.
func New(cfg Config) (*Server, error) {
	cat, err := catalog.New(cfg.Roots)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(checkListen(cfg.Listen), checkAdvertised(cfg.Advertise)); err != nil {
		return nil, err
	}
	if cfg.Engine == nil {
		return nil, fault.New(fault.Invalid, "flight: Config.Engine is missing")
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Drain <= 0 {
		cfg.Drain = defaultDrain
	}
	if cfg.SocketMode == 0 {
		cfg.SocketMode = 0o600
	}
	if cfg.Version == "" {
		cfg.Version = "unknown"
	}
	s := &Server{cfg: cfg, features: Features(), engine: cfg.Engine, catalog: cat, log: cfg.Logger, ready: make(chan struct{})}
	s.exchanges = sync.OnceValue(func() *bufpool.Budget { return exchangeBudget(cfg.Engine) })
	s.reloads.Log = cfg.Logger
	s.register()
	return s, nil
}

// SetRoots serves other directories and files from now on, as Config.Roots; after an error the same as before. Streams that run
// go on. It may be called at any time.
func (s *Server) SetRoots(roots []string) error { return s.catalog.SetRoots(roots) }

// OnReload has load called by Reload, and as one of the files changes while the server runs. load changes nothing where it
// fails, which the log tells. What it reads was read before; it is called before Serve.
func (s *Server) OnReload(what string, load func() error, files ...string) {
	s.reloads.Add(what, load, files...)
}

// Reload reads again what can be: all that OnReload was told. What cannot be read stays as it was and is in the error and the log.
func (s *Server) Reload() error { return s.reloads.Reload() }

func (s *Server) options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(wire.NewCodec()),
		grpc.StatsHandler(wire.Connections{}),
		grpc.ChainUnaryInterceptor(s.unary),
		grpc.ChainStreamInterceptor(s.stream),
		grpc.MaxRecvMsgSize(maxReceive),
		grpc.InitialWindowSize(windowSize),
		grpc.InitialConnWindowSize(windowSize),
		grpc.WriteBufferSize(0), // gathering connections do better
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
	}
}

func (s *Server) register() {
	s.grpc = grpc.NewServer(s.options()...)
	s.health = health.NewServer() // which says SERVING of the whole
	arrowflight.RegisterFlightServiceServer(s.grpc, s)
	grpc_health_v1.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
	for service := range s.grpc.GetServiceInfo() {
		s.health.SetServingStatus(service, grpc_health_v1.HealthCheckResponse_SERVING)
	}
}

// Serve listens and serves until ctx ends, then drains: health says NOT_SERVING, new requests are Unavailable,
// running ones may go on for Config.Drain. It returns when the last handler has, nil after an orderly end. Once only.
func (s *Server) Serve(ctx context.Context) error {
	lis, err := listenAll(s.cfg.Listen, s.cfg.SocketMode)
	if err != nil {
		return err
	}
	return s.ServeOn(ctx, lis...)
}

// ServeOn is Serve on listeners of the caller's, which it closes.
func (s *Server) ServeOn(ctx context.Context, listeners ...net.Listener) error {
	for _, l := range listeners {
		if err := s.exposed(l.Addr()); err != nil {
			return errors.Join(err, closeAll(listeners))
		}
	}
	s.mu.Lock()
	for _, l := range listeners {
		s.addrs = append(s.addrs, l.Addr())
	}
	s.mu.Unlock()
	s.openStages()
	g, gctx := errgroup.WithContext(ctx)
	for _, l := range listeners {
		s.log.Info("listening", zap.Stringer("address", l.Addr()), zap.String("network", l.Addr().Network()))
		g.Go(func() error {
			if err := s.grpc.Serve(wire.Gatherer{Listener: l}); !errors.Is(err, grpc.ErrServerStopped) {
				return err
			}
			return nil
		})
	}
	close(s.ready)
	g.Go(func() error {
		s.reloads.Watch(gctx)
		return nil
	})
	g.Go(func() error {
		<-gctx.Done()
		s.drain()
		return nil
	})
	return errors.Join(g.Wait(), s.closeStages())
}

func closeAll(listeners []net.Listener) error {
	var errs []error
	for _, l := range listeners {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// Addrs waits until the server listens and tells where, in the order of Config.Listen; nil if ctx ends first.
func (s *Server) Addrs(ctx context.Context) []net.Addr {
	select {
	case <-s.ready:
	case <-ctx.Done():
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addrs
}

func (s *Server) drain() {
	s.health.Shutdown()
	s.draining.Store(true)
	s.log.Info("draining", zap.Duration("at most", s.cfg.Drain))
	late := time.AfterFunc(s.cfg.Drain, func() {
		s.log.Warn("streams are still running: ending them")
		s.grpc.Stop()
	})
	defer late.Stop()
	s.grpc.GracefulStop()
}
