package flight

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	arrowflight "github.com/apache/arrow/go/v15/arrow/flight"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/mtflight/mtflight/flight/internal/admin"
	"github.com/mtflight/mtflight/flight/internal/admission"
	"github.com/mtflight/mtflight/flight/internal/catalog"
	"github.com/mtflight/mtflight/flight/internal/guard"
	"github.com/mtflight/mtflight/flight/internal/metrics"
	"github.com/mtflight/mtflight/flight/internal/replicas"
	"github.com/mtflight/mtflight/flight/internal/sql"
	"github.com/mtflight/mtflight/flight/internal/stage"
	"github.com/mtflight/mtflight/flight/internal/web"
	"github.com/mtflight/mtflight/flight/internal/wire"
	"github.com/mtflight/mtflight/internal/bufpool"
	"github.com/mtflight/mtflight/internal/fault"
	"github.com/mtflight/mtflight/internal/reload"
	"github.com/mtflight/mtflight/reader"
	"github.com/mtflight/mtflight/reader/collection"
)

// Config says what a Server serves and where. The zero value of every member but Engine, Roots and Listen is its
// default.
type Config struct {
	Engine      *reader.Engine       // the caller's: it closes it after Serve has returned, by when it may wait for disks no more
	Collections []string             // names of many files as one table, each NAME=PATTERN:DATASET
	Roots       []string             // directories and files, each may be name=PATH
	Listen      []string             // grpc://HOST:PORT, grpc+unix:///PATH
	Security    Security             // TLS, logins, and who may read what; by default there is none of it
	Insecure    bool                 // also where others than this machine's users can reach it, who can read what is served
	SocketMode  fs.FileMode          // of the files of Unix sockets; default 0600
	Advertise   []string             // locations of replicas, this server among them, as URIs; none: clients stay on their connection
	Peers       []string             // in place of Advertise: the same of which those that are ready are named; dns:///HOST:PORT is looked up
	Workers     int                  // decoding goroutines of the Engine, for the number of endpoints; default: one per CPU
	Drain       time.Duration        // how long running streams may go on at the end; default 20 s
	StageDir    string               // on a memory file system, this user's alone; none: nothing is staged
	StageMemory int64                // bytes staged at most; default: half of the Engine's
	Admin       string               // HOST:PORT, https://HOST:PORT or unix:///PATH, at which an operator is answered by HTTP; none: nobody is
	Limits      Limits               // of what clients may hold
	HTTP        HTTP                 // the same answers by HTTP
	SQL         string               // path of the program mtflight-sql, or off; default: beside this program, if it is there
	Slow        time.Duration        // requests that take longer are in the log with their plan; 0: none is
	Traces      trace.TracerProvider // of OpenTelemetry; none: nothing is traced
	Logger      *zap.Logger
	Audit       *zap.Logger // gets a line about each call: who, from where, what, how much, and how it ended; default Logger
	Version     string      // of the program, which the action about tells; default "unknown"
}

const defaultDrain = 20 * time.Second

// Server is the Flight service. New makes it, Serve runs it once.
type Server struct {
	arrowflight.BaseFlightServer
	cfg      Config
	engine   *reader.Engine
	catalog  *catalog.Catalog
	guard    *guard.Guard
	log      *zap.Logger
	grpc     *grpc.Server
	health   *health.Server
	draining atomic.Bool
	stages   *stage.Store
	noStages error // why there are none
	features []string
	reloads  reload.Set
	replicas *replicas.Set
	calls    calls
	metrics  *metrics.Metrics
	sql      *sql.Handler
	web      *web.Handler  // nil: nothing is answered by HTTP
	operator admin.Address // of Config.Admin
	since    time.Time
	seen     *collection.Memory

	door     *admission.Door
	shares   func() *admission.Shares
	crowd    *wire.Crowd
	stalls   stalls
	results  stalls // of SQL statements, for whose turns others may wait
	sentRoom func() *admission.Room

	mu        sync.Mutex
	addrs     []net.Addr
	locations []string
	site      string        // by HTTP; "": none
	ready     chan struct{} // closed when listening
}

