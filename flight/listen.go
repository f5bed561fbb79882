package flight

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/mtflight/mtflight/flight/internal/wire"
	"github.com/mtflight/mtflight/internal/fault"
)

// listenAll listens to every URI of the configuration or to none.
func (s *Server) listenAll() ([]wire.Listener, error) {
	if len(s.cfg.Listen) == 0 {
		return nil, fault.New(fault.Invalid, "flight: nowhere to listen: give grpc://HOST:PORT, grpc+tls://HOST:PORT or grpc+unix:///PATH")
	}
	var all []wire.Listener
	for _, uri := range s.cfg.Listen {
		d, err := s.listen(uri)
		if err != nil {
			return nil, errors.Join(err, closeAll(all))
		}
		all = append(all, d)
	}
	return all, nil
}

func isTLS(uri string) bool {
	return strings.HasPrefix(uri, "grpc+tls:") || strings.HasPrefix(uri, "https:")
}

// listen listens to one, by TLS if that is what it says.
func (s *Server) listen(uri string) (d wire.Listener, err error) {
	if isTLS(uri) {
		d.TLS = s.guard.TLS()
	}
	d.Listener, err = listen(uri, s.cfg.SocketMode)
	return d, err
}

// locationOf is where a client finds a listener.
func locationOf(d wire.Listener) string {
	switch a := d.Addr(); {
	case a.Network() == "unix":
		return "grpc+unix://" + a.String()
	case d.TLS != nil:
		return "grpc+tls://" + a.String()
	default:
		return "grpc://" + a.String()
	}
}

// splitURI gives the network and address of a location.
func splitURI(uri string) (network, address string, err error) {
	bad := func(why string) (string, string, error) {
		return "", "", fault.New(fault.Invalid, "flight: location %q: %s", uri, why)
	}
	u, err := url.Parse(uri)
	if err != nil {
		return bad("not a URI: write grpc://HOST:PORT, grpc+tls://HOST:PORT or grpc+unix:///PATH")
	}
	switch u.Scheme {
	case "grpc", "grpc+tcp", "grpc+tls":
		if u.Port() == "" || uri != u.Scheme+"://"+u.Host {
			return bad("must be grpc://HOST:PORT")
		}
		if n, err := strconv.Atoi(u.Port()); err != nil || n > math.MaxUint16 {
			return bad("a port is a number up to 65535")
		}
		return "tcp", u.Host, nil
	case "grpc+unix", "unix":
		path := u.Path + u.Opaque
		if path == "" || u.Host != "" {
			return bad("must be grpc+unix:///PATH")
		}
		if len(path) > maxSocketPath {
			return bad(fmt.Sprintf("a socket's path has at most %d bytes: choose a shorter one", maxSocketPath))
		}
		return "unix", path, nil
	}
	return bad("unknown scheme: write grpc://HOST:PORT, grpc+tls://HOST:PORT or grpc+unix:///PATH")
}

// maxSocketPath is what the system has room for (sun_path in unix(7)), beside the NUL behind it.
const maxSocketPath = 107

// checkListen refuses locations that are none to listen at, or at which whoever reaches them could read what is served.
func (s *Server) checkListen() error {
	for _, uri := range s.cfg.Listen {
		network, address, err := splitURI(uri)
		if err != nil {
			return err
		}
		if isTLS(uri) && s.cfg.Security.TLSCert == "" {
			return fault.New(fault.Invalid, "flight: listen to %s: TLS needs --tls-cert and --tls-key; `mtflight cert selfsigned` makes both to begin with", uri)
		}
		if network == "unix" {
			continue
		}
		at, err := net.ResolveTCPAddr(network, address)
		if err != nil {
			return refused(uri, network, address, err)
		}
		if err := s.exposed(at, isTLS(uri)); err != nil {
			return err
		}
	}
	if s.cfg.Security.TLSCert != "" && len(s.cfg.Listen) > 0 && s.cfg.HTTP.Address == "" && !slices.ContainsFunc(slices.Concat(s.cfg.Listen, []string{s.cfg.Admin}), isTLS) {
		return fault.New(fault.Invalid, "flight: --tls-cert is for grpc+tls://HOST:PORT: say --listen so")
	}
	return nil
}