// New checks the configuration. It listens to nothing yet.
func New(cfg Config) (*Server, error) {
	cat, err := catalog.New(cfg.Roots)
	if err != nil {
		return nil, err
	}
	if cfg.Logger == nil {
		cfg.Logger = zap.NewNop()
	}
	if err := cat.SetCollections(cfg.Collections); err != nil {
		return nil, err
	}
	keeper, err := guard.New(guard.Config(cfg.Security), cat.Roots, cfg.Logger)
	if err != nil {
		return nil, err
	}
	if cfg.Engine == nil {
		return nil, fault.New(fault.Invalid, "flight: Config.Engine is missing")
	}
	if cfg.Audit == nil {
		cfg.Audit = cfg.Logger
	}
	if cfg.Workers <= 0 {
		cfg.Workers = runtime.GOMAXPROCS(0)
	}
	if cfg.Drain <= 0 {
		cfg.Drain = defaultDrain
	}
	if cfg.HTTP.Files <= 0 {
		cfg.HTTP.Files = 1 << 30
	}
	if cfg.SocketMode == 0 {
		cfg.SocketMode = 0o600
	}
	if cfg.Version == "" {
		cfg.Version = "unknown"
	}
	if cfg.Limits, err = cfg.Limits.complete(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, features: Features(), engine: cfg.Engine, seen: collection.NewMemory(cfg.Engine), catalog: cat, guard: keeper, log: cfg.Logger, ready: make(chan struct{})}
	if s.replicas, err = replicas.New(cfg.Advertise, cfg.Peers, slices.ContainsFunc(cfg.Listen, isTLS), cfg.Logger); err != nil {
		return nil, err
	}
	cat.On(cfg.Engine.Disks())
	s.sentRoom = sync.OnceValue(func() *admission.Room {
		_, all := cfg.Engine.Memory()
		return admission.NewRoom(bufpool.NewBudget(all/4, cfg.Limits.MaxWait), cfg.Engine)
	})
	if err := errors.Join(s.checkListen(), s.checkAdmin(), s.checkHTTP()); err != nil {
		return nil, err
	}
	s.crowd, s.door = wire.NewCrowd(cfg.Limits.Connections), admission.NewDoor(cfg.Limits.ReceiveTimeout, receiveRoom)
	s.shares = sync.OnceValue(func() *admission.Shares { return admission.NewShares(cfg.Limits.calls(cfg.Engine)) })
	s.reloads.Log, s.since = cfg.Logger, time.Now()
	s.sql = sql.New(sqlDoor{s}, cfg.Version, s.sqlEngine())
	s.metrics = metrics.New(cfg.Version, s.snapshot)
	if cfg.Security.Rules != "" {
		cat.Under(keeper.Rules)
	}
	if files := guard.Config(cfg.Security).Files(); len(files) > 0 {
		s.OnReload("certificates, logins and rules", keeper.Reload, files...)
	}
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

func (s *Server) register() {
	s.grpc = grpc.NewServer(s.options()...)
	s.health = health.NewServer() // which says SERVING of the whole
	s.grpc.RegisterService(wire.Description(), s)
	grpc_health_v1.RegisterHealthServer(s.grpc, s.health)
	if !s.cfg.Limits.NoReflection {
		reflection.Register(s.grpc)
	}
	for service := range s.grpc.GetServiceInfo() {
		s.health.SetServingStatus(service, grpc_health_v1.HealthCheckResponse_SERVING)
	}
	s.disksHang(false)
	s.engine.Disks().OnChange(s.disksHang)
}

// disksService is what tells by its health whether all disks answer. The whole serves on where one does not: others do.
const disksService = "mtflight.disks"

func (s *Server) disksHang(hangs bool) {
	status := grpc_health_v1.HealthCheckResponse_SERVING
	if hangs {
		status = grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	s.health.SetServingStatus(disksService, status)
}

// Serve listens and serves until ctx ends, then drains: health says NOT_SERVING, new requests are Unavailable,
// running ones may go on for Config.Drain. It returns when the last handler has, nil after an orderly end. Once only.
func (s *Server) Serve(ctx context.Context) error {
	doors, err := s.listenAll()
	if err != nil {
		return err
	}
	return s.serve(ctx, doors)
}

// ServeOn is Serve on listeners of the caller's, which it closes. On those of TCP it is TLS where there is a certificate.
func (s *Server) ServeOn(ctx context.Context, listeners ...net.Listener) error {
	var doors []wire.Listener
	for _, l := range listeners {
		door := wire.Listener{Listener: l}
		if l.Addr().Network() == "tcp" {
			door.TLS = s.guard.TLS()
		}
		doors = append(doors, door)
	}
	return s.serve(ctx, doors)
}

func (s *Server) serve(ctx context.Context, doors []wire.Listener) error {
	for _, d := range doors {
		if err := s.exposed(d.Addr(), d.TLS != nil); err != nil {
			return errors.Join(err, closeAll(doors))
		}
		s.warnOf(d)
	}
	s.mu.Lock()
	for _, d := range doors {
		s.addrs, s.locations = append(s.addrs, d.Addr()), append(s.locations, locationOf(d))
	}
	s.mu.Unlock()
	operator, err := s.openAdmin()
	if err != nil {
		return errors.Join(err, closeAll(doors))
	}
	site, err := s.openWeb()
	if err != nil {
		return errors.Join(err, closeAll(doors), closeIf(operator))
	}
	s.openStages()
	g, gctx := errgroup.WithContext(ctx)
	for i, d := range doors {
		d.Crowd = s.crowd
		s.log.Info("listening", zap.String("location", s.locations[i]), zap.Stringer("address", d.Addr()), zap.String("network", d.Addr().Network()))
		g.Go(func() error {
			if err := s.grpc.Serve(d); !errors.Is(err, grpc.ErrServerStopped) {
				return err
			}
			return nil
		})
	}
	ended, end := context.WithCancel(context.WithoutCancel(ctx))
	if operator != nil { // until all requests have ended
		g.Go(func() error { return s.serveAdmin(ended, operator) })
	}
	if site != nil {
		s.site = site.location
		g.Go(func() error { return s.serveWeb(gctx, site) })
	}
	close(s.ready)
	g.Go(func() error {
		s.reloads.Watch(gctx)
		return nil
	})
	g.Go(func() error {
		s.replicas.Watch(gctx)
		return nil
	})
	g.Go(func() error {
		s.watchStalls(gctx)
		return nil
	})
	g.Go(func() error {
		defer end()
		<-gctx.Done()
		s.drain()
		return nil
	})
	err = g.Wait()
	s.sql.Close()
	return errors.Join(err, s.closeStages())
}

func closeIf(l net.Listener) error {
	if l == nil {
		return nil
	}
	return l.Close()
}

func closeAll(doors []wire.Listener) error {
	var errs []error
	for _, d := range doors {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}

// unheard tells of a connection that did not come to a call.
func (s *Server) unheard(peer net.Addr, err error) {
	s.log.Info("no TLS with a client", zap.Stringer("peer", peer), zap.Error(err))
}

// Locations waits as Addrs does and gives URIs.
func (s *Server) Locations(ctx context.Context) []string {
	if s.Addrs(ctx) == nil {
		return nil
	}
	return s.locations
}

// Site waits as Addrs does and gives where the server answers by HTTP; "" if it does not.
func (s *Server) Site(ctx context.Context) string {
	if s.Addrs(ctx) == nil {
		return ""
	}
	return s.site
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
		s.engine.Disks().End()
		s.grpc.Stop()
	})
	defer late.Stop()
	s.grpc.GracefulStop()
}