func listen(uri string, mode fs.FileMode) (net.Listener, error) {
	network, address, err := splitURI(uri)
	if err != nil {
		return nil, err
	}
	l, err := bindAnew(network, address, mode)
	if err != nil {
		return nil, refused(uri, network, address, err)
	}
	return l, nil
}

// bindAnew is bind, also where a server that ended has left its socket's file.
func bindAnew(network, address string, mode fs.FileMode) (net.Listener, error) {
	l, err := bind(network, address, mode)
	if network == "unix" && errors.Is(err, syscall.EADDRINUSE) && stale(address) {
		if err = os.Remove(address); err == nil {
			l, err = bind(network, address, mode)
		}
	}
	return l, err
}

// bind listens. The file of a socket never has more than the mode: it is made with that of its descriptor, less the umask.
func bind(network, address string, mode fs.FileMode) (net.Listener, error) {
	if network != "unix" {
		return net.Listen(network, address)
	}
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if cerr := c.Control(func(fd uintptr) { err = syscall.Fchmod(int(fd), uint32(mode.Perm())) }); cerr != nil {
			return cerr
		}
		return err
	}}
	l, err := config.Listen(context.Background(), network, address)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(address, mode.Perm()); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// exposed refuses an address that others than this machine's users can reach, but by TLS and with a login.
func (s *Server) exposed(at net.Addr, byTLS bool) error {
	tcp, ok := at.(*net.TCPAddr)
	if !ok || tcp.IP.IsLoopback() || s.cfg.Insecure || byTLS && s.guard.Asks() {
		return nil
	}
	return fault.New(fault.Invalid, "flight: listen to %s: whoever reaches it could read what is served: serve --listen grpc+tls://%[1]s --tls-cert FILE --tls-key FILE "+
		"with a login (--auth-tokens FILE, --auth-users, --oidc-issuer or --tls-client-ca), or, where everybody on the network may read, serve --insecure "+
		"(docker run .. serve --insecure)", at)
}

// warnOf tells who can read at an address that is not refused.
func (s *Server) warnOf(d wire.Listener) {
	tcp, ok := d.Addr().(*net.TCPAddr)
	asks := s.guard.Asks()
	where := zap.Stringer("address", d.Addr())
	switch {
	case !ok || asks && (d.TLS != nil || tcp.IP.IsLoopback()):
	case tcp.IP.IsLoopback():
		s.log.Info("every user of this machine can read what is served: grpc+unix:///PATH is for one user", where)
	case asks:
		s.log.Warn("logins and what is read can be seen on the network: there is no TLS", where)
	default:
		s.log.Warn("whoever reaches this machine can read what is served: there is no login", where)
	}
}

// refused says what to do where a server cannot listen.
func refused(uri, network, address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && network == "unix" && !isSocket(address):
		return fault.New(fault.Invalid, "flight: listen to %s: there is something else than a socket: choose another path", uri)
	case errors.Is(err, syscall.EADDRINUSE):
		return fault.New(fault.Unavailable, "flight: listen to %s: already in use: stop the other server or choose another address", uri)
	case errors.Is(err, syscall.EACCES):
		return fault.New(fault.Denied, "flight: listen to %s: not allowed: choose a port from 1024 on, or a directory you may write", uri)
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENOTDIR):
		return fault.New(fault.Invalid, "flight: listen to %s: its directory is not there: make it first", uri)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fault.New(fault.Invalid, "flight: listen to %s: not an address of this machine: choose one of its own, or 0.0.0.0 for all", uri)
	}
	return fault.New(fault.Unavailable, "flight: listen to %s: %w: choose another address", uri, err)
}

func isSocket(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&os.ModeSocket != 0
}

// stale tells whether a path is a socket to which nobody listens any more.
func stale(path string) bool {
	if !isSocket(path) {
		return false
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		c.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED) || strings.Contains(err.Error(), "no such file")
}
